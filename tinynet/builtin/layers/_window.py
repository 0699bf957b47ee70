"""The base of layers with a sliding window: the option `padding`, and shapes."""

from collections.abc import Sequence
from math import prod
from typing import Annotated, Literal, TypeAlias

from tinynet.builtin.layers._sides import Pair, sides_validator
from tinynet.kernels import Window
from tinynet.layer import Shape, ShapeError

Sides: TypeAlias = tuple[Pair, Pair]
SamePadding: TypeAlias = Literal["valid", "same", "same_lower"]

Padding: TypeAlias = Annotated[
    SamePadding | Sides, sides_validator(2, "valid", "same", "same_lower")
]
"""The field type of `padding`."""

PADDING_DESCRIPTION = (
    "Pixels added around the image: 'valid' (none), 'same' (output size = input size / strides,"
    " rounded up; the odd pixel at the end), 'same_lower' (as 'same'; the odd pixel at the start),"
    " one integer for every side, [height, width], or [[top, bottom], [left, right]]."
)

MAX_PADDED = 1 << 24
"""Most positions of a sample with its padding, unless the sample alone has many."""

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The names of a sample's axes in messages, by their number."""

_SIZES = {
    1: ("{} steps", "a sequence of {}"),
    2: ("{}", "an image of {}"),
    3: ("{}", "a volume of {}"),
}
"""The size of a window, and that of a sample, by the number of axes."""

_SAMPLES = {
    1: "sequences of shape (steps, channels)",
    2: "images of shape (height, width, channels)",
    3: "volumes of shape (depth, height, width, channels)",
}


def fit_window(
    what: str,
    in_shape: Shape,
    *,
    size: Pair,
    strides: Pair,
    padding: SamePadding | Sides,
    dilation: Pair = (1, 1),
) -> tuple[Window, Pair]:
    """Return the window over images (H, W, C), and how many windows there are, (down, right).

    ``what`` is the layer's type, for messages; ``dilation`` is the distance between neighboring
    cells.

    Raises:
        ShapeError: if ``in_shape`` is not an image, or smaller than a window.
    """
    check_image(what, in_shape)
    (rows, columns), (down, right) = fit_axes(
        what, in_shape[:2], size=size, strides=strides, padding=padding, dilation=dilation
    )
    return Window(size, strides, (rows, columns), dilation), (down, right)


def fit_axes(
    what: str,
    sizes: Shape,
    *,
    size: Sequence[int],
    strides: Sequence[int],
    padding: str | Sequence[Pair],
    dilation: Sequence[int],
    ceil_mode: bool = False,
) -> tuple[tuple[Pair, ...], tuple[int, ...]]:
    """Return the padding of each axis, (before, after), and the number of windows along it.

    ``sizes`` are those of the 1 to 3 axes of a sample, without its channels. ``padding`` may be
    ``"causal"``. With ``ceil_mode``, the last window may reach beyond the padding, if it starts
    before the end of the input. The other arguments are those of `fit_window`.

    Raises:
        ShapeError: if no window fits.
    """
    extents = [(cells - 1) * step + 1 for cells, step in zip(size, dilation, strict=True)]
    axes = list(zip(sizes, extents, strides, strict=True))
    if isinstance(padding, str):
        sides = tuple(_side(padding, *axis) for axis in axes)
    else:
        sides = tuple(padding)
    _check_padded(what, sizes, extents, sides)
    counts = tuple(_count(*axis, side, ceil_mode) for side, axis in zip(sides, axes, strict=True))
    for axis, count in enumerate(counts):
        if count < 1:
            span, sample = _SIZES[len(sizes)]
            name = AXIS_NAMES[len(sizes)][axis]
            length, extent, stride = axes[axis]
            raise ShapeError(
                f"{what}: a window that spans {span.format(_by(extents))} does not fit"
                f" {sample.format(_by(sizes))}; the output's {name} would be"
                f" {_arithmetic(length, extent, stride, sides[axis], ceil_mode)}: take a smaller"
                " window, or padding 'same'"
            )
    return sides, counts


def _check_padded(what: str, sizes: Shape, extents: Sequence[int], sides: Sequence[Pair]) -> None:
    """Raise ShapeError for a sample that is almost all padding, and larger than the memory."""
    span, sample = _SIZES[len(sizes)]
    padded = [size + sum(side) for size, side in zip(sizes, sides, strict=True)]
    if prod(padded) > max(MAX_PADDED, 8 * prod(sizes)):
        raise ShapeError(
            f"{what}: a window that spans {span.format(_by(extents))} needs {_by(padded)} with its"
            f" padding, for {sample.format(_by(sizes))}: reduce kernel_size, dilation_rate or"
            " padding"
        )


def check_image(what: str, in_shape: Shape) -> None:
    """Raise ShapeError unless a sample is an image (H, W, C)."""
    check_axes(what, in_shape, 2)


def check_axes(what: str, in_shape: Shape, axes: int) -> None:
    """Raise ShapeError unless a sample has 1 to 3 axes and channels."""
    if len(in_shape) != axes + 1:
        raise ShapeError(f"{what} needs {_SAMPLES[axes]}; got {in_shape}")


def split_padding(padding: str, total: int) -> Pair:
    """Return (before, after): halves of ``total``, the odd pixel where `padding` puts it."""
    less, more = total // 2, total - total // 2
    return (more, less) if padding == "same_lower" else (less, more)


def _side(padding: str, size: int, extent: int, stride: int) -> Pair:
    """Return the padding (before, after) of one axis."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return extent - 1, 0
    count = -(-size // stride)
    return split_padding(padding, max(0, (count - 1) * stride + extent - size))


def _count(size: int, extent: int, stride: int, side: Pair, ceil_mode: bool) -> int:
    """Return the number of windows along an axis; below 1 if none fits."""
    rest = size + sum(side) - extent
    count = (-(-rest // stride) if ceil_mode else rest // stride) + 1
    starts_after_input = (count - 1) * stride >= size + side[0]
    return count - 1 if ceil_mode and starts_after_input else count


def _by(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _arithmetic(size: int, extent: int, stride: int, side: Pair, ceil_mode: bool) -> str:
    """Return the number of windows along an axis as a formula, for messages."""
    before, after = side
    added = f"2*{before}" if before == after else f"{before} + {after}"
    rounding = "ceil" if ceil_mode else "floor"
    count = _count(size, extent, stride, side, ceil_mode)
    return f"{rounding}(({size} - {extent} + {added}) / {stride}) + 1 = {count}"
