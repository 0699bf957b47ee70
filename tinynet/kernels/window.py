"""A window that slides over an image: the geometry that convolution and pooling share."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

Pair: TypeAlias = tuple[int, int]
Slices: TypeAlias = tuple[slice, slice, slice]


class Cell(NamedTuple):
    """One cell of the window, and the part of the image that it meets."""

    number: int  # in row-major order, counted from 0
    row: int
    column: int
    windows: Slices  # index (N, Ho, Wo) of the windows whose cell lies on the image, not on padding
    pixels: Slices  # index (N, H, W) of the pixels it meets there, in the same order


@dataclass(frozen=True)
class Window:
    """A window that slides over an image.

    Attributes:
        kernel_size: (height, width) of the window, in cells.
        strides: Step (down, right) between neighboring windows, in pixels.
        padding: Pixels added ((top, bottom), (left, right)).
        dilation: Distance (down, right) between neighboring cells of one window, in pixels.
    """

    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    @property
    def extent(self) -> Pair:
        """(height, width) that the window spans, in pixels."""
        (rows, columns), (down, right) = self.kernel_size, self.dilation
        return (rows - 1) * down + 1, (columns - 1) * right + 1

    @property
    def padded(self) -> bool:
        """True if there is any padding."""
        return self.padding != ((0, 0), (0, 0))

    @property
    def pointwise(self) -> bool:
        """True if window number i is pixel number i."""
        return self.kernel_size == self.strides == (1, 1) and not self.padded

    @property
    def disjoint(self) -> bool:
        """True if no pixel lies in two windows."""
        return all(step >= size for step, size in zip(self.strides, self.extent, strict=True))

    def out_size(self, height: int, width: int) -> Pair:
        """Return the number of windows, (down, right); below 1 if none fits."""
        (top, bottom), (left, right) = self.padding
        (rows, columns), (down, across) = self.extent, self.strides
        return (
            (height + top + bottom - rows) // down + 1,
            (width + left + right - columns) // across + 1,
        )

    def cells(self, height: int, width: int) -> tuple[Cell, ...]:
        """Return the cells of the window in row-major order, without those on padding alone."""
        return _cells(self, height, width)


def window_back(window: Window) -> Window | None:
    """Return the window of a pixel over the outputs that are computed from it.

    None if there are steps between windows, or some may lie on padding alone.
    """
    rest = [
        (extent - 1 - before, extent - 1 - after)
        for extent, (before, after) in zip(window.extent, window.padding, strict=True)
    ]
    if window.strides != (1, 1) or min(map(min, rest)) < 0:
        return None
    return Window(window.kernel_size, padding=(rest[0], rest[1]), dilation=window.dilation)


@lru_cache(maxsize=256)
def _cells(window: Window, height: int, width: int) -> tuple[Cell, ...]:
    # Remembered: on a small image it takes longer to work them out than to use them.
    every = slice(None)
    columns = list(_reach(window, 1, width))
    return tuple(
        Cell(
            row * window.kernel_size[1] + column,
            row,
            column,
            (every, windows_down, windows_right),
            (every, pixels_down, pixels_right),
        )
        for row, windows_down, pixels_down in _reach(window, 0, height)
        for column, windows_right, pixels_right in columns
    )


def _reach(window: Window, axis: int, size: int) -> Iterator[tuple[int, slice, slice]]:
    """For each cell along an axis: its number, the windows where it is inside, the pixels."""
    stride, dilation = window.strides[axis], window.dilation[axis]
    before, after = window.padding[axis]
    count = (size + before + after - window.extent[axis]) // stride + 1
    for cell in range(window.kernel_size[axis]):
        offset = cell * dilation - before
        first = max(0, -(offset // stride))
        end = min(count, (size - 1 - offset) // stride + 1)
        if first < end:
            start = first * stride + offset
            stop = (end - 1) * stride + offset + 1
            yield cell, slice(first, end), slice(start, stop, stride)
