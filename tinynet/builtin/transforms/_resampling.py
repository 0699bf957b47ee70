"""Values of images at points between their pixels."""

from collections.abc import Callable

import numpy as np

from tinynet.builtin.transforms._images import FillMode, stored, working
from tinynet.builtin.transforms._windows import padded
from tinynet.types import Array

_POINTS = 1 << 18
"""Points that are computed at a time."""

Points = Callable[[slice], tuple[Array, Array]]
"""Return rows and columns, (n, H, W) each, of the points for some of the samples."""


def resample(batch: Array, points: Points, mode: FillMode, fill: float, *, nearest: bool) -> Array:
    """Return the values of images (N, H, W, ...) at the points of each image.

    Args:
        batch: The images.
        points: The points of some samples; pixel centers have whole numbers.
        mode: The values outside of the image.
        fill: The value outside, for ``"constant"``.
        nearest: True for the value of the nearest pixel; otherwise bilinear interpolation.
    """
    y = np.empty_like(batch)
    count = max(1, _POINTS // (batch.shape[1] * batch.shape[2]))
    for first in range(0, len(batch), count):
        part = slice(first, first + count)
        rows, columns = points(part)
        images = batch[part] if nearest else working(batch[part])
        if mode == "constant":  # A border of the value is all that points outside can see.
            images = padded(images, ((1, 1), (1, 1)), mode, fill)
            rows, columns = rows + 1, columns + 1
        if nearest:
            y[part] = _pixels(images, np.floor(rows + 0.5), np.floor(columns + 0.5), mode)
        else:
            y[part] = stored(_bilinear(images, rows, columns, mode), batch.dtype)
    return y


def _bilinear(images: Array, rows: Array, columns: Array, mode: FillMode) -> Array:
    top, left = np.floor(rows), np.floor(columns)
    axes = (*rows.shape, *(1 for _ in images.shape[3:]))
    down = (rows - top).astype(images.dtype).reshape(axes)
    right = (columns - left).astype(images.dtype).reshape(axes)
    above, below = (
        _between(_pixels(images, row, left, mode), _pixels(images, row, left + 1, mode), right)
        for row in (top, top + 1)
    )
    return _between(above, below, down)


def _between(first: Array, second: Array, share: Array) -> Array:
    """Return ``first + share * (second - first)``, in the memory of ``second``."""
    second -= first
    second *= share
    second += first
    return second


def _pixels(images: Array, rows: Array, columns: Array, mode: FillMode) -> Array:
    """Return a copy of the pixels at whole rows and columns, (N, H, W, ...)."""
    count, height, width, *rest = images.shape
    numbers = _inside(rows, height, mode)
    numbers *= width
    numbers += _inside(columns, width, mode)
    numbers += np.arange(count).reshape(-1, 1, 1) * (height * width)
    pixels: Array = images.reshape(count * height * width, *rest).take(numbers, axis=0)
    return pixels


def _inside(places: Array, size: int, mode: FillMode) -> Array:
    """Return the pixel that stands for each place along an axis of ``size`` pixels."""
    if mode == "wrap":
        places = places % size
    elif mode == "symmetric":
        places = places % (2 * size)
        places = np.minimum(places, 2 * size - 1 - places)
    elif mode == "reflect":
        places = places % max(2 * size - 2, 1)
        places = np.minimum(places, 2 * size - 2 - places)
    return places.clip(0, size - 1).astype(np.intp)
