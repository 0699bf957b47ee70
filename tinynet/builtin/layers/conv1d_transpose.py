"""The transposed convolution of sequences."""

from pydantic import Field

from tinynet.builtin.layers._transposed import (
    TransposedConfig,
    TransposedConvolution,
    fit_transposed,
    transposed_params,
)
from tinynet.builtin.layers._window1d import Padding1D, check_sequence
from tinynet.kernels import Window
from tinynet.layer import Build, Shape


class Conv1DTranspose(TransposedConvolution):
    """Transposed convolution: sequences made longer by learned filters.

        y[n, t * stride + a * dilation - left, f] += x[n, t, c] * weight[a, f, c]

    for every step t, cell a and channel c, where y starts as the bias. It is the gradient of
    `conv1d` with respect to its input. Input (N, T, C), output (N, To, filters), where
    To = (T - 1) * stride + (kernel_size - 1) * dilation + 1 - left - right + output_padding.
    With padding ``"same"``, To = T * stride, or (T - 1) * stride + k % 2 + output_padding, where k
    is the number of steps that the kernel spans. With ``groups``, channels and filters are split
    into that many equal groups, and each filter reads only the channels of its group. Parameters:
    ``weight`` (kernel_size, filters / groups, C), ``bias`` (filters,).
    """

    class Config(TransposedConfig):
        """Parameters of a `conv1d_transpose` node."""

        kernel_size: int = Field(ge=1, description="Steps of the kernel.")
        strides: int = Field(
            default=1, ge=1, description="Steps of the output for each step of the input."
        )
        padding: Padding1D = Field(
            default="valid",
            description="Steps cut off the output: 'valid' (none), 'same' (as many as make the"
            " output's length that of the input * strides; the odd step at the end), 'same_lower'"
            " (as 'same'; the odd step at the start), one integer for both ends, or [left, right].",
        )
        output_padding: int | None = Field(
            default=None,
            ge=0,
            description="Steps added at the end of the output, fewer than strides. By default"
            " none, or with padding 'valid' those that make its length at least that of the input *"
            " strides. With padding 'same' it sets the output's length: (input length - 1) *"
            " strides + output_padding, and 1 more if the kernel spans an odd number of steps.",
        )
        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the kernel."
        )

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        check_sequence("conv1d_transpose", in_shape)
        size, added, padding = config.kernel_size, config.output_padding, config.padding
        (side,), (steps,) = fit_transposed(
            "conv1d_transpose",
            in_shape[:1],
            size=(size,),
            strides=(config.strides,),
            padding=padding if isinstance(padding, str) else (padding,),
            output_padding=None if added is None else (added,),
            dilation=(config.dilation_rate,),
        )
        window = Window((1, size), (1, config.strides), ((0, 0), side), (1, config.dilation_rate))
        params = transposed_params("conv1d_transpose", config, (size,), in_shape[1], build)
        kernel_shape = (1, *params["weight"].shape)
        super().__init__(window, in_shape, (steps, config.filters), params, kernel_shape)
