"""Weights of features and classes that fine-tuning would carry over to others.

A network knows features and classes by their positions alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinynet import registry
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.transfer import TransferPlan
from tinynet.data.learning import split_state
from tinynet.data.preprocessing import Preprocessing
from tinynet.dataset import Field
from tinynet.engine.inputs import own_name
from tinynet.errors import TinynetError
from tinynet.network.losses import targets_of
from tinynet.network.network import Network
from tinynet.spec.data_spec import INFERRED
from tinynet.text.wording import format_list, quote
from tinynet.training.trainer import Trainer

Names = tuple[str, ...]


@dataclass(frozen=True)
class CarriedNames:
    """The names of one array, before and now, and the nodes that would keep weights for them."""

    array: str
    kind: str  # "features" or "classes"
    before: Names
    now: Names
    nodes: Sequence[str]

    @property
    def moved(self) -> list[str]:
        """The names that are at another position now."""
        places = {name: place for place, name in enumerate(self.before)}
        return [name for place, name in enumerate(self.now) if places.get(name, place) != place]

    @property
    def in_place(self) -> list[str]:
        """The names in an order in which none is moved."""
        new = [name for name in self.now if name not in self.before]
        places = [name if name in self.now or not new else new.pop(0) for name in self.before]
        return [*places, *new]

    @property
    def replaced(self) -> list[tuple[str, str]]:
        """The pairs of names, before and now, that differ at the same position."""
        return [(a, b) for a, b in zip(self.before, self.now, strict=False) if a != b]


def carried_names(
    trainer: Trainer, checkpoint: Checkpoint, plan: TransferPlan
) -> list[CarriedNames]:
    """Return the features and classes whose weights are carried over by their positions."""
    data = trainer.data
    carried = {
        move.target.node
        for move in plan.moves
        if move.target is not None and move.action in ("carried", "overlapped")
    }
    before = [_prepared(checkpoint), checkpoint.data.raw]
    now = [data.preprocessing.fields, data.raw]
    found = []
    for name in data.raw:
        nodes = [node for node in _nodes_of(trainer, name) if node in carried]
        for kind, attribute in (("features", "names"), ("classes", "classes")):
            old, new = (_first(fields, name, attribute) for fields in (before, now))
            if nodes and old is not None and new is not None and old != new:
                found.append(CarriedNames(name, kind, old, new, nodes))
    return found


def refusal(names: CarriedNames, trainer: Trainer, checkpoint: Checkpoint, *, kept: bool) -> str:
    """Return the line of a plan that is refused because of moved names.

    ``kept`` is True if the fitted state of the checkpoint is used.
    """
    moved, places = names.moved, {name: i for i, name in enumerate(names.before)}
    now = names.now.index(moved[0])
    return (
        f"the {names.kind} of {quote(names.array)} have another order than the checkpoint's, so"
        f" {format_list(list(names.nodes))} would use the weights of others ({quote(moved[0])} has"
        f" the position {now}, and had {places[moved[0]]}); "
        + _remedy(names, trainer, checkpoint, kept)
    )


def note(names: CarriedNames) -> str:
    """Return the note of a plan for names that are replaced, and not moved."""
    pairs = [f"{quote(now)} those of {quote(before)}" for before, now in names.replaced]
    return f"{format_list(list(names.nodes))}: the weights are carried by position, {pairs[0]}" + (
        f" and so on ({len(pairs)} {names.kind} of {quote(names.array)} have other names)"
        if len(pairs) > 1
        else ""
    )


def _remedy(names: CarriedNames, trainer: Trainer, checkpoint: Checkpoint, kept: bool) -> str:
    data, spec = trainer.data, trainer.spec.data
    assert spec is not None
    options = type(registry.default().config(spec)).model_fields
    if names.array in data.targets and "classes" in options and data.raw[names.array].classes:
        return f'set "classes": {json.dumps(names.in_place)} in "data"'
    before, now = _pinned(checkpoint.spec.get("data")), _pinned({INFERRED: _inferred(trainer)})
    if names.array in data.inputs and before is not None and before != now:
        return f'set "features": {json.dumps(before)} in "data"'
    own, new = checkpoint.data.raw[names.array], data.raw[names.array]
    is_learned = (own.classes, own.names) == (new.classes, new.names) or (
        names.array in data.inputs and data.learned
    )
    if is_learned and not kept:
        return "add --keep-preprocessing, which uses those of the checkpoint"
    layer = names.nodes[0]
    return (
        f"give {quote(layer)} another name, such as {layer}_new, and add --allow-new"
        f" '{layer}_new/*' --allow-dropped '{layer}/*'"
    )


def _inferred(trainer: Trainer) -> object:
    return trainer.data.inferred.get("data")


def _pinned(data: object) -> object:
    """Return the features of a table, as a spec has them; None for other data."""
    inferred = data.get(INFERRED) if isinstance(data, Mapping) else None
    return inferred.get("features") if isinstance(inferred, Mapping) else None


def _prepared(checkpoint: Checkpoint) -> Mapping[str, Field]:
    """Return the fields after the checkpoint's transforms; the raw ones if a type is missing."""
    raw = checkpoint.data.raw
    try:
        spec = checkpoint.load_spec()
        preprocessing = Preprocessing(spec.data.transforms if spec.data else (), raw)
        preprocessing.load_state(split_state(checkpoint.transforms)[1])
    except TinynetError:
        return raw
    return preprocessing.fields


def _first(fields: Sequence[Mapping[str, Field]], name: str, attribute: str) -> Names | None:
    values = [getattr(part[name], attribute) for part in fields if name in part]
    return next((value for value in values if value is not None), None)


def _nodes_of(trainer: Trainer, name: str) -> Iterator[str]:
    """Yield the nodes with parameters that are nearest to an array of the data."""
    network, data = trainer.network, trainer.data
    if name in data.inputs:
        yield from _nearest(network, [i for i in network.input_shapes if own_name(i) == name])
        return
    names = targets_of(network.losses, data.targets, data.inputs)
    for loss, target in names.items():
        if target == name and loss in network.outputs:
            yield from _nearest(network, [network.outputs[loss]], backward=True)


def _nearest(network: Network, values: list[str], *, backward: bool = False) -> Iterator[str]:
    todo, seen = [*values], {*values}
    while todo:
        value = todo.pop()
        nodes = network.nodes.values()
        if backward:
            near = [node for node in nodes if node.name == value.partition(":")[0]]
        else:
            near = [node for node in nodes if any(_is_of(i, value) for i in node.inputs)]
        for node in near:
            if node.layer.params:
                yield node.owner
                continue
            more = {*(node.inputs if backward else (node.name,))} - seen
            seen |= more
            todo += more


def _is_of(value: str, name: str) -> bool:
    """Return True if a value is that of a name, or another output of its layer."""
    return value == name or value.startswith(f"{name}:")
