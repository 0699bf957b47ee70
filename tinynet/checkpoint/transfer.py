"""Fine-tuning: the plan of which tensors a new network takes over from a checkpoint.

Parameters and running statistics go over; the optimizer's state, the place in the run and the
figures do not: the new run starts at step 0. Nothing is left out, added or reshaped unless a rule
says so.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.node_matching import Matching, places
from tinynet.checkpoint.plugin_lock import recorded_names, types_of
from tinynet.engine.tensor_names import mismatch_message, named_weights
from tinynet.errors import CheckpointFormatError, CheckpointMismatchError, SpecError
from tinynet.network.network import Network
from tinynet.spec.network_spec import NetworkSpec
from tinynet.types import Array, Shape

Action: TypeAlias = Literal["carried", "overlapped", "new", "dropped", "differs"]


@dataclass(frozen=True)
class TransferRules:
    """The actions that are allowed besides carrying over tensors unchanged.

    A pattern is compared with addresses, ``dense_2/weight``; ``*`` stands for any characters.

    Attributes:
        map: Nodes of the checkpoint by name, each with the node that takes over its tensors.
        allow_new: Patterns of tensors that may be initialized.
        allow_dropped: Patterns of the checkpoint's tensors that may be left out.
        overlap: Patterns of tensors that may change their shape: they take the part, from index 0
            on along each axis, that both shapes have, and keep their initial values elsewhere.
        keep_preprocessing: Use what the checkpoint's transforms learned from its training data,
            instead of fitting them to the new data.
    """

    map: Mapping[str, str] = field(default_factory=dict)
    allow_new: tuple[str, ...] = ()
    allow_dropped: tuple[str, ...] = ()
    overlap: tuple[str, ...] = ()
    keep_preprocessing: bool = False


STRICT = TransferRules()
"""Everything is carried over as it is, or nothing is done."""


@dataclass(frozen=True)
class TensorFacts:
    """A tensor without its values.

    Attributes:
        name: Its name in a checkpoint: ``params/dense_2/weight``.
        shape: Its shape.
        dtype: NumPy's name of its dtype.
    """

    name: str
    shape: Shape
    dtype: str

    @property
    def address(self) -> str:
        """``dense_2/weight``."""
        return self.name.partition("/")[2]

    @property
    def node(self) -> str:
        """``dense_2``."""
        return self.address.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.address} {self.shape}"


@dataclass(frozen=True)
class Move:
    """The action for one tensor.

    Attributes:
        source: The tensor in the checkpoint, or None.
        target: The tensor in the network, or None.
        fits: Whether the rules allow the target to take the source.
    """

    source: TensorFacts | None
    target: TensorFacts | None
    fits: bool = True

    @property
    def action(self) -> Action:
        """The action; ``"differs"`` where the two do not fit and nothing can be done."""
        if self.source is None:
            return "new"
        if self.target is None:
            return "dropped"
        if not self.fits:
            return "differs"
        return "carried" if self.source.shape == self.target.shape else "overlapped"

    @property
    def common(self) -> Shape:
        """The shape that fits into both, where there are both."""
        assert self.source is not None
        assert self.target is not None
        return tuple(map(min, self.source.shape, self.target.shape))

    def __str__(self) -> str:
        source, target = self.source, self.target
        line = f"{self.action:<10}  {target or source}"
        if source is None or target is None:
            return line
        if not self.fits:
            line += f", in the checkpoint {source}"
        elif self.action == "overlapped":
            part = ", ".join(f":{size}" for size in self.common)
            line += f", [{part}] of it from {source}"
        elif source.address != target.address:
            line += f", from {source.address}"
        return line if source.dtype == target.dtype else f"{line}, {source.dtype} -> {target.dtype}"


@dataclass(frozen=True)
class TransferPlan:
    """The actions for all tensors.

    Attributes:
        moves: One for each tensor: the network's in its order, then what is dropped.
        notes: What a user should know beside, a line each.
        refusals: What the rules do not allow, a line each; of a plan that is carried out, none.
        options: Options of ``tinynet train`` that would allow it.
    """

    moves: tuple[Move, ...]
    notes: tuple[str, ...]
    refusals: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def counts(self) -> dict[Action, int]:
        """Return the number of tensors of each action."""
        found = Counter(move.action for move in self.moves)
        actions: list[Action] = ["carried", "overlapped", "new", "dropped"]
        if self.refusals:
            actions.append("differs")
        return {action: found[action] for action in actions}

    @property
    def summary(self) -> str:
        """``6 carried, 2 new, 2 dropped``."""
        return ", ".join(f"{n:,} {action}" for action, n in self.counts().items() if n)

    @property
    def lines(self) -> tuple[str, ...]:
        """One for each tensor, then the notes."""
        return (*map(str, self.moves), *(f"{'note':<10}  {note}" for note in self.notes))


class TransferRefusedError(CheckpointMismatchError):
    """A checkpoint that does not fit the network under the rules.

    Attributes:
        plan: What would happen to every tensor.
        path: The checkpoint's file, where it is known.
    """

    def __init__(self, plan: TransferPlan, path: Path | None = None) -> None:
        super().__init__(mismatch_message(plan.refusals))
        self.plan = plan
        self.path = path


def plan_transfer(
    network: Network, checkpoint: Checkpoint, rules: TransferRules = STRICT
) -> TransferPlan:
    """Decide what the network takes over; changes nothing.

    Args:
        network: The network that is to start with what the checkpoint has.
        checkpoint: The checkpoint; the types it names need not be installed.
        rules: What may happen beside carrying over.

    Raises:
        TransferRefusedError: listing everything that the rules do not allow, each with the option
            that would.
        CheckpointFormatError: if the checkpoint's spec makes no network.
    """
    matching = _match(network, checkpoint, rules)
    sources = {facts.name: facts for facts in _facts(checkpoint.weights)}
    moves: list[Move] = []
    for target in _facts(named_weights(network.params, network.buffers)):
        kind, _, rest = target.name.split("/", 2)
        before = matching.sources.get(target.node)
        source = sources.get(f"{kind}/{before}/{rest}") if before is not None else None
        move = Move(source, target)
        fits = source is None or _fits(move, rules)
        moves.append(Move(None, target) if _may_part(move, rules) else replace(move, fits=fits))
    used = {move.source.name for move in moves if move.source is not None}
    moves += [Move(source, None) for name, source in sources.items() if name not in used]
    refused = {move: why for move in moves if (why := _refusal(move, rules))}
    if refused:
        new = [move.target.node for move in refused if move.target and not move.source]
        unused = [move.source.node for move in refused if move.source and not move.target]
        lines = [*refused.values(), *matching.clashes, *matching.advice(new, unused)]
        raise TransferRefusedError(
            TransferPlan(tuple(moves), tuple(matching.notes), tuple(lines), _options(refused))
        )
    return TransferPlan(tuple(moves), (*matching.clashes, *matching.notes))


def apply_transfer(plan: TransferPlan, network: Network, checkpoint: Checkpoint) -> None:
    """Do what was planned: all of it, or nothing.

    Raises:
        CheckpointMismatchError: if a value is too large for the network's dtype.
    """
    arrays = named_weights(network.params, network.buffers)
    values: list[tuple[Array, Array]] = []
    for move in plan.moves:
        if move.source is None or move.target is None:
            continue
        part = _corner(arrays[move.target.name], move.common)
        value = _corner(checkpoint.tensors[move.source.name], move.common)
        with np.errstate(over="ignore"):
            converted = value.astype(part.dtype, copy=False)
        if np.isfinite(value).all() and not np.isfinite(converted).all():
            raise CheckpointMismatchError(
                f"{move.source.address} holds values that are too large for {part.dtype}; say"
                f' "dtype": "{value.dtype}" of the network'
            )
        values.append((part, converted))
    for part, converted in values:
        part[...] = converted


def _corner(array: Array, shape: Shape) -> Array:
    """The view of an array that starts at index 0 along each axis and has the shape."""
    index: tuple[Any, ...] = (*map(slice, shape), ...)
    corner: Array = array[index]
    return corner


def _match(network: Network, checkpoint: Checkpoint, rules: TransferRules) -> Matching:
    new = places(network.spec, recorded_names(types_of(network.spec)))
    try:
        network_spec = NetworkSpec.model_validate(checkpoint.spec["network"])
        old = places(network_spec, recorded_names(checkpoint.types))
    except (KeyError, TypeError, AttributeError, ValueError, SpecError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointFormatError(f"the checkpoint's spec makes no network: {reason}") from error
    return Matching(old, new, rules.map)


def _facts(arrays: Mapping[str, Array]) -> list[TensorFacts]:
    return [TensorFacts(name, a.shape, a.dtype.name) for name, a in arrays.items()]


def _fits(move: Move, rules: TransferRules) -> bool:
    """Whether the network's tensor can take the checkpoint's as the rules have it."""
    source, target = move.source, move.target
    if source is None or target is None or not _convertible(source, target):
        return False
    if source.shape == target.shape:
        return True
    return len(source.shape) == len(target.shape) and _allowed(target, rules.overlap)


def _convertible(source: TensorFacts, target: TensorFacts) -> bool:
    floating = all(facts.dtype.startswith("float") for facts in (source, target))
    return floating or source.dtype == target.dtype


def _allowed(tensor: TensorFacts | None, patterns: Iterable[str]) -> bool:
    return tensor is not None and any(fnmatchcase(tensor.address, p) for p in patterns)


def _may_part(move: Move, rules: TransferRules) -> bool:
    """Whether a pair that does not fit may be one tensor dropped and one that is new."""
    both = _allowed(move.target, rules.allow_new) and _allowed(move.source, rules.allow_dropped)
    return both and not _fits(move, rules)


def _options(refused: Iterable[Move]) -> tuple[str, ...]:
    """The options that allow all these moves; what does not fit is initialized."""
    found: dict[str, None] = {}
    for move in refused:
        for option, tensor in (("--allow-new", move.target), ("--allow-dropped", move.source)):
            if tensor is not None:
                found[f"{option} {shlex.quote(f'{tensor.node}/*')}"] = None
    return tuple(found)


def _refusal(move: Move, rules: TransferRules) -> str | None:
    """Why the rules do not allow a move, and which option would."""
    source, target = move.source, move.target
    if source is None:
        assert target is not None
        if _allowed(target, rules.allow_new):
            return None
        remedy = f"--allow-new '{target.node}/*' initializes it"
        return f"{target} has no source in the checkpoint: {remedy}"
    if target is None:
        if _allowed(source, rules.allow_dropped):
            return None
        remedy = f"--allow-dropped '{source.node}/*' leaves it out"
        return f"{source} of the checkpoint is not used: {remedy}"
    if _fits(move, rules):
        return None
    pair = f"{target} and {source} of the checkpoint"
    afresh = f"--allow-new '{target.node}/*' --allow-dropped '{source.node}/*' initializes it"
    if not _convertible(source, target):
        return f"{pair} differ in dtype, {target.dtype} and {source.dtype}: {afresh}"
    if len(source.shape) != len(target.shape):
        return f"{pair} differ in their axes: {afresh}"
    overlap = f"--overlap '{target.node}/*' carries over the part that both have"
    return f"{pair} differ in shape: {overlap}, {afresh}"
