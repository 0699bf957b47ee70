"""The base of convolutions of images and of sequences."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._affine import computed, needs, rectified, rescaled
from tinynet.builtin.layers._onnx import Axis, axes_of, filters_first, window_attributes
from tinynet.kernels import ThreeGradients, Window
from tinynet.layer import (
    Array,
    Build,
    Cache,
    Context,
    Gradients,
    InitializerReference,
    Layer,
    LayerConfig,
    OnnxGraph,
    Shape,
    ShapeError,
)


class ConvolutionConfig(LayerConfig):
    """The parameters of convolutions; each gives those of its window their types."""

    filters: int = Field(ge=1, description="Number of filters: channels of the output.")
    kernel_size: Any
    strides: Any
    padding: Any
    dilation_rate: Any
    groups: int = Field(
        default=1, ge=1, description="Parts into which channels and filters are cut."
    )
    use_bias: bool = Field(default=True, description="True to add a learned bias.")
    weight_initializer: InitializerReference = Field(
        default=InitializerReference(type="glorot_uniform"),
        description="Initializer of `weight`.",
    )
    bias_initializer: InitializerReference = Field(
        default=InitializerReference(type="zeros"),
        description="Initializer of `bias`.",
    )

    @model_validator(mode="after")
    def _groups_divide_filters(self) -> Self:
        if self.filters % self.groups:
            raise PydanticCustomError(
                "groups",
                "filters ({filters}) must be a multiple of groups ({groups})",
                {"filters": self.filters, "groups": self.groups},
            )
        return self


class Convolution:
    """The base of convolutions.

    Sequences (N, T, C) are computed as images of one row, (N, 1, T, C).

    Args:
        window: The window, over images.
        in_shape: (H, W, C) or (T, C).
        out_shape: (Ho, Wo, filters) or (To, filters).
        params: ``weight``, and perhaps ``bias`` (filters,).
        kernel_shape: Shape of the weight as the kernels take it, (kernel_height, kernel_width,
            C / groups, filters).
    """

    family = "convolution"
    example: ClassVar = {"filters": 16, "kernel_size": 3}
    per_sample = True

    def __init__(
        self,
        window: Window,
        in_shape: Shape,
        out_shape: Shape,
        params: dict[str, Array],
        kernel_shape: Shape,
    ) -> None:
        self.out_shape = out_shape
        self.params = params
        self._in_shape = in_shape
        self._window = window
        self._row = (1,) * (3 - len(in_shape))  # axes of an image that a sequence lacks
        self._kernel_shape = kernel_shape

    def forward(self, ctx: Context, x: Array, *, relu: bool = False) -> tuple[Array, Cache]:
        y, cache = self._compute(ctx, x.reshape(len(x), *self._row, *x.shape[1:]), relu)
        return y.reshape(len(x), *self.out_shape), cache

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        needed = needs(ctx, self.params, "weight", "bias")
        image_dy = dy.reshape(len(dy), *self._row, *dy.shape[1:])
        dx, dweight, dbias = self._gradients(ctx, cache, image_dy, needed)
        if dx is not None:
            dx = dx.reshape(len(dy), *self._in_shape)
        if dweight is not None:
            dweight = dweight.reshape(self.params["weight"].shape)
        return (dx,), computed(weight=dweight, bias=dbias)

    def _compute(self, ctx: Context, images: Array, relu: bool) -> tuple[Array, Cache]:
        bias = self.params.get("bias")
        return ctx.kernels.conv2d(
            images, self._kernel(), bias, self._window, ctx.empty, ctx.keep, relu
        )

    def _gradients(
        self, ctx: Context, cache: Cache, dy: Array, needed: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        return ctx.kernels.conv2d_backward(
            dy, cache, self._kernel(), self._window, ctx.empty, needed
        )

    def with_relu(self) -> Layer | None:
        # A subclass with a `forward` of its own may compute something else, without the ReLU.
        return rectified(self) if type(self).forward is Convolution.forward else None

    def rescaled(self, scale: Array, shift: Array) -> Layer:
        return rescaled(self, scale, shift, self._scale_of_weight(scale))

    def _scale_of_weight(self, scale: Array) -> Array:
        """Return a factor of each filter, (filters,), in a shape that fits the weight."""
        return scale

    def cost(self) -> tuple[int, int]:
        weight, size = self.params["weight"], math.prod(self.out_shape)
        return 2 * size // self.out_shape[-1] * weight.size, size * weight.itemsize

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        axes = self._axes()
        shape = (*(axis.cells for axis in axes), *self._kernel_shape[-2:])
        weight = self.params["weight"].reshape(shape)
        return self._exported(graph, x, weight, axes)

    def _exported(
        self, graph: OnnxGraph, x: str, weight: Array, axes: Sequence[Axis], **attributes: Any
    ) -> str:
        bias = [graph.param("bias")] if "bias" in self.params else []
        y = graph.node(
            attributes.pop("op", "Conv"),
            graph.channels_first(x),
            graph.param("weight", filters_first(weight)),
            *bias,
            group=attributes.pop("group", self._in_shape[-1] // weight.shape[-2]),
            **window_attributes(axes),
            **attributes,
        )
        return graph.channels_last(y)

    def _axes(self) -> list[Axis]:
        """Return the window along each axis of a sample."""
        return axes_of(self._window)[len(self._row) :]

    def _kernel(self) -> Array:
        """Return the weight as the kernels take it."""
        return self.params["weight"].reshape(self._kernel_shape)


def grouped_params(
    what: str, config: ConvolutionConfig, size: Shape, channels: int, build: Build
) -> dict[str, Array]:
    """Return ``weight`` (*size, channels / groups, filters) and, if there is one, ``bias``.

    ``what`` is the layer's type, for messages; ``size`` is that of the kernel.

    Raises:
        ShapeError: if the groups do not divide the channels.
    """
    filters, groups = config.filters, config.groups
    check_groups(what, channels, groups)
    params = {
        "weight": build.param(
            "weight",
            (*size, channels // groups, filters),
            config.weight_initializer,
            fan_out=math.prod(size) * filters // groups,
        )
    }
    if config.use_bias:
        params["bias"] = build.param("bias", (filters,), config.bias_initializer)
    return params


def check_groups(what: str, channels: int, groups: int) -> None:
    """Raise ShapeError unless the groups divide the input's channels."""
    if channels % groups:
        raise ShapeError(
            f"{what}: the input's channels ({channels}) must be a multiple of groups ({groups})"
        )
