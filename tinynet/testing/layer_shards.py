"""Checks of a layer in a batch that is computed in several shards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from tinynet.engine.batch_pass import BatchPass
from tinynet.engine.gradient_sum import owned_shards
from tinynet.engine.losses import LossInputs, OutputLoss
from tinynet.engine.node import Node
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.program import Program
from tinynet.engine.shard_pass import RandomKey
from tinynet.engine.shares import BatchShare
from tinynet.engine.threads import ThreadPool
from tinynet.fleet import Fleet
from tinynet.kernels.numpy import NumpyKernels
from tinynet.layer import Cache, Gradients, Mergeable, MultiOutput, Summarized
from tinynet.layer.context import Context
from tinynet.loss import LossConfig
from tinynet.testing.arrays import Arrays, require_close, require_same_bits
from tinynet.testing.fleets import in_threads
from tinynet.testing.layer_case import LayerCase, buffers
from tinynet.testing.layer_numbers import draws
from tinynet.testing.layer_passes import output_shapes
from tinynet.types import Array, Shape

SHARDS = (slice(0, 1), slice(1, 3), slice(3, None))

MERGED = 5
"""Samples, each in a shard of its own, whose summaries are merged."""


class Gain:
    """y = gain * x, with one learned number: the next layer must return gradients of its inputs."""

    per_sample = True

    def __init__(self, shape: Shape) -> None:
        self.out_shape = shape
        self.params = {"gain": np.ones(())}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x * self.params["gain"], x

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy * self.params["gain"],), {"gain": np.asarray((dy * cache).sum())}


def several_shards(case: LayerCase) -> None:
    """A batch in several shards gives the same as whole: the layer alone, shared, or frozen."""
    layer = case.trained()
    if draws(case, layer):
        return  # Each shard has a random stream of its own.
    uses = [_Use("alone"), _Use("shared by two nodes", nodes=2), _Use("frozen", frozen=True)]
    outputs = list(output_shapes(layer))
    if len(outputs) > 1:
        uses += [_Use(f"with {name} alone", output=i) for i, name in enumerate(outputs)]
    for use in uses:
        whole, parts = (
            _step(case, use, rows) for rows in ((slice(0, case.batch),), _rows(case.batch))
        )
        require_close(whole, parts, f"in a batch of {len(SHARDS)} shards, {use.name}")


@dataclass(frozen=True)
class _Use:
    """A use of the layer in a network.

    Attributes:
        name: The use, in words.
        nodes: The number of nodes that share the layer.
        frozen: True if it is not trained.
        output: Number of the only output of the layer that the network reads; None for all.
    """

    name: str
    nodes: int = 1
    frozen: bool = False
    output: int | None = None


def _rows(batch: int) -> tuple[slice, ...]:
    return tuple(slice(*shard.indices(batch)[:2]) for shard in SHARDS)


def merged_summaries(case: LayerCase) -> None:
    """Summaries that are merged in pairs give the same as the batch whole.

    Any number of threads and processes gives the same bits.
    """
    layer = case.trained()
    merges = isinstance(layer, Summarized) and isinstance(layer, Mergeable)
    if not merges or draws(case, layer):
        return
    case = replace(case, batch=MERGED)
    rows = tuple(slice(i, i + 1) for i in range(MERGED))
    for use in (_Use("alone"), _Use("shared by two nodes", nodes=2)):
        merged = _step(case, use, rows, merge=True)
        when = f"with merged summaries of {MERGED} shards, {use.name}"
        require_close(_step(case, use, (slice(0, MERGED),)), merged, when)
        require_same_bits(merged, _step(case, use, rows, merge=True, threads=2), f"{when}, threads")
        parts = in_threads(3, partial(_step_of_process, case, use, rows))
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        own = {name: array for name, array in merged.items() if name in joined}
        require_same_bits(own, joined, f"{when}, in 3 processes")


def _step_of_process(case: LayerCase, use: _Use, rows: tuple[slice, ...], fleet: Fleet) -> Arrays:
    """Return the outputs for the shards of a process."""
    found = _step(case, use, rows, merge=True, group=ProcessGroup(fleet))
    return {name: array for name, array in found.items() if name.startswith("the output")}


def _step(
    case: LayerCase,
    use: _Use,
    rows: tuple[slice, ...],
    *,
    merge: bool = False,
    threads: int = 1,
    group: ProcessGroup | None = None,
) -> Arrays:
    """Return outputs, gradients and buffers of one training pass of a network with the layer.

    Args:
        case: The layer.
        use: Its use in the network.
        rows: The rows of each shard.
        merge: True to merge the summaries of all shards.
        threads: Number of threads.
        group: The processes, each of which computes some of the shards.
    """
    layer, arrays = case.trained(), case.draw()
    names = [f"layer_{number}" for number in range(use.nodes)]
    inputs = {f"input_{index}": x for index, x in enumerate(arrays)}
    nodes = _graph(case, layer, names, arrays, frozen=use.frozen)
    read = slice(None) if use.output is None else slice(use.output, use.output + 1)
    values = [value for node in nodes[-use.nodes :] for value in list(node.values)[read]]
    program = Program.of(
        nodes,
        outputs={value: value for value in values},
        losses=tuple(OutputLoss(value, _DotProduct()) for value in values),
        input_shapes={name: x.shape[1:] for name, x in inputs.items()},
        dtype=np.dtype(np.float64),
        kernels=NumpyKernels(),
    )
    targets = dict(zip(values, case.dy(layer)[read] * use.nodes, strict=True))
    share = BatchShare.whole(rows)
    if group is not None:
        share = BatchShare(rows, owned_shards(len(rows), group.size, "tree")[group.rank])
        inputs = {name: x[share.rows] for name, x in inputs.items()}
        targets = {name: target[share.rows] for name, target in targets.items()}
    labels = LossInputs(targets, None, dict.fromkeys(values, 1.0))
    batch = BatchPass(
        program,
        inputs,
        share,
        labels,
        ThreadPool(threads),
        [],
        training=True,
        key=RandomKey(case.seed),
        group=group,
        merge_summaries=merge,
    )
    batch.forward()
    batch.backward()
    for shard in batch.shards:
        shard.commit()
    return {
        **{f"the output of {name}": y for name, y in batch.predictions.items()},
        **{
            f"the gradient of {address}": np.asarray(np.sum(parts, axis=0))
            for address, parts in batch.gradients().items()
        },
        **{f"buffer {name}": np.array(array) for name, array in buffers(layer).items()},
    }


class _DotProduct:
    """The loss sum(outputs * targets), whose gradient is the targets."""

    Config: ClassVar[type[LossConfig]] = LossConfig

    per_sample = True

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Array]:
        return float(np.sum(outputs * targets)), targets

    def backward(self, ctx: Context, cache: Array) -> Array:
        return cache

    def predict(self, outputs: Array) -> Array:
        return outputs


def _graph(
    case: LayerCase, layer: Any, names: Sequence[str], inputs: Sequence[Array], *, frozen: bool
) -> list[Node]:
    """Return a gain for each input with a gradient, and after them the layer, at as many nodes."""
    made, sources = [], []
    for index, (x, shape) in enumerate(zip(inputs, case.in_shapes, strict=True)):
        sources.append(f"input_{index}")
        if case.with_gradient(index, x):
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
        integer_inputs=True,
        pointer="",
        eval_mode=frozen,
        out_shapes=layer.out_shapes if isinstance(layer, MultiOutput) else None,
    )
