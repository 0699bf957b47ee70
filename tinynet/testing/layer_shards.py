"""Checks of a layer in a batch that is computed in several shards."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.kernels.memory import Workspace
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer import Cache, Gradients
from tinynet.layer.context import Context
from tinynet.network.crew import ThreadPool
from tinynet.network.execution import Operation, Pass, PassKey, plan
from tinynet.network.legs import legs
from tinynet.network.node import Node
from tinynet.network.trip import Trip
from tinynet.testing.arrays import Arrays, is_float, require_close
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_numbers import draws
from tinynet.types import Array, Shape

SHARDS = (slice(0, 1), slice(1, 3), slice(3, None))


class Gain:
    """y = gain * x, one learned number: it asks the layer after it for gradients of its inputs."""

    per_sample = True

    def __init__(self, shape: Shape) -> None:
        self.out_shape = shape
        self.params = {"gain": np.ones(())}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x * self.params["gain"], x

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy * self.params["gain"],), {"gain": np.asarray((dy * cache).sum())}


def several_shards(case: LayerCase) -> None:
    """Cut into shards, a batch gives what it gives whole: the layer alone, shared, or frozen."""
    if draws(case, case.trained()):
        return  # Each shard has a random stream of its own.
    for use, nodes in (("alone", 1), ("shared by two nodes", 2), ("frozen", 1)):
        whole, parts = (
            _step(case, nodes, rows, frozen=use == "frozen")
            for rows in ((slice(0, case.batch),), _rows(case.batch))
        )
        require_close(whole, parts, f"in a batch of {len(SHARDS)} shards, {use}")


def _rows(batch: int) -> tuple[slice, ...]:
    return tuple(slice(*shard.indices(batch)[:2]) for shard in SHARDS)


def _step(case: LayerCase, nodes: int, rows: tuple[slice, ...], *, frozen: bool) -> Arrays:
    """Outputs, gradients and buffers of one training pass of a network with the layer in it."""
    layer, inputs = case.trained(), case.draw()
    names = [f"layer_{number}" for number in range(nodes)]
    operations = plan(
        _graph(case, layer, names, inputs, frozen=frozen), {name: name for name in names}
    )
    given = {f"input_{index}": x for index, x in enumerate(inputs)}
    trip = _trip(operations, given, rows, case.seed)
    outputs: list[dict[str, Array]] = [{} for _ in rows]
    dy = case.dy(layer)

    def turn(number: int) -> None:
        passing = trip.passes[number]
        outputs[number] = {name: np.array(y) for name, y in passing.outputs.items()}
        if any(op.backward for op in operations):
            trip.turn(number, dict.fromkeys(names, dy[rows[number]]))

    trip.out(turn)
    trip.back()
    found = {
        f"the output of {name}": np.concatenate([shard[name] for shard in outputs])
        for name in names
    }
    for address, parts in trip.gradients().items():
        found[f"the gradient of {address}"] = np.asarray(np.sum(parts, axis=0))
    for passing in trip.passes:
        passing.commit()
    return {**found, **{f"buffer {name}": np.array(b) for name, b in buffers(layer).items()}}


def _graph(
    case: LayerCase, layer: Any, names: Sequence[str], inputs: Sequence[Array], *, frozen: bool
) -> list[Node]:
    """A gain for each input of real numbers, and after them the layer, at as many nodes."""
    made, sources = [], []
    for index, (x, shape) in enumerate(zip(inputs, case.in_shapes, strict=True)):
        sources.append(f"input_{index}")
        if is_float(x):
            made.append(_node(f"gain_{index}", Gain(shape), (sources[-1],), (shape,)))
            sources[-1] = f"gain_{index}"
    for name in names:
        node = _node(name, layer, tuple(sources), case.in_shapes, frozen=frozen, owner=names[0])
        made.append(node)
    return made


def _node(
    name: str,
    layer: Any,
    inputs: tuple[str, ...],
    in_shapes: tuple[Shape, ...],
    *,
    frozen: bool = False,
    owner: str | None = None,
) -> Node:
    return Node(
        name=name,
        layer=layer,
        inputs=inputs,
        in_shapes=in_shapes,
        out_shape=layer.out_shape,
        dtype=np.dtype(np.float64),
        type=type(layer).__name__,
        version="",
        owner=owner or name,
        trainable=not frozen,
        trainable_params=frozenset(() if frozen else layer.params),
        wants_indices=False,
        pointer="",
        frozen=frozen,
    )


def _trip(
    operations: Sequence[Operation], inputs: Mapping[str, Array], rows: tuple[slice, ...], seed: int
) -> Trip:
    passes = tuple(
        Pass(
            operations,
            {name: x[part] for name, x in inputs.items()},
            training=True,
            kernels=NumpyKernels(),
            key=PassKey(seed),
            first_sample=part.start,
        )
        for part in rows
    )
    way, workspaces = legs(operations, training=True), [Workspace() for _ in rows]
    return Trip(way, passes, rows, ThreadPool(1), workspaces, own=True)
