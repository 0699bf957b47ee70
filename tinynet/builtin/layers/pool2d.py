"""The pooling layers of images."""

from pydantic import Field

from tinynet.builtin.layers._pooling import AvgPooling, MaxPooling
from tinynet.builtin.layers._pooling_config import (
    INCLUDE_PAD_DESCRIPTION,
    PoolingConfig,
    fit_pooling,
)
from tinynet.builtin.layers._window import PADDING_DESCRIPTION, Padding
from tinynet.layer import Build, PositivePair, Shape


class PoolConfig(PoolingConfig):
    """Parameters of a pooling node."""

    pool_size: PositivePair = Field(
        default=(2, 2), description="Pixels of the window: one integer, or [height, width]."
    )
    strides: PositivePair | None = Field(
        default=None,
        description="Pixels between neighboring windows, [down, right]; by default `pool_size`.",
    )
    padding: Padding = Field(default="valid", description=PADDING_DESCRIPTION)


class MaxPool2D(MaxPooling):
    """Maximum of each window, channel by channel.  (N, H, W, C) -> (N, Ho, Wo, C).

    Ho = floor((H - (pool_height - 1) * dilation - 1 + top + bottom) / stride) + 1, and Wo alike;
    with ``ceil_mode``, the quotient is rounded up, unless the last window would start after the
    input. Padding never counts. The gradient goes to the first maximum of a window, in row-major
    order.
    """

    class Config(PoolConfig):
        """Parameters of a `max_pool2d` node."""

        dilation_rate: PositivePair = Field(
            default=(1, 1),
            description="Pixels between neighboring cells of the window, [down, right].",
        )

        @property
        def dilation(self) -> tuple[int, ...]:
            return self.dilation_rate

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        super().__init__(fit_pooling("max_pool2d", config, in_shape), in_shape, build)


class AvgPool2D(AvgPooling):
    """Mean of each window, channel by channel.  (N, H, W, C) -> (N, Ho, Wo, C).

    Ho = floor((H - pool_height + top + bottom) / stride) + 1, and Wo alike; with ``ceil_mode``, the
    quotient is rounded up, unless the last window would start after the input. The mean is taken
    over the pixels in the window; padding counts only with ``count_include_pad``.
    """

    class Config(PoolConfig):
        """Parameters of an `avg_pool2d` node."""

        count_include_pad: bool = Field(default=False, description=INCLUDE_PAD_DESCRIPTION)

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (in_shape,) = in_shapes
        axes = fit_pooling("avg_pool2d", config, in_shape)
        super().__init__(axes, in_shape, build, config.count_include_pad)
