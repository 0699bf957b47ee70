"""The pooling layers of sequences."""

from pydantic import Field

from tinynet.builtin.layers._pooling import AvgPooling, MaxPooling
from tinynet.builtin.layers._pooling_config import (
    INCLUDE_PAD_DESCRIPTION,
    PoolingConfig,
    fit_pooling,
)
from tinynet.builtin.layers._window1d import PADDING1D_DESCRIPTION, Padding1D
from tinynet.layer import Build, Shape


class PoolConfig(PoolingConfig):
    """Parameters of a pooling node."""

    pool_size: int = Field(default=2, ge=1, description="Steps of the window.")
    strides: int | None = Field(
        default=None,
        ge=1,
        description="Steps between neighboring windows; by default `pool_size`.",
    )
    padding: Padding1D = Field(default="valid", description=PADDING1D_DESCRIPTION)


class MaxPool1D(MaxPooling):
    """Maximum of each window, channel by channel.  (N, T, C) -> (N, To, C).

    To = floor((T - (pool_size - 1) * dilation - 1 + left + right) / stride) + 1; with
    ``ceil_mode``, the quotient is rounded up, unless the last window would start after the input.
    Padding never counts. The gradient goes to the first maximum of a window.
    """

    class Config(PoolConfig):
        """Parameters of a `max_pool1d` node."""

        dilation_rate: int = Field(
            default=1, ge=1, description="Steps between neighboring cells of the window."
        )

        @property
        def dilation(self) -> tuple[int, ...]:
            return (self.dilation_rate,)

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(fit_pooling("max_pool1d", config, in_shape), in_shape, build)


class AvgPool1D(AvgPooling):
    """Mean of each window, channel by channel.  (N, T, C) -> (N, To, C).

    To = floor((T - pool_size + left + right) / stride) + 1; with ``ceil_mode``, the quotient is
    rounded up, unless the last window would start after the input. The mean is taken over the steps
    in the window; padding counts only with ``count_include_pad``.
    """

    class Config(PoolConfig):
        """Parameters of an `avg_pool1d` node."""

        count_include_pad: bool = Field(default=False, description=INCLUDE_PAD_DESCRIPTION)

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axes = fit_pooling("avg_pool1d", config, in_shape)
        super().__init__(axes, in_shape, build, config.count_include_pad)
