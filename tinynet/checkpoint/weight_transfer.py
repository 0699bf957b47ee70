"""A plan for the transfer of arrays from a file of weights to a new network.

Such a file says nothing about a network: an array belongs to the parameter or buffer of its name,
or to the one that the rules map it to.
"""

from collections.abc import Iterable, Mapping

from tinynet.checkpoint.layouts.converted import ARRAY, arrays_of
from tinynet.checkpoint.parametrized_transfer import transferable
from tinynet.checkpoint.tensor_layout import TensorLayout, find_tensor
from tinynet.checkpoint.tensor_pairs import target_problems
from tinynet.checkpoint.transfer import (
    TransferPlan,
    TransferRefusedError,
    allowing_options,
    planned_moves,
    refusals,
)
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.engine.tensor_names import in_group
from tinynet.errors import CheckpointMismatchError
from tinynet.files.array_header import ArrayHeader
from tinynet.network.network import Network
from tinynet.text.wording import quote, suggest
from tinynet.types import Array


def plan_weight_transfer(
    network: Network, headers: Mapping[str, ArrayHeader], rules: TransferRules, origin: str
) -> TransferPlan:
    """Return the plan of a transfer; nothing changes.

    Args:
        network: The network.
        headers: The shape and dtype of each array in the file, by its name.
        rules: The allowed actions. ``map`` has names of arrays, each with the address of a
            parameter (``vectors`` -> ``embedding_1/weight``), or the part of the names before a
            slash, with a node. An array that is mapped as ``weight.T`` is transposed. An array
            that is mapped by its own name is also carried to the parameter of that name.
        origin: The name of the file in messages.

    Raises:
        TransferRefusedError: listing every move that the rules do not allow, with the option that
            would.
        CheckpointMismatchError: listing the mistakes in ``rules.map``.
    """
    addresses = [name.partition("/")[2] for name in transferable(network)]
    arrays = {n: TensorLayout(ARRAY + n, h.shape, h.dtype) for n, h in headers.items()}
    chosen = _sources(arrays, addresses, rules.pairs, origin)
    paired = chosen.keys() & {after for _, after in rules.pairs}
    moves = planned_moves(
        network, arrays.values(), lambda target: chosen.get(target.address), rules, paired, origin
    )
    if refused := refusals(moves, rules):
        hint = "--map ARRAY=NODE/PARAMETER gives a parameter an array of another name"
        lines = (*refused.values(), hint)
        raise TransferRefusedError(TransferPlan(moves, (), lines, allowing_options(refused)))
    return TransferPlan(moves, ())


def required_arrays(plan: TransferPlan) -> list[str]:
    """Return the names of the arrays of the file that a plan transfers."""
    used = [move.source for move in plan.moves if move.source and move.target]
    return sorted({name for tensor in used for name in arrays_of(tensor)})


def as_tensors(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a file by the names in their layouts."""
    return in_group(ARRAY, arrays)


def _sources(
    arrays: Mapping[str, TensorLayout],
    addresses: Iterable[str],
    renamed: Iterable[tuple[str, str]],
    origin: str,
) -> dict[str, TensorLayout]:
    """Return the array of each parameter or buffer that has one, by its address."""
    known = dict.fromkeys(addresses)
    nodes = {address.rpartition("/")[0] for address in known}
    chosen: dict[str, TensorLayout] = {}
    moved: set[str] = set()
    problems: list[str] = []
    for before, after in renamed:
        within = [name for name in arrays if name.startswith(f"{before}/")]
        if (array := find_tensor(before, arrays)) is not None:
            problems += target_problems(before, after, known, chosen)
            chosen[after] = array
        elif not within:
            names = {*arrays, *(name.rpartition("/")[0] for name in arrays if "/" in name)}
            hint = suggest(before, names)
            problems.append(f"--map: {origin} has no array {quote(before)}; {hint}")
        elif after not in nodes:
            hint = suggest(after, nodes)
            problems.append(f"--map: the network has no node {quote(after)}; {hint}")
        else:
            moved.update(within)
            for name in within:
                chosen[after + name.removeprefix(before)] = arrays[name]
    if problems:
        raise CheckpointMismatchError("\n  ".join(problems))
    # As from a checkpoint, a single array is also carried to its namesake; those of a node are not.
    return {name: arrays[name] for name in arrays if name in known and name not in moved} | chosen
