"""The protocol of layers, and every name that the author of a layer imports.

    from tinynet.layer import Build, Cache, Context, Gradients, LayerConfig

Parameters live on the layer. The values that one pass needs live in the cache that `forward`
returns and `backward` takes. Gradients are returned, never stored. So one layer object can be used
at two places of a graph, run in two threads at once, and be called again before its backward.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from tinynet.config import NODE_KEYS, Config, InitializerReference, PositivePair
from tinynet.errors import ShapeError
from tinynet.layer.build import Build
from tinynet.layer.context import Context, Needs
from tinynet.layer.onnx_graph import OnnxGraph
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "Buffered",
    "Build",
    "Cache",
    "Context",
    "Costed",
    "Exportable",
    "Foldable",
    "Fusable",
    "Gradients",
    "Incremental",
    "InitializerReference",
    "Layer",
    "LayerConfig",
    "Mergeable",
    "MultiOutput",
    "Needs",
    "OnnxGraph",
    "PositivePair",
    "Recommitted",
    "Rectifiable",
    "Rescalable",
    "Shape",
    "ShapeError",
    "Summarized",
]

Cache: TypeAlias = Any
"""Values that `forward` saves for `backward`, of any type."""

Gradients: TypeAlias = tuple[tuple[Array | None, ...], dict[str, Array]]
"""One gradient for each input, and one for each parameter by name."""


class LayerConfig(Config):
    """The base of a layer's ``Config``: the layer's own keys of a node in a spec."""

    reserved: ClassVar[frozenset[str]] = NODE_KEYS


class Layer(Protocol):
    """A differentiable function of one or more arrays.

    Attributes:
        per_sample: True promises that sample i of the output depends on sample i of the inputs
            alone. A class without it gets the whole batch at once.
        out_shape: Shape of one sample of the output.
        params: The learned arrays by name; the optimizer alone changes them, in place.

    A class with ``integer_inputs = True`` gets integers as they are; for all others the network
    converts the inputs to its own dtype first. A class with ``differentiable = False`` has no
    trainable parameters, and its `backward` is never called: nothing before it gets a gradient
    through it. A class with ``min_shard = 32`` is slow for fewer samples at a time: a batch is cut
    into shards of at least as many, or into two.

    A class with ``replayable = True`` promises that `forward` and `backward` only call kernels of
    ``ctx.kernels`` and make views of arrays, the same ones for all values, in every step. So where
    the kernels can be recorded, their calls are made again in later steps without `forward` and
    `backward`, which saves most of the time of small batches. So the numbers that the layer passes
    to kernels never change, and arrays change in place. Random numbers come from `Context.uniform`.
    A layer with running statistics promises it for evaluation alone, as it is not replayed in
    training. A subclass with methods of its own promises nothing unless it says so again.
    """

    Config: ClassVar[type[Any]]
    out_shape: Shape
    params: dict[str, Array]

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        """Build the layer.

        Args:
            config: An instance of ``Config``.
            in_shapes: Shape of one sample of each input.
            build: The source of parameters and buffers. Do not read or write the arrays here: in
                a dry build they have no memory.

        Raises:
            ShapeError: if the layer cannot take these shapes; the message should name those that
                it can. The network adds the node's name and its inputs.
        """
        ...

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        """Compute the output.

        It changes neither the layer nor an input.

        Args:
            ctx: The context of this pass.
            *inputs: (N, *in_shape) each.

        Returns:
            The output (N, *out_shape), and the cache for `backward`.
        """
        ...

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        """Compute gradients of the loss.

        It changes neither the layer nor ``dy`` nor the cache.

        Args:
            ctx: The context of the same pass.
            cache: The cache that `forward` returned.
            dy: Gradient of the output, (N, *out_shape).

        Returns:
            The gradient of each input (None where ``ctx.needs`` does not require it), and of each
            parameter by name. A gradient may be ``dy`` itself or a view of it: code that receives
            it never writes to it.
        """
        ...


@runtime_checkable
class MultiOutput(Protocol):
    """The ability of a layer with several outputs, which other nodes read as ``lstm_1:state``.

    ``forward`` returns ``((y_0, y_1, ...), cache)``, one array for each output, and ``backward``
    gets a tuple ``dy`` of their gradients, with None for each output that no loss depends on.
    Whether a layer has several outputs may depend on its config: one without `out_shapes` returns
    a single array.

    Attributes:
        out_shapes: Shape of one sample of each output, by its name, in the order of the outputs.
            The first is the main output, which the node's own name means; its shape is
            `out_shape`, too.
    """

    out_shapes: dict[str, Shape]


@runtime_checkable
class Buffered(Protocol):
    """The ability of a layer that keeps running statistics."""

    buffers: dict[str, Array]

    def commit(self, cache: Cache) -> None:
        """Update `buffers` in place from one training pass; only the trainer calls it.

        It is called once for each node and pass, in topological order, after the step's gradients
        were computed. Memory from `Context.empty` has been reused by then, so the arrays in the
        cache that it reads must be the layer's own, or copies that `Recommitted.to_commit` makes.
        """
        ...


@runtime_checkable
class Recommitted(Protocol):
    """The further ability of a `Buffered` layer whose training passes can be replayed."""

    def to_commit(self, cache: Cache) -> Cache:
        """Return the part of a cache that `commit` needs, in arrays of the layer's own.

        It is called after each forward pass, while the arrays in memory from `Context.empty` hold
        the values of that pass.
        """
        ...


@runtime_checkable
class Summarized(Protocol):
    """The ability of a layer whose samples depend on each other only through summaries.

    In training, such a layer gets the shards of a batch instead of the whole, and so can run on
    several threads: it summarizes each shard, and then computes each shard from the summaries of
    all, in the order of the samples. Outside of training its samples are independent. `forward` and
    `backward` do the same for a batch of one shard.
    """

    def summarize(self, ctx: Context, *inputs: Array) -> Any:
        """Return a summary of a shard's inputs, (n, *in_shape) each, for the other shards.

        A summary outlives memory from `Context.empty`, so its arrays must be the layer's own.
        """
        ...

    def forward_with(
        self, ctx: Context, summaries: Sequence[Any], *inputs: Array
    ) -> tuple[Array, Cache]:
        """Return the same as `forward` for one shard, from the summaries of all shards."""
        ...

    def summarize_gradient(
        self, ctx: Context, cache: Cache, dy: Array
    ) -> tuple[Any, dict[str, Array]]:
        """Return a summary of ``dy`` (n, *out_shape) for the other shards, and the gradients.

        The gradients are those of the parameters, by name.
        """
        ...

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[Any], dy: Array
    ) -> tuple[Array | None, ...]:
        """Return the gradient of each input, as `backward`, for one shard."""
        ...


@runtime_checkable
class Mergeable(Protocol):
    """The further ability of a `Summarized` layer to merge two summaries into one.

    If a spec divides a batch into more than 64 shards (``training.shards``), then such a layer gets
    one summary of the whole batch, in a sequence of one, and not that of each shard: `forward_with`
    and `backward_with` take as long as for one shard, and processes send each other less. Summaries
    are merged in pairs that depend on the number of shards alone, so any number of threads and
    processes gives the same bits. The methods change neither of the summaries.
    """

    def merge_summaries(self, first: Any, second: Any) -> Any:
        """Return the summary of the samples of both; those of the first come first.

        Args:
            first: A summary, as `summarize` or this method returned it.
            second: The summary of the samples that follow.
        """
        ...

    def merge_gradient_summaries(self, first: Any, second: Any) -> Any:
        """Return the same for summaries that `summarize_gradient` or this method returned."""
        ...


@runtime_checkable
class Incremental(Protocol):
    """The ability of a layer to compute a sequence (T, ...) one position at a time.

    Text is generated so: each position of the input depends on the outputs before it, and computing
    the whole sequence again for each would waste most of the work. Calls of `forward_next` for the
    positions 0, 1, 2, ... return together the output of `forward` in evaluation.

    Layers that treat all positions alike, such as `dense`, do not need it: they are called with
    sequences of one position.

    A class with ``any_length = True`` computes any number of positions as well as those that it was
    trained on, as recurrent layers do. With other layers, a text that is longer than the network's
    window continues from the second half of the window, as a new sequence.

    A class with ``several_positions = True`` computes several positions in one call, too, as the
    start of a text needs: `forward_next` gets P positions of each input, (N, P, *in_shape[1:]), and
    returns as many; ``position`` is the first of them, and the next call has ``position + P``.

    A layer with several outputs may list in ``final_outputs`` the names of those that only the
    whole sequence has, such as the final state of a recurrent layer. `forward_next` leaves them
    out, and no text is generated one position at a time if another layer reads them.
    """

    def start_cache(self, samples: int, length: int) -> Any:
        """Return the cache of sequences of which no position has been computed.

        Its arrays are the layer's own: memory from `Context.empty` does not last from one position
        to the next.

        Args:
            samples: Number of sequences, N.
            length: The most positions that will be computed. It may exceed the number that the
                layer was built for.

        Raises:
            ShapeError: if the layer, with its config, cannot compute one position at a time, or not
                as many; the message says why.
        """
        ...

    def forward_next(self, ctx: Context, cache: Any, position: int, *inputs: Array) -> Array:
        """Compute the next position, and update ``cache`` in place for those after it.

        It changes neither the layer nor an input.

        Args:
            ctx: The context of a pass in evaluation, without a backward.
            cache: The cache that `start_cache` returned.
            position: 0 in the first call, and one more in each call after it.
            *inputs: This position of each input, (N, 1, *in_shape[1:]).

        Returns:
            This position of the output, (N, 1, *out_shape[1:]); a tuple of arrays if the layer has
            several outputs, without its ``final_outputs``.
        """
        ...


@runtime_checkable
class Foldable(Protocol):
    """The ability of a layer that can become part of the one before it, outside of training."""

    def fold_into(self, previous: Layer) -> Layer | None:
        """Return a layer that computes ``previous`` and then this layer, in evaluation.

        None if they cannot be folded. Neither of the two is changed.
        """
        ...


@runtime_checkable
class Rescalable(Protocol):
    """The ability of a layer that can include an affine map of each channel of its output."""

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        """Return a layer that computes y * scale + shift where this one computes y; (C,) each."""
        ...


@runtime_checkable
class Fusable(Protocol):
    """The ability of a layer that can become part of the one before it, in training too.

    `fuse_into` is called when a network is built, if no other node reads the output of that layer.
    It is not called for layers with parameters or buffers of their own.
    """

    def fuse_into(self, previous: Layer) -> Layer | None:
        """Return a layer that computes ``previous`` and then this layer, with the same bits.

        It holds the same parameter arrays as ``previous``. None if the two cannot be fused. Neither
        of the two is changed.
        """
        ...


@runtime_checkable
class Rectifiable(Protocol):
    """The ability of a layer that can apply a ReLU to its own output."""

    def with_relu(self) -> Layer | None:
        """Return the same layer with a fused ReLU: it computes max(y, 0); None if it has none."""
        ...


@runtime_checkable
class Costed(Protocol):
    """The ability of a layer to state its cost."""

    def cost(self) -> tuple[int, int]:
        """Return floating-point operations and activation bytes of one sample's forward pass.

        A multiply-add counts as two operations. They must depend on the config and the shapes
        alone, because the shards of a batch follow from them.
        """
        ...


@runtime_checkable
class Exportable(Protocol):
    """The ability of a layer to be exported as operators of ONNX."""

    def to_onnx(self, graph: OnnxGraph, *inputs: str) -> str | tuple[str, ...]:
        """Add the operators that compute `forward` in evaluation.

        A ReLU, for example, returns ``graph.node("Relu", x)``. Parameters are read here, not in the
        constructor, because training changes them.

        Args:
            graph: The graph to which the operators are added.
            *inputs: The name of each input, (N, *in_shape).

        Returns:
            The name of the output, (N, *out_shape); a tuple of names, in the order of
            ``out_shapes``, if the layer has several outputs.

        Raises:
            ShapeError: if the layer cannot be exported with its config; the message says why.
        """
        ...
