"""The convolution of sequences."""

from pydantic import Field

from tinynet.builtin.layers._convolution import ConvolutionConfig, grouped_params
from tinynet.builtin.layers._sequence_convolution import SequenceConvolution
from tinynet.builtin.layers._window1d import (
    CAUSAL_PADDING_DESCRIPTION,
    CausalPadding,
    fit_window1d,
)
from tinynet.layer import Build, Shape


class Conv1D(SequenceConvolution):
    """Convolution of sequences with learned filters, which are not flipped.

        y[n, t, f] = bias[f] + sum over a, c of
            x[n, t * stride + a * dilation - left, c] * weight[a, c, f]

    Input (N, T, C), output (N, To, filters), where
    To = floor((T - (kernel_size - 1) * dilation - 1 + left + right) / stride) + 1. With padding
    ``"causal"``, left = (kernel_size - 1) * dilation and right = 0: an output depends on no later
    step. With ``groups``, channels and filters are split into that many equal groups, and each
    filter reads only the channels of its group. Parameters: ``weight`` (kernel_size, C / groups,
    filters), ``bias`` (filters,).
    """

    spec_name = "conv1d"

    replayable = True

    class Config(ConvolutionConfig):
        """Parameters of a `conv1d` node."""

        kernel_size: int = Field(ge=1, description="Steps of the kernel.")
        strides: int = Field(default=1, ge=1, description="Steps between neighboring windows.")
        padding: CausalPadding = Field(default="valid", description=CAUSAL_PADDING_DESCRIPTION)
        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the kernel."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        window, steps = fit_window1d(
            self.spec_name,
            in_shape,
            size=config.kernel_size,
            strides=config.strides,
            padding=config.padding,
            dilation=config.dilation_rate,
        )
        params = grouped_params(self.spec_name, config, (config.kernel_size,), in_shape[1], build)
        out_shape = (steps, config.filters)
        kernel_shape = (*window.kernel_size, *params["weight"].shape[-2:])
        super().__init__(window, in_shape, out_shape, params, kernel_shape)
