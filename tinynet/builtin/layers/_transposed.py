"""The base of transposed convolutions."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._convolution import Convolution, ConvolutionConfig, check_groups
from tinynet.builtin.layers._sides import Pair
from tinynet.builtin.layers._window import AXIS_NAMES, split_padding
from tinynet.kernels import ThreeGradients
from tinynet.layer import Array, Build, Cache, Context, OnnxGraph, Shape, ShapeError


class TransposedConfig(ConvolutionConfig):
    """The parameters of transposed convolutions; each gives those of its window their types."""

    kernel_size: Any
    strides: Any
    padding: Any
    output_padding: Any
    dilation_rate: Any

    @model_validator(mode="after")
    def _output_padding_is_possible(self) -> Self:
        added, strides = self.output_padding, self.strides
        if added is not None and any(np.greater_equal(added, strides).ravel()):
            raise PydanticCustomError(
                "output_padding",
                "output_padding ({output_padding}) must be smaller than strides ({strides})",
                {"output_padding": _option(added), "strides": _option(strides)},
            )
        return self


class TransposedConvolution(Convolution):
    """The base of transposed convolutions.

    The window is that of the convolution whose input gradient this is. ``weight`` is
    (*kernel_size, filters / groups, C).
    """

    example: ClassVar = {"filters": 16, "kernel_size": 3, "strides": 2}

    def _compute(self, ctx: Context, images: Array, relu: bool) -> tuple[Array, Cache]:
        return ctx.kernels.conv2d_transpose(
            images,
            self._kernel(),
            self.params.get("bias"),
            self._window,
            (*self._row, *self.out_shape),
            ctx.empty,
            ctx.keep,
            relu,
        )

    def _gradients(
        self, ctx: Context, cache: Cache, dy: Array, needed: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        return ctx.kernels.conv2d_transpose_backward(
            dy, cache, self._kernel(), self._window, ctx.empty, needed
        )

    def _scale_of_weight(self, scale: Array) -> Array:
        in_group, channels = self.params["weight"].shape[-2:]
        groups = len(scale) // in_group
        return np.repeat(scale.reshape(groups, in_group).T, channels // groups, axis=1)

    def to_onnx(self, graph: OnnxGraph, x: str) -> str:
        axes, weight = self._axes(), self.params["weight"]
        sizes = zip(self._in_shape[:-1], self.out_shape[:-1], axes, strict=True)
        added = [
            out
            - (size - 1) * axis.stride
            - (axis.cells - 1) * axis.dilation
            - 1
            + sum(axis.padding)
            for size, out, axis in sizes
        ]
        group = self.out_shape[-1] // weight.shape[-2]
        return self._exported(
            graph, x, weight, axes, op="ConvTranspose", group=group, output_padding=added
        )

    def cost(self) -> tuple[int, int]:
        weight = self.params["weight"]
        operations = 2 * math.prod(self._in_shape[:-1]) * weight.size
        return operations, math.prod(self.out_shape) * weight.itemsize


def transposed_params(
    what: str, config: TransposedConfig, size: Shape, channels: int, build: Build
) -> dict[str, Array]:
    """Return ``weight`` (*size, filters / groups, channels) and, if there is one, ``bias``.

    ``what`` is the layer's type, for messages; ``size`` is that of the kernel.

    Raises:
        ShapeError: if the groups do not divide the channels.
    """
    filters, groups, cells = config.filters, config.groups, math.prod(size)
    check_groups(what, channels, groups)
    params = {
        "weight": build.param(
            "weight",
            (*size, filters // groups, channels),
            config.weight_initializer,
            fan_in=cells * channels // groups,
            fan_out=cells * filters // groups,
        )
    }
    if config.use_bias:
        params["bias"] = build.param("bias", (filters,), config.bias_initializer)
    return params


def fit_transposed(
    what: str,
    sizes: Shape,
    *,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[Pair],
    output_padding: Sequence[int] | None,
    dilation: Sequence[int],
) -> tuple[tuple[Pair, ...], tuple[int, ...]]:
    """Return the pixels (before, after) that each axis of the output loses, and its size.

    Args:
        what: The layer's type, for messages.
        sizes: The axes of a sample, without its channels.
        size: Cells of the kernel.
        strides: Pixels of the output for each pixel of the input.
        padding: ``"valid"``, ``"same"``, ``"same_lower"``, or a pair for each axis.
        output_padding: Pixels added at the end; None for Keras's default.
        dilation: Pixels between neighboring cells of the kernel.

    Raises:
        ShapeError: if no output would be left.
    """
    sides, out_sizes = [], []
    for axis, length in enumerate(sizes):
        stride, extent = strides[axis], (size[axis] - 1) * dilation[axis] + 1
        given = None if output_padding is None else output_padding[axis]
        whole = (length - 1) * stride + extent
        side, added = (0, 0), given or 0
        if not isinstance(padding, str):
            side = padding[axis]
        elif padding == "valid":
            added = max(0, stride - extent) if given is None else given
        else:
            kept = length * stride if given is None else whole - extent + extent % 2 + given
            side, added = split_padding(padding, max(0, whole - kept)), max(0, kept - whole)
        out_size = whole - sum(side) + added
        if out_size < 1:
            raise ShapeError(
                f"{what}: the output's {AXIS_NAMES[len(sizes)][axis]} would be ({length} - 1) *"
                f" {stride} + {extent} - {side[0]} - {side[1]} + {added} = {out_size}: take less"
                " padding"
            )
        sides.append(side)
        out_sizes.append(out_size)
    return tuple(sides), tuple(out_sizes)


def _option(value: Any) -> str:
    """Return an option as JSON has it."""
    return str(list(value) if isinstance(value, tuple) else value)
