"""The base of layers with a sliding window: the option `padding`, and shapes."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tinynet.kernels import Window
from tinynet.layer import Shape, ShapeError

Pair: TypeAlias = tuple[int, int]
Sides: TypeAlias = tuple[Pair, Pair]

_Count: TypeAlias = Annotated[int, Field(ge=0)]


def _padding(value: Any) -> Any:
    """Any accepted form as "valid", "same", or ((top, bottom), (left, right))."""
    if isinstance(value, str) and value in ("valid", "same"):
        return value
    sides = list(value) if isinstance(value, list | tuple) else [value, value]
    sides = [list(side) if isinstance(side, list | tuple) else [side, side] for side in sides]
    counts = [count for side in sides for count in side]
    if [len(side) for side in sides] == [2, 2] and all(
        type(count) is int and count >= 0 for count in counts
    ):
        return tuple(tuple(side) for side in sides)
    raise PydanticCustomError(
        "padding",
        "'valid', 'same', an integer of at least 0, [height, width] or"
        " [[top, bottom], [left, right]] is expected",
    )


Padding: TypeAlias = Annotated[
    Literal["valid", "same"] | Sides,
    BeforeValidator(
        _padding,
        json_schema_input_type=Literal["valid", "same"]
        | _Count
        | tuple[_Count, _Count]
        | tuple[tuple[_Count, _Count], tuple[_Count, _Count]],
    ),
]
"""The field type of `padding`."""

PADDING_DESCRIPTION = (
    "Pixels added around the image: 'valid' (none), 'same' (output size = input size / strides,"
    " rounded up; the odd pixel at the end), one integer for every side, [height, width], or"
    " [[top, bottom], [left, right]]."
)


def fit_window(
    what: str,
    in_shape: Shape,
    *,
    size: Pair,
    strides: Pair,
    padding: Literal["valid", "same"] | Sides,
    dilation: Pair = (1, 1),
) -> tuple[Window, Pair]:
    """Return the window over images (H, W, C), and how many windows there are, (down, right).

    ``what`` is the layer's type, for messages; ``dilation`` is the distance between neighboring
    cells.

    Raises:
        ShapeError: if ``in_shape`` is not an image, or smaller than a window.
    """
    check_image(what, in_shape)
    height, width, _ = in_shape
    extent = Window(size, dilation=dilation).extent
    if padding == "valid":
        sides: Sides = (0, 0), (0, 0)
    elif padding == "same":
        sides = (
            same_padding(height, extent[0], strides[0]),
            same_padding(width, extent[1], strides[1]),
        )
    else:
        sides = padding
    window = Window(size, strides, sides, dilation)
    out_size = window.out_size(height, width)
    if min(out_size) < 1:
        axis = 0 if out_size[0] < 1 else 1
        raise ShapeError(
            f"{what}: a window that spans {extent[0]}x{extent[1]} does not fit an image of"
            f" {height}x{width}; the output's {('height', 'width')[axis]} would be"
            f" {arithmetic(in_shape[axis], extent[axis], sides[axis], strides[axis])}: take a"
            " smaller window, or padding 'same'"
        )
    return window, out_size


def check_image(what: str, in_shape: Shape) -> None:
    """Raise ShapeError unless a sample is an image (H, W, C)."""
    if len(in_shape) != 3:
        raise ShapeError(f"{what} needs images of shape (height, width, channels); got {in_shape}")


def same_padding(size: int, extent: int, stride: int) -> Pair:
    """Return (before, after) such that ceil(size / stride) windows fit."""
    count = -(-size // stride)
    total = max(0, (count - 1) * stride + extent - size)
    return total // 2, total - total // 2


def arithmetic(size: int, extent: int, side: Pair, stride: int) -> str:
    """Return the number of windows along an axis as a formula, for messages."""
    before, after = side
    added = f"2*{before}" if before == after else f"{before} + {after}"
    count = (size - extent + before + after) // stride + 1
    return f"floor(({size} - {extent} + {added}) / {stride}) + 1 = {count}"
