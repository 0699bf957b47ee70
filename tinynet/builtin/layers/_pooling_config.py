"""The options of pooling layers, and the windows that follow from them."""

from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._sides import Pair
from tinynet.builtin.layers._window import check_axes, fit_axes
from tinynet.layer import LayerConfig, Shape, ShapeError

INCLUDE_PAD_DESCRIPTION = (
    "True if the padding counts as zeros; False if the mean is taken over the rest of the window."
)


class PoolingConfig(LayerConfig):
    """The parameters of pooling; each layer gives those of its window their types.

    Layers of sequences have one integer, and (left, right) as padding; others have a tuple with an
    item for each axis.
    """

    pool_size: Any
    strides: Any
    padding: Any
    ceil_mode: bool = Field(
        default=False,
        description="True to round the output's size up: the last window may reach beyond the"
        " padding, if it starts before the end of the input.",
    )

    @property
    def dilation(self) -> tuple[int, ...]:
        """Distance between neighboring cells of the window, along each axis."""
        return (1,) * len(per_axis(self.pool_size))

    @property
    def sides(self) -> str | tuple[Pair, ...]:
        """The padding: a word, or (before, after) of each axis."""
        padding: Any = self.padding
        return padding if isinstance(padding, str) or isinstance(padding[0], tuple) else (padding,)

    @model_validator(mode="after")
    def _every_window_meets_a_pixel(self) -> Self:
        sides = self.sides
        if isinstance(sides, str):
            return self
        axes = zip(sides, per_axis(self.pool_size), self.dilation, strict=True)
        if any(max(side) > (cells - 1) * step for side, cells, step in axes):
            raise PydanticCustomError(
                "padding",
                "padding must be smaller than pool_size (dilated, than (pool_size - 1) *"
                " dilation_rate + 1), or a window would hold nothing else",
            )
        return self


class WindowAxis(NamedTuple):
    """The windows of pooling along one axis, and their number."""

    cells: int
    stride: int
    dilation: int
    padding: Pair
    declared: Pair  # the padding without the pixels that a last window reaches in `ceil_mode`
    windows: int


def per_axis(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return an option as a tuple of an item for each axis."""
    return (value,) if isinstance(value, int) else value


def fit_pooling(what: str, config: PoolingConfig, in_shape: Shape) -> tuple[WindowAxis, ...]:
    """Return the windows along each axis of a sample (..., C).

    ``what`` is the layer's type, for messages.

    Raises:
        ShapeError: if the sample has another number of axes, no window fits, or a window would hold
            nothing but padding.
    """
    size, dilation = per_axis(config.pool_size), config.dilation
    strides = per_axis(config.strides or config.pool_size)
    check_axes(what, in_shape, len(size))
    sides, counts = fit_axes(
        what,
        in_shape[:-1],
        size=size,
        strides=strides,
        padding=config.sides,
        dilation=dilation,
        ceil_mode=config.ceil_mode,
    )
    axes = []
    for length, cells, stride, step, side, count in zip(
        in_shape[:-1], size, strides, dilation, sides, counts, strict=True
    ):
        before, after = side
        # The cell of a window on padding that comes first on the input, or after its end.
        if any(first % step >= length for first in range(-before, 0, stride)):
            raise ShapeError(
                f"{what}: a window whose cells are {step} apart would hold nothing but padding, on"
                f" an axis of {length}: take less padding, or a smaller dilation_rate"
            )
        reach = (count - 1) * stride + (cells - 1) * step + 1 - before - length
        axes.append(WindowAxis(cells, stride, step, (before, max(after, reach)), side, count))
    return tuple(axes)
