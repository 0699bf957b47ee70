"""A plan for the transfer of arrays from a file of weights to a new network.

Such a file says nothing about a network: an array belongs to the parameter or buffer of its name,
or to the one that the rules map it to.
"""

from collections.abc import Iterable, Mapping

from tinynet.checkpoint.transfer import (
    TensorLayout,
    TensorTransfer,
    TransferPlan,
    TransferRefusedError,
    allowing_options,
    planned_moves,
    refusals,
)
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.engine.tensor_names import named_weights
from tinynet.errors import CheckpointMismatchError
from tinynet.files.array_header import ArrayHeader
from tinynet.network.network import Network
from tinynet.spec.network_spec import TRANSPOSED
from tinynet.text.wording import quote, suggest
from tinynet.types import Array

_AS_STORED, _TRANSPOSED = "array/", "transposed/"
"""Prefixes of the arrays' names in their layouts, where those of a checkpoint have a group."""


def plan_weight_transfer(
    network: Network, headers: Mapping[str, ArrayHeader], rules: TransferRules, origin: str
) -> TransferPlan:
    """Return the plan of a transfer; nothing changes.

    Args:
        network: The network.
        headers: The shape and dtype of each array in the file, by its name.
        rules: The allowed actions. ``map`` has names of arrays, each with the address of a
            parameter (``vectors`` -> ``embedding_1/weight``), or the part of the names before a
            slash, with a node. An array that is mapped as ``weight.T`` is transposed.
        origin: The name of the file in messages.

    Raises:
        TransferRefusedError: listing every move that the rules do not allow, with the option that
            would.
        CheckpointMismatchError: listing the mistakes in ``rules.map``.
    """
    addresses = [name.partition("/")[2] for name in named_weights(network.params, network.buffers)]
    chosen = _sources(headers, addresses, rules.map, origin)
    used = {layout.address for layout in chosen.values()}
    unused = [_layout(name, headers) for name in headers if name not in used]
    sources = [*dict.fromkeys(chosen.values()), *unused]
    moves = planned_moves(network, sources, lambda t: chosen.get(t.address), rules, origin)
    _require_mapped(moves, chosen, rules.map)
    if refused := refusals(moves, rules):
        hint = "--map ARRAY=NODE/PARAMETER gives a parameter an array of another name"
        lines = (*refused.values(), hint)
        raise TransferRefusedError(TransferPlan(moves, (), lines, allowing_options(refused)))
    return TransferPlan(moves, ())


def required_arrays(plan: TransferPlan) -> list[str]:
    """Return the names of the arrays of the file that a plan transfers."""
    return sorted({move.source.address for move in plan.moves if move.source and move.target})


def as_tensors(plan: TransferPlan, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays that a plan transfers, by the names in their layouts."""
    tensors = {}
    for move in plan.moves:
        if move.source is not None and move.target is not None:
            array = arrays[move.source.address]
            is_transposed = move.source.name.startswith(_TRANSPOSED)
            tensors[move.source.name] = array.T if is_transposed else array
    return tensors


def _require_mapped(
    moves: Iterable[TensorTransfer], chosen: Mapping[str, TensorLayout], renamed: Mapping[str, str]
) -> None:
    """Refuse a mapped array that does not fit, even if patterns allow to leave it out."""
    lost = [
        f"--map: {chosen[move.target.address]} does not fit {move.target}, in shape or dtype"
        for move in moves
        if move.target is not None
        and move.source is None
        and move.target.address in renamed.values()
    ]
    if lost:
        raise CheckpointMismatchError("\n  ".join(lost))


def _layout(name: str, headers: Mapping[str, ArrayHeader]) -> TensorLayout:
    """Return the layout of an array, or of its transpose if ``.T`` follows its name."""
    if name in headers:
        return TensorLayout(_AS_STORED + name, headers[name].shape, headers[name].dtype)
    header = headers[name.removesuffix(TRANSPOSED)]
    return TensorLayout(
        _TRANSPOSED + name.removesuffix(TRANSPOSED), header.shape[::-1], header.dtype
    )


def _sources(
    headers: Mapping[str, ArrayHeader],
    addresses: Iterable[str],
    renamed: Mapping[str, str],
    origin: str,
) -> dict[str, TensorLayout]:
    """Return the array of each parameter or buffer that has one, by its address."""
    known = dict.fromkeys(addresses)
    nodes = {address.rpartition("/")[0] for address in known}
    chosen: dict[str, TensorLayout] = {}
    problems = []
    for before, after in renamed.items():
        within = [name for name in headers if name.startswith(f"{before}/")]
        if before in headers or before.removesuffix(TRANSPOSED) in headers:
            if after not in known:
                hint = suggest(after, known)
                problems.append(f"--map: the network has no parameter {quote(after)}; {hint}")
            elif after in chosen:
                message = f"--map: two arrays are mapped to {quote(after)}; keep one of the two"
                problems.append(message)
            chosen[after] = _layout(before, headers)
        elif not within:
            names = {*headers, *(name.rpartition("/")[0] for name in headers if "/" in name)}
            hint = suggest(before, names)
            problems.append(f"--map: {origin} has no array {quote(before)}; {hint}")
        elif after not in nodes:
            hint = suggest(after, nodes)
            problems.append(f"--map: the network has no node {quote(after)}; {hint}")
        else:
            for name in within:
                chosen[after + name.removeprefix(before)] = _layout(name, headers)
    if problems:
        raise CheckpointMismatchError("\n  ".join(problems))
    used = {layout.address for layout in chosen.values()}
    namesakes = (name for name in headers if name in known and name not in used | chosen.keys())
    return {**{name: _layout(name, headers) for name in namesakes}, **chosen}
