"""Fine-tuning: a plan for the transfer of tensors from a checkpoint to a new network.

Parameters and buffers are transferred; optimizer state, progress and metrics are not: the new run
starts at step 0. Nothing is left out, added or reshaped unless a rule allows it. The module
`weight_transfer` plans the same from a file of weights.
"""

import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.node_matching import Matching, node_records
from tinynet.checkpoint.parametrized_transfer import targets_of, transferable
from tinynet.checkpoint.plugin_lock import recorded_names, types_of
from tinynet.checkpoint.shared_tensors import explain_new, explain_unused
from tinynet.checkpoint.tensor_layout import CONVERTIBLE, TensorLayout, layouts
from tinynet.checkpoint.tensor_pairs import paired_tensors, split_pairs
from tinynet.checkpoint.transfer_rules import STRICT, TransferRules
from tinynet.engine.tensor_names import mismatch_message
from tinynet.errors import CheckpointFormatError, CheckpointMismatchError, SpecError
from tinynet.network.network import Network
from tinynet.spec.network_spec import NetworkSpec
from tinynet.types import Array, Shape

Action: TypeAlias = Literal["carried", "overlapped", "new", "dropped", "differs"]

CHECKPOINT = "the checkpoint"
"""The origin of the tensors in messages, unless they come from a file of weights."""

_SHAPE, _DTYPE = "differ in shape", "differ in dtype"


@dataclass(frozen=True)
class TensorTransfer:
    """The action for a tensor of the checkpoint, of the network, or for one of each.

    ``fits`` is False if the rules do not allow the target to take the source, and ``paired`` is
    True if they name both; ``origin`` is the name of the source's file in messages.
    """

    source: TensorLayout | None
    target: TensorLayout | None
    fits: bool = True
    paired: bool = False
    origin: str = CHECKPOINT

    @property
    def action(self) -> Action:
        """The action; ``"differs"`` if the two do not fit."""
        if self.source is None:
            return "new"
        if self.target is None:
            return "dropped"
        if not self.fits:
            return "differs"
        return "carried" if self.source.shape == self.target.shape else "overlapped"

    @property
    def common(self) -> Shape:
        """The shape of the part that source and target have in common."""
        assert self.source is not None
        assert self.target is not None
        return tuple(map(min, self.source.shape, self.target.shape))

    def __str__(self) -> str:
        source, target = self.source, self.target
        line = f"{self.action:<10}  {target or source}"
        if source is None or target is None:
            return line
        if not self.fits:
            line += f", in {self.origin} {source}"
        elif self.action == "overlapped":
            part = ", ".join(f":{size}" for size in self.common)
            line += f", [{part}] of it from {source}"
        elif source.label != target.label:
            line += f", from {source.origin}"
        return line if source.dtype == target.dtype else f"{line}, {source.dtype} -> {target.dtype}"


@dataclass(frozen=True)
class TransferPlan:
    """The actions for all tensors: the network's in its order, then those that are dropped.

    ``refusals`` has a line for each move that the rules do not allow, and ``options`` those of
    ``tinynet train`` that would allow them. ``warnings`` has the reasons why the network may
    compute other outputs than the model that the tensors come from.
    """

    moves: tuple[TensorTransfer, ...]
    notes: tuple[str, ...]
    refusals: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def counts(self) -> dict[Action, int]:
        """Return the number of tensors of each action."""
        counts = Counter(move.action for move in self.moves)
        actions: list[Action] = ["carried", "overlapped", "new", "dropped"]
        if self.refusals:
            actions.append("differs")
        return {action: counts[action] for action in actions}

    @property
    def summary(self) -> str:
        """The counts in words: ``6 carried, 2 new, 2 dropped``."""
        return ", ".join(f"{n:,} {action}" for action, n in self.counts().items() if n)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each tensor, then the notes."""
        return (*map(str, self.moves), *(f"{'note':<10}  {note}" for note in self.notes))


class TransferRefusedError(CheckpointMismatchError):
    """A checkpoint that does not fit the network under the rules; `plan` lists the moves."""

    def __init__(self, plan: TransferPlan, path: Path | None = None) -> None:
        super().__init__(mismatch_message(plan.refusals))
        self.plan = plan
        self.path = path


def plan_transfer(
    network: Network, checkpoint: Checkpoint, rules: TransferRules = STRICT
) -> TransferPlan:
    """Return the plan of a transfer. Nothing changes, and no type of the checkpoint is needed.

    Raises:
        TransferRefusedError: listing every move that the rules do not allow, with the option that
            would.
        CheckpointFormatError: if the checkpoint's spec does not describe a network.
    """
    nodes, tensors = split_pairs(rules.pairs)
    matching = _match(network, checkpoint, nodes)
    sources = {tensor.name: tensor for tensor in layouts(checkpoint.weights)}
    by_address = {tensor.address: tensor for tensor in sources.values()}
    weights = layouts(transferable(network))
    targets = {target.address: target for target in weights}
    paired = paired_tensors(tensors, by_address, targets, CHECKPOINT)

    def source_of(target: TensorLayout) -> TensorLayout | None:
        if target.address in paired:
            return paired[target.address]
        kind, _, rest = target.name.split("/", 2)
        before = matching.sources.get(target.node)
        return sources.get(f"{kind}/{before}/{rest}") if before is not None else None

    moves = planned_moves(network, sources.values(), source_of, rules, paired)
    refused = refusals(moves, rules)
    if refused:
        new = [move.target for move in refused if move.target and not move.source]
        unused = [move.source for move in refused if move.source and not move.target]
        lines = [
            *refused.values(),
            *explain_new(new, matching, by_address),
            *explain_unused(unused, matching, targets),
            *matching.clashes,
            *matching.advice(_shapes(new), _shapes(unused)),
        ]
        raise TransferRefusedError(
            TransferPlan(moves, tuple(matching.notes), tuple(lines), allowing_options(refused))
        )
    return TransferPlan(moves, (*matching.clashes, *matching.notes))


def planned_moves(
    network: Network,
    sources: Iterable[TensorLayout],
    source_of: Callable[[TensorLayout], TensorLayout | None],
    rules: TransferRules,
    paired: Collection[str],
    origin: str = CHECKPOINT,
) -> tuple[TensorTransfer, ...]:
    """Return the action for each tensor of a network, then for the sources that are not used.

    Args:
        network: The network.
        sources: The tensors that can be transferred.
        source_of: Returns the source of a tensor of the network; None if it has none.
        rules: The allowed actions.
        paired: The addresses of the targets for which the rules name a tensor.
        origin: The name of the sources' file in messages.
    """
    moves: list[TensorTransfer] = []
    targets = targets_of(network, source_of)
    named = {s.name for t in targets if t.address in paired and (s := source_of(t)) is not None}
    for target in targets:
        source = source_of(target)
        fits = source is None or not _difference(source, target, rules)
        is_paired = target.address in paired
        if not fits and not is_paired and _allowed(target, rules.allow_new):
            assert source is not None
            # A source that the rules name for another target is not dropped.
            if source.name in named or _allowed(source, rules.allow_dropped):
                source, fits = None, True
        moves.append(TensorTransfer(source, target, fits, is_paired, origin))
    used = {move.source.name for move in moves if move.source is not None}
    unused = [source for source in sources if source.name not in used]
    return (*moves, *(TensorTransfer(source, None, origin=origin) for source in unused))


def refusals(moves: Iterable[TensorTransfer], rules: TransferRules) -> dict[TensorTransfer, str]:
    """Return the reason for each move that the rules do not allow, with options that would."""
    return {move: why for move in moves if (why := _refusal(move, rules))}


def apply_transfer(plan: TransferPlan, network: Network, tensors: Mapping[str, Array]) -> None:
    """Carry out a plan, or change nothing if a value is too large: `CheckpointMismatchError`.

    ``tensors`` are the sources, by the names in their layouts.
    """
    arrays = transferable(network)
    values: list[tuple[Array, Array]] = []
    for move in plan.moves:
        if move.source is None or move.target is None:
            continue
        corner: tuple[Any, ...] = (*map(slice, move.common), ...)
        part: Array = arrays[move.target.name][corner]
        value: Array = move.source.value(tensors)[corner]
        with np.errstate(over="ignore"):
            converted = value.astype(part.dtype, copy=False)
        if np.isfinite(value).all() and not np.isfinite(converted).all():
            raise CheckpointMismatchError(
                f"{move.source.address} holds values that are too large for {part.dtype}; set"
                f' "dtype": "{value.dtype}" in the network'
            )
        values.append((part, converted))
    for part, converted in values:
        part[...] = converted
    changed = (move.target for move in plan.moves if move.source and move.target)
    network.parametrizations.adopt({target.address for target in changed})


def _match(network: Network, checkpoint: Checkpoint, pairs: Iterable[tuple[str, str]]) -> Matching:
    new = node_records(network.spec, recorded_names(types_of(network.spec)))
    try:
        network_spec = NetworkSpec.model_validate(checkpoint.spec["network"])
        old = node_records(network_spec, recorded_names(checkpoint.types))
    except (KeyError, TypeError, AttributeError, ValueError, SpecError) as error:
        reason = str(error).partition("\n")[0]
        message = f"the checkpoint's spec does not describe a network: {reason}"
        raise CheckpointFormatError(message) from error
    return Matching(old, new, pairs)


def _shapes(tensors: Iterable[TensorLayout]) -> dict[str, dict[str, Shape]]:
    """Return the shapes of the tensors of each node, by their names without the node's."""
    shapes: dict[str, dict[str, Shape]] = {}
    for tensor in tensors:
        name = tensor.address.removeprefix(f"{tensor.node}/")
        shapes.setdefault(tensor.node, {})[name] = tensor.shape
    return shapes


def _difference(source: TensorLayout, target: TensorLayout, rules: TransferRules) -> str:
    """Return the difference that prevents a transfer; empty if the rules allow it."""
    if source.dtype != target.dtype and not {source.dtype, target.dtype} <= CONVERTIBLE:
        return _DTYPE
    if len(source.shape) != len(target.shape):
        return "have different numbers of axes"
    if source.shape != target.shape and not _allowed(target, rules.overlap):
        return _SHAPE
    return ""


def _allowed(tensor: TensorLayout | None, patterns: Iterable[str]) -> bool:
    return tensor is not None and any(fnmatchcase(tensor.address, p) for p in patterns)


def allowing_options(refused: Iterable[TensorTransfer]) -> tuple[str, ...]:
    """Return the options that allow all moves; tensors that do not fit are initialized.

    No option allows a tensor that does not fit, although the rules name it.
    """
    options: dict[str, None] = {}
    for move in refused:
        if move.paired:
            continue
        for option, tensor in (("--allow-new", move.target), ("--allow-dropped", move.source)):
            if tensor is not None:
                options[f"{option} {shlex.quote(tensor.pattern)}"] = None
    return tuple(options)


def _refusal(move: TensorTransfer, rules: TransferRules) -> str | None:
    """Return why the rules do not allow a move, and the option that would; None if they do."""
    source, target = move.source, move.target
    if source is None:
        assert target is not None
        if _allowed(target, rules.allow_new):
            return None
        remedy = f"--allow-new '{target.pattern}' initializes it"
        return f"{target} has no source in {move.origin}: {remedy}"
    if target is None:
        if _allowed(source, rules.allow_dropped):
            return None
        remedy = f"--allow-dropped '{source.pattern}' leaves it out"
        return f"{source} of {move.origin} is not used: {remedy}"
    if move.fits:
        return None
    why, remedies = _difference(source, target, rules), []
    if why == _SHAPE and source.shape[::-1] == target.shape:
        pair = f"{source.transpose().label}={target.address}"
        remedies.append(f"--map '{pair}' takes its transpose")
    if why == _SHAPE:
        remedies.append(f"--overlap '{target.pattern}' carries over the part that both have")
    elif why == _DTYPE:
        remedies.append(f"a copy of it in {target.dtype} fits")
    if move.paired:
        remedies.append(f"leave out --map '{source.label}={target.address}'")
    else:
        patterns = f"--allow-new '{target.pattern}' --allow-dropped '{source.pattern}'"
        remedies.append(f"{patterns} initializes it")
    return f"{target} and {source} of {move.origin} {why}: {', '.join(remedies)}"
