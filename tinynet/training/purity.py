"""Detection of layers and losses that change arrays in place which they may only read.

A layer that writes to its input or to ``dy`` silently makes gradients wrong. One shard is run
before training with copies of all arrays, which would be too slow in ordinary passes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, ClassVar, cast

import numpy as np

from tinynet.engine import losses
from tinynet.engine.engine import Engine
from tinynet.engine.inputs import Inputs
from tinynet.engine.layer_calls import node_error
from tinynet.engine.losses import OutputLoss
from tinynet.engine.node import Node
from tinynet.engine.shard_pass import RandomKey
from tinynet.engine.sharding import shard_slices
from tinynet.errors import PluginError
from tinynet.layer import Buffered, Cache, Gradients, LayerConfig, Summarized
from tinynet.layer.context import Context
from tinynet.loss import CountedLoss, LossConfig
from tinynet.network.network import Network
from tinynet.types import Array

_NEW = "make a new array"
_FIXED = "the optimizer alone may change parameters"
_LATER = "keep what it takes in the cache, and change buffers in commit"


def check_purity(
    network: Network, x: Inputs, y: Mapping[str, Array], weights: Array | None, key: RandomKey
) -> None:
    """Run the first shard of a training step, without changing the network.

    Args:
        network: A network with a loss.
        x: (N, *input_shape), or such an array for each input by name.
        y: The target of each loss, (N, *target_shape), by the loss's name.
        weights: Weight of each sample, (N,), or position, (N, T); or None.
        key: Key of the random streams.

    Raises:
        PluginError: if a layer or the loss changes an array that it may only read, or breaks its
            protocol in a way that every pass detects.
    """
    program = network.program
    first = next(iter(x.values())) if isinstance(x, Mapping) else x
    # As on kernels that compute a batch in shards: on a whole batch the copies would take seconds.
    rows = shard_slices(len(first), program.cost, program.kernels.cut_from, training=True)[0]
    part = {name: array[rows] for name, array in x.items()} if isinstance(x, Mapping) else x[rows]
    targets = {name: array[rows] for name, array in y.items()}
    if weights is not None:
        weights = np.asarray(weights[rows], network.dtype)
    # The plan of the layers themselves is kept: their wrappers have no buffers, for example.
    watched = tuple(
        replace(op, node=replace(op.node, layer=_WatchedLayer(op.node))) for op in program.unfused
    )
    losses = tuple(replace(part, loss=_WatchedLoss(part)) for part in program.losses)
    program = replace(program, operations=watched, losses=losses)
    Engine(program, threads=1).train(part, targets, weights, key)


class _WatchedLayer:
    """A node's layer, whose inputs and arrays are compared before and after each call."""

    Config: ClassVar[type[LayerConfig]] = LayerConfig

    def __init__(self, node: Node) -> None:
        self._node, self._layer = node, node.layer
        self.out_shape, self.params = node.out_shape, node.layer.params
        if node.out_shapes is not None:
            self.out_shapes = node.out_shapes

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        with self._watching("forward", self._named(inputs)):
            return self._layer.forward(ctx, *inputs)

    def summarize(self, ctx: Context, *inputs: Array) -> Any:
        with self._watching("summarize", self._named(inputs)):
            return cast(Summarized, self._layer).summarize(ctx, *inputs)

    def forward_with(
        self, ctx: Context, summaries: Sequence[Any], *inputs: Array
    ) -> tuple[Array, Cache]:
        with self._watching("forward_with", self._named(inputs)):
            return cast(Summarized, self._layer).forward_with(ctx, summaries, *inputs)

    def _named(self, inputs: Sequence[Array]) -> dict[str, Array]:
        return {f"its input {n!r}": x for n, x in zip(self._node.inputs, inputs, strict=True)}

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        with self._watching("backward", self._gradients(dy)):
            return self._layer.backward(ctx, cache, dy)

    def summarize_gradient(
        self, ctx: Context, cache: Cache, dy: Array
    ) -> tuple[Any, dict[str, Array]]:
        with self._watching("summarize_gradient", self._gradients(dy)):
            return cast(Summarized, self._layer).summarize_gradient(ctx, cache, dy)

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[Any], dy: Array
    ) -> tuple[Array | None, ...]:
        with self._watching("backward_with", self._gradients(dy)):
            return cast(Summarized, self._layer).backward_with(ctx, cache, summaries, dy)

    def _gradients(self, dy: Any) -> dict[str, Array]:
        if self._node.out_shapes is None:
            return {"dy": dy}
        names = self._node.out_shapes
        return {f"dy of {n!r}": d for n, d in zip(names, dy, strict=True) if d is not None}

    @contextmanager
    def _watching(self, method: str, read: Mapping[str, Array]) -> Iterator[None]:
        buffers = self._layer.buffers if isinstance(self._layer, Buffered) else {}
        unchanged = _unchanged(
            lambda message: node_error(self._node, f"{method} {message}"),
            [
                *((name, array, _NEW) for name, array in read.items()),
                *((f"its parameter {n!r}", array, _FIXED) for n, array in self.params.items()),
                *((f"its buffer {n!r}", array, _LATER) for n, array in buffers.items()),
            ],
        )
        with unchanged, self._arrays_kept(method):
            yield

    @contextmanager
    def _arrays_kept(self, method: str) -> Iterator[None]:
        """Require the same array objects afterwards: others are neither updated nor saved."""
        kinds = ("parameter", _FIXED), ("buffer", _LATER)
        before = [dict(arrays) for arrays in self._arrays()]
        yield
        for (kind, remedy), old, new in zip(kinds, before, self._arrays(), strict=True):
            for name in dict.fromkeys([*old, *new]):
                if old.get(name) is not new.get(name):
                    message = f"{method} replaced the array of its {kind} {name!r}"
                    raise node_error(self._node, f"{message}; {remedy}")

    def _arrays(self) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        layer = self._layer
        return layer.params, layer.buffers if isinstance(layer, Buffered) else {}


class _WatchedLoss:
    """A loss, whose inputs are compared before and after each call."""

    Config: ClassVar[type[LossConfig]] = LossConfig

    def __init__(self, part: OutputLoss) -> None:
        self._part = part
        self.per_sample = bool(getattr(part.loss, "per_sample", False))
        self.takes_target = part.takes_target
        self.counts_positions = part.counted is not None
        self._outputs: Any = np.empty(0)

    def forward(
        self, ctx: Context, outputs: Any, targets: Array | None, weights: Array | None = None
    ) -> tuple[float, Any]:
        self._outputs = outputs
        read = self._named_outputs()
        if targets is not None:
            read["the targets"] = targets
        if weights is not None:
            read["the weights"] = weights
        with self._watching("forward", read):
            return losses.forward(self._part, ctx, outputs, targets, weights)

    def backward(self, ctx: Context, cache: Any) -> Any:
        with self._watching("backward", self._named_outputs()):
            returned = losses.backward(self._part, ctx, cache, self._outputs)
        return returned if isinstance(self._outputs, tuple) else returned[0]

    def _named_outputs(self) -> dict[str, Array]:
        if not isinstance(self._outputs, tuple):
            return {"the outputs": self._outputs}
        return {f"output {number}": array for number, array in enumerate(self._outputs)}

    def count(self, targets: Array, weights: Array | None) -> float:
        with self._watching("count", {"the targets": targets}):
            return cast(CountedLoss, self._part.loss).count(targets, weights)

    def predict(self, outputs: Array) -> Array:
        with self._watching("predict", {"the outputs": outputs}):
            return losses.predict(self._part, outputs)

    def _watching(self, method: str, read: Mapping[str, Array]) -> AbstractContextManager[None]:
        return _unchanged(
            lambda message: self._part.error(f"{method} {message}"),
            [(name, array, _NEW) for name, array in read.items()],
        )


@contextmanager
def _unchanged(
    error: Callable[[str], PluginError], arrays: list[tuple[str, Array, str]]
) -> Iterator[None]:
    """Compare arrays with their bytes before; each has its name and a remedy."""
    copies = [array.tobytes() for _, array, _ in arrays]
    yield
    for before, (name, array, remedy) in zip(copies, arrays, strict=True):
        if array.tobytes() != before:
            raise error(f"changed {name} in place; {remedy}")
