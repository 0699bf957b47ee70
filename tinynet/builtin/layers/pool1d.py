"""The pooling layers of sequences."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._pooling import AvgPooling, MaxPooling
from tinynet.builtin.layers._window1d import PADDING1D_DESCRIPTION, Padding1D, fit_window1d
from tinynet.kernels import Window
from tinynet.layer import Build, LayerConfig, Shape


class PoolConfig(LayerConfig):
    """Parameters of a pooling node."""

    pool_size: int = Field(default=2, ge=1, description="Steps of the window.")
    strides: int | None = Field(
        default=None,
        ge=1,
        description="Steps between neighboring windows; by default `pool_size`.",
    )
    padding: Padding1D = Field(default="valid", description=PADDING1D_DESCRIPTION)

    @model_validator(mode="after")
    def _every_window_meets_a_step(self) -> Self:
        if not isinstance(self.padding, str) and max(self.padding) >= self.pool_size:
            raise PydanticCustomError(
                "padding", "padding must be smaller than pool_size, or a window would hold no step"
            )
        return self


class MaxPool1D(MaxPooling):
    """Maximum of each window, channel by channel.  (N, T, C) -> (N, To, C).

    To = floor((T - pool_size + left + right) / stride) + 1. Padding never counts. The gradient
    goes to the first maximum of a window.
    """

    Config = PoolConfig

    def __init__(self, config: PoolConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(*_fit("max_pool1d", config, in_shapes), build)


class AvgPool1D(AvgPooling):
    """Mean of each window, channel by channel.  (N, T, C) -> (N, To, C).

    To = floor((T - pool_size + left + right) / stride) + 1. The mean is taken over the steps in
    the window; padding does not count.
    """

    Config = PoolConfig

    def __init__(self, config: PoolConfig, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(*_fit("avg_pool1d", config, in_shapes), build)


def _fit(
    what: str, config: PoolConfig, in_shapes: tuple[Shape, ...]
) -> tuple[Window, Shape, Shape]:
    """Return the window, the shape of the input, and that of the output."""
    (in_shape,) = in_shapes
    window, steps = fit_window1d(
        what,
        in_shape,
        size=config.pool_size,
        strides=config.strides or config.pool_size,
        padding=config.padding,
    )
    return window, in_shape, (steps, in_shape[1])
