"""The transposed convolution of images."""

from typing import Annotated

from pydantic import Field

from tinynet.builtin.layers._sides import Pair, counts_validator
from tinynet.builtin.layers._transposed import (
    TransposedConfig,
    TransposedConvolution,
    fit_transposed,
    transposed_params,
)
from tinynet.builtin.layers._window import Padding, check_image
from tinynet.kernels import Window
from tinynet.layer import Build, PositivePair, Shape


class Conv2DTranspose(TransposedConvolution):
    """Transposed convolution: images made larger by learned filters.

        y[n, i * stride + a * dilation - top, j * stride + b * dilation - left, f] +=
            x[n, i, j, c] * weight[a, b, f, c]

    for all pixels (i, j), cells (a, b) and channels c, where y starts as the bias. It is the
    gradient of `conv2d` with respect to its input. Input (N, H, W, C), output (N, Ho, Wo, filters),
    where Ho = (H - 1) * stride + (kernel_height - 1) * dilation + 1 - top - bottom +
    output_padding, and Wo alike. With padding ``"same"``, Ho = H * stride, or
    (H - 1) * stride + k % 2 + output_padding, where k is the number of pixels that the kernel
    spans. With ``groups``, channels and filters are split into that many equal groups, and each
    filter reads only the channels of its group. Parameters: ``weight`` (kernel_height,
    kernel_width, filters / groups, C), ``bias`` (filters,).
    """

    class Config(TransposedConfig):
        """Parameters of a `conv2d_transpose` node."""

        kernel_size: PositivePair = Field(
            description="Cells of the kernel: one integer, or [height, width]."
        )
        strides: PositivePair = Field(
            default=(1, 1),
            description="Pixels of the output for each pixel of the input, [down, right].",
        )
        padding: Padding = Field(
            default="valid",
            description="Pixels cut off the output: 'valid' (none), 'same' (as many as make the"
            " output's size that of the input * strides; the odd pixel at the end), 'same_lower'"
            " (as 'same'; the odd pixel at the start), one integer for every side, [height, width],"
            " or [[top, bottom], [left, right]].",
        )
        output_padding: Annotated[Pair, counts_validator(2, 0)] | None = Field(
            default=None,
            description="Pixels added at the bottom and at the right of the output, fewer than"
            " strides: one integer, or [height, width]. By default none, or with padding 'valid'"
            " those that make its size at least that of the input * strides. With padding 'same' it"
            " sets the output's size: (input size - 1) * strides + output_padding, and 1 more if"
            " the kernel spans an odd number of pixels.",
        )
        dilation_rate: PositivePair = Field(
            default=(1, 1), description="Pixels between neighboring kernel cells, [down, right]."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_image("conv2d_transpose", in_shape)
        size, strides, dilation = config.kernel_size, config.strides, config.dilation_rate
        (rows, columns), out_size = fit_transposed(
            "conv2d_transpose",
            in_shape[:2],
            size=size,
            strides=strides,
            padding=config.padding,
            output_padding=config.output_padding,
            dilation=dilation,
        )
        window = Window(size, strides, (rows, columns), dilation)
        params = transposed_params("conv2d_transpose", config, size, in_shape[2], build)
        out_shape = (*out_size, config.filters)
        super().__init__(window, in_shape, out_shape, params, params["weight"].shape)
