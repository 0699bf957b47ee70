"""The transposed convolution of volumes."""

from typing import Annotated

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._depth_taps import DepthTaps, plane_kernel, volume_weight
from tinynet.builtin.layers._onnx import Axis, axes_of
from tinynet.builtin.layers._sides import PositiveTriple, counts_validator
from tinynet.builtin.layers._transposed import (
    TransposedConfig,
    TransposedConvolution,
    fit_transposed,
    transposed_params,
)
from tinynet.builtin.layers._window import check_axes
from tinynet.builtin.layers._window3d import Padding3D
from tinynet.kernels import ThreeGradients, Window
from tinynet.layer import Array, Build, Cache, Context, Shape


class Conv3DTranspose(TransposedConvolution):
    """Transposed convolution: volumes made larger by learned filters.

        y[n, h * stride + d * dilation - front, i * stride + a * dilation - top,
          j * stride + b * dilation - left, f] += x[n, h, i, j, c] * weight[d, a, b, f, c]

    for all voxels (h, i, j), cells (d, a, b) and channels c, where y starts as the bias. It is the
    gradient of `conv3d` with respect to its input. Input (N, D, H, W, C), output
    (N, Do, Ho, Wo, filters), where Do = (D - 1) * stride + (kernel_depth - 1) * dilation + 1 -
    front - back + output_padding, and Ho and Wo alike. With padding ``"same"``, Do = D * stride, or
    (D - 1) * stride + k % 2 + output_padding, where k is the number of voxels that the kernel
    spans. With ``groups``, channels and filters are split into that many equal groups, and each
    filter reads only the channels of its group. Parameters: ``weight`` (kernel_depth,
    kernel_height, kernel_width, filters / groups, C), ``bias`` (filters,).
    """

    class Config(TransposedConfig):
        """Parameters of a `conv3d_transpose` node."""

        kernel_size: PositiveTriple = Field(
            description="Cells of the kernel: one integer, or [depth, height, width]."
        )
        strides: PositiveTriple = Field(
            default=(1, 1, 1),
            description="Voxels of the output for each voxel of the input, along [depth, height,"
            " width].",
        )
        padding: Padding3D = Field(
            default="valid",
            description="Voxels cut off the output: 'valid' (none), 'same' (as many as make the"
            " output's size that of the input * strides; the odd voxel at the end), 'same_lower'"
            " (as 'same'; the odd voxel at the start), one integer for every side, [depth, height,"
            " width], or [[front, back], [top, bottom], [left, right]].",
        )
        output_padding: Annotated[tuple[int, int, int], counts_validator(3, 0)] | None = Field(
            default=None,
            description="Voxels added at the end of each axis of the output, fewer than strides:"
            " one integer, or [depth, height, width]. By default none, or with padding 'valid'"
            " those that make its size at least that of the input * strides. With padding 'same' it"
            " sets the output's size: (input size - 1) * strides + output_padding, and 1 more if"
            " the kernel spans an odd number of voxels.",
        )
        dilation_rate: PositiveTriple = Field(
            default=(1, 1, 1),
            description="Voxels between neighboring kernel cells, along [depth, height, width].",
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_axes("conv3d_transpose", in_shape, 3)
        size, strides, dilation = config.kernel_size, config.strides, config.dilation_rate
        (depth, rows, columns), out_size = fit_transposed(
            "conv3d_transpose",
            in_shape[:3],
            size=size,
            strides=strides,
            padding=config.padding,
            output_padding=config.output_padding,
            dilation=dilation,
        )
        params = transposed_params("conv3d_transpose", config, size, in_shape[3], build)
        window = Window(size[1:], strides[1:], (rows, columns), dilation[1:])
        depth_window = Window((1, size[0]), (1, strides[0]), ((0, 0), depth), (1, dilation[0]))
        out_shape = (*out_size, config.filters)
        self._depth_window = depth_window
        self._taps = DepthTaps(depth_window, out_shape, config.groups)
        super().__init__(window, in_shape, out_shape, params, params["weight"].shape)

    def cost(self) -> tuple[int, int]:
        operations, size = super().cost()
        return operations, size + self._taps.size() * self.params["weight"].itemsize

    def _compute(self, ctx: Context, images: Array, relu: bool) -> tuple[Array, Cache]:
        _, height, width, filters = self.out_shape
        taps, cache = ctx.kernels.conv2d_transpose(
            images.reshape(len(images) * images.shape[1], *images.shape[2:]),
            self._kernel(),
            None,
            self._window,
            (height, width, self._taps.cells * filters),
            ctx.empty,
            ctx.keep,
        )
        y = self._taps.scatter(ctx, taps)
        if "bias" in self.params:
            y += self.params["bias"]
        if relu:
            y = ctx.kernels.relu(y, ctx.empty)
        return y, (cache, y if relu else None) if ctx.keep else None

    def _gradients(
        self, ctx: Context, cache: Cache, dy: Array, needed: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        saved, rectified = cache
        if rectified is not None:
            dy = ctx.kernels.relu_backward(dy, rectified, ctx.empty)
        needs_x, needs_weight, needs_bias = needed
        dx = dweight = None
        if needs_x or needs_weight:
            dx, dweight, _ = ctx.kernels.conv2d_transpose_backward(
                self._taps.gather(ctx, dy),
                saved,
                self._kernel(),
                self._window,
                ctx.empty,
                (needs_x, needs_weight, False),
            )
        if dweight is not None:
            dweight = volume_weight(dweight, self.params["weight"].shape)
        return dx, dweight, _channel_sums(dy) if needs_bias else None

    def _kernel(self) -> Array:
        return plane_kernel(self.params["weight"])

    def _axes(self) -> list[Axis]:
        return [axes_of(self._depth_window)[1], *axes_of(self._window)]


def _channel_sums(dy: Array) -> Array:
    """Return the sum of each channel; a product rounds less than a sum over the first axis."""
    rows = dy.reshape(-1, dy.shape[-1])
    return np.ones(len(rows), dy.dtype) @ rows
