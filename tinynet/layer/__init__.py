"""The protocol of layers, and everything the author of one imports.

    from tinynet.layer import Build, Cache, Context, Gradients, LayerConfig

What is learned lives on the layer. What one pass needs lives in the cache that `forward` returns
and `backward` takes. Gradients are returned, never stored. So one layer object can stand at two
places of a graph, run in two threads at once, and be called again before its backward.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from tinynet.config import NODE_KEYS, Config, InitializerReference, PositivePair
from tinynet.errors import ShapeError
from tinynet.layer.build import Build
from tinynet.layer.context import Context, Needs
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "Buffered",
    "Build",
    "Cache",
    "Context",
    "Costed",
    "Foldable",
    "Fusable",
    "Gradients",
    "InitializerReference",
    "Layer",
    "LayerConfig",
    "Needs",
    "PositivePair",
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
            alone. A class that does not say so sees the whole batch at once.
        out_shape: Shape of one sample of the output.
        params: What is learned, by name; changed by the optimizer alone, in place.

    A class that also says ``integer_inputs = True`` gets integers as they are; for all others the
    network casts its inputs to its own dtype first.
    """

    Config: ClassVar[type[Any]]
    out_shape: Shape
    params: dict[str, Array]

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        """Build the layer.

        Args:
            config: An instance of ``Config``.
            in_shapes: Shape of one sample of each input.
            build: Where parameters and buffers come from. Never read or write what it returns
                here: in a dry build it is a stand-in without memory.

        Raises:
            ShapeError: if the layer cannot take these shapes; say which it could. The network
                adds the node's name and what feeds it.
        """
        ...

    def forward(self, ctx: Context, *inputs: Array) -> tuple[Array, Cache]:
        """Compute the output.

        Changes neither the layer nor an input.

        Args:
            ctx: This pass.
            *inputs: (N, *in_shape) each.

        Returns:
            The output (N, *out_shape), and the cache for `backward`.
        """
        ...

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        """Compute gradients of the loss.

        Changes neither the layer nor ``dy`` nor the cache.

        Args:
            ctx: The same pass.
            cache: What `forward` returned.
            dy: Gradient of the output, (N, *out_shape).

        Returns:
            The gradient of each input (None where ``ctx.needs`` leaves it out), and of each
            parameter by name. A gradient may be ``dy`` itself or a view of it: code that receives
            it never writes to it.
        """
        ...


@runtime_checkable
class Buffered(Protocol):
    """The ability of a layer that keeps running statistics."""

    buffers: dict[str, Array]

    def commit(self, cache: Cache) -> None:
        """Update `buffers` in place from one training pass; the trainer alone calls it.

        It is called once for each place and pass, in topological order, when the step's gradients
        are known. Memory from `Context.empty` is in use again by then: what is read here must be
        an array of the layer's own.
        """
        ...


@runtime_checkable
class Summarized(Protocol):
    """The ability of a layer whose samples see each other only through summaries of the batch.

    In training, such a layer sees parts of a batch instead of the whole, and so may run on several
    threads: a summary is made of each part, and every part then gets the summaries of all, in the
    order of the samples. Outside of training its samples do not see each other at all. `forward`
    and `backward` do the same for a batch of one part.
    """

    def summarize(self, ctx: Context, *inputs: Array) -> Any:
        """Return a summary of these samples, (n, *in_shape) each, for the other parts of the batch.

        A summary lives longer than memory from `Context.empty`: its arrays are the layer's own.
        """
        ...

    def forward_with(
        self, ctx: Context, summaries: Sequence[Any], *inputs: Array
    ) -> tuple[Array, Cache]:
        """As `forward`, for one part of a batch with these summaries."""
        ...

    def summarize_gradient(
        self, ctx: Context, cache: Cache, dy: Array
    ) -> tuple[Any, dict[str, Array]]:
        """Return a summary of ``dy`` (n, *out_shape) for the other parts, and gradients."""
        ...

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[Any], dy: Array
    ) -> tuple[Array | None, ...]:
        """Return the gradient of each input, as `backward`, for one part of a batch."""
        ...


@runtime_checkable
class Foldable(Protocol):
    """The ability of a layer that can become part of the one before it, outside of training."""

    def fold_into(self, previous: Layer) -> Layer | None:
        """Return a layer that does what ``previous`` and then this one do in evaluation.

        It changes neither of them. None if it cannot be fused.
        """
        ...


@runtime_checkable
class Rescalable(Protocol):
    """The ability of a layer that could do an affine map of each channel of its output, too."""

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        """Return the same layer, giving y * scale + shift instead of y; (C,) each."""
        ...


@runtime_checkable
class Fusable(Protocol):
    """The ability of a layer that can become part of the one before it, in training too.

    It is asked where nothing else reads what that layer gives, whenever a network is built. Layers
    with parameters or buffers of their own are not asked.
    """

    def fuse_into(self, previous: Layer) -> Layer | None:
        """Return a layer that does what ``previous`` and then this one do, to the last bit.

        It has the very parameters of ``previous``, and changes neither of them. None if there is no
        such layer.
        """
        ...


@runtime_checkable
class Rectifiable(Protocol):
    """The ability of a layer that could rectify its own output."""

    def with_relu(self) -> Layer | None:
        """Return the same layer with a fused ReLU: it computes max(y, 0); None if it has none."""
        ...


@runtime_checkable
class Costed(Protocol):
    """The ability of a layer that knows what it costs."""

    def cost(self) -> tuple[int, int]:
        """Floating-point operations and activation bytes of one sample's forward pass.

        A multiply-add counts as two operations. How a batch is cut for several threads follows from
        the operations: they depend on the config and the shapes alone.
        """
        ...
