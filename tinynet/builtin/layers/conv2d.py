"""The convolution of images."""

from pydantic import Field

from tinynet.builtin.layers._convolution import Convolution, ConvolutionConfig, grouped_params
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding, fit_window
from tinynet.layer import Build, PositivePair, Shape


class Conv2D(Convolution):
    """Convolution of images with learned filters, which are not flipped.

        y[n, i, j, f] = bias[f] + sum over a, b, c of
            x[n, i * stride + a * dilation - top, j * stride + b * dilation - left, c]
            * weight[a, b, c, f]

    Input (N, H, W, C), output (N, Ho, Wo, filters), where
    Ho = floor((H - (kernel_height - 1) * dilation - 1 + top + bottom) / stride) + 1, and Wo alike.
    With ``groups``, channels and filters are split into that many equal groups, and each filter
    reads only the channels of its group. Parameters: ``weight`` (kernel_height, kernel_width,
    C / groups, filters), ``bias`` (filters,).
    """

    replayable = True

    class Config(ConvolutionConfig):
        """Parameters of a `conv2d` node."""

        kernel_size: PositivePair = Field(
            description="Cells of the kernel: one integer, or [height, width]."
        )
        strides: PositivePair = Field(
            default=(1, 1), description="Pixels between neighboring windows, [down, right]."
        )
        padding: Padding = Field(default="valid", description=PADDING_DESCRIPTION)
        dilation_rate: PositivePair = Field(
            default=(1, 1), description="Pixels between neighboring kernel cells, [down, right]."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, out_size = fit_window(
            "conv2d",
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        params = grouped_params("conv2d", config, config.kernel_size, in_shape[2], build)
        out_shape = (*out_size, config.filters)
        kernel_shape = (*window.kernel_size, *params["weight"].shape[-2:])
        super().__init__(window, in_shape, out_shape, params, kernel_shape)
