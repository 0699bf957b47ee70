"""Resizing of images and masks to the size of a network's input."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from tinynet.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

ResizeMethod: TypeAlias = Literal["stretch", "crop", "pad"]
"""Change the aspect ratio, cut off what exceeds it, or add a border."""

Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos", "area"]

_RESAMPLING: dict[Interpolation, int] = {
    "nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "area": 4,
}  # fmt: skip
"""Pillow's number of each interpolation; a size is reduced without aliasing, except by nearest."""


@dataclass(frozen=True)
class Resizing:
    """The way to a size of (height, width) pixels.

    With ``crop``, the largest centered part of the aspect ratio fills the size; with ``pad``, the
    whole image is centered on black.
    """

    height: int
    width: int
    method: ResizeMethod = "stretch"
    interpolation: Interpolation = "bilinear"

    def apply(self, image: "Image") -> "Image":
        """Return an image in the size."""
        if image.size == (self.width, self.height):
            return image
        resampling = _RESAMPLING[self.interpolation]
        resized = image.resize(self._inner(image.size), resampling, self._box(image.size))
        if resized.size == (self.width, self.height):
            return resized
        from PIL import Image

        black = (0, 0, 0, 255) if image.mode == "RGBA" else 0
        padded = Image.new(image.mode, (self.width, self.height), black)
        padded.paste(resized, self._offset(resized.size))
        return padded

    def apply_nearest(self, values: Array, border: int) -> Array:
        """Return values (H, W) in the size, each copied from the nearest pixel.

        Args:
            values: Integers, such as the classes of pixels.
            border: The value outside of the image, with ``pad``.
        """
        height, width = values.shape
        if (height, width) == (self.height, self.width):
            return values
        inner = self._inner((width, height))
        left, upper, right, lower = self._box((width, height))
        rows = _nearest(upper, lower, inner[1], height)
        columns = _nearest(left, right, inner[0], width)
        result = np.full((self.height, self.width), border, values.dtype)
        x, y = self._offset(inner)
        result[y : y + inner[1], x : x + inner[0]] = values[rows[:, np.newaxis], columns]
        return result

    def restore_nearest(self, values: Array, size: tuple[int, int], border: int) -> Array:
        """Return values (H, W) of a resized image in its original size; see `apply_nearest`.

        Args:
            values: Integers, such as the predicted classes of pixels.
            size: Width and height of the image.
            border: The value of parts that were cut off, with ``crop``.
        """
        if size == (self.width, self.height):
            return values
        (width, height), (x, y) = self._inner(size), self._offset(self._inner(size))
        left, upper, right, lower = self._box(size)
        rows, has_row = _resized(upper, lower, height, size[1])
        columns, has_column = _resized(left, right, width, size[0])
        restored = values[(rows + y)[:, np.newaxis], columns + x]
        return np.where(has_row[:, np.newaxis] & has_column, restored, border)

    def _inner(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return width and height of the resized image, without a border."""
        if self.method != "pad":
            return self.width, self.height
        scale = min(self.width / size[0], self.height / size[1])
        return tuple(max(1, round(length * scale)) for length in size)  # type: ignore[return-value]

    def _box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the part of the image to resize: left, upper, right, lower."""
        if self.method != "crop":
            return 0, 0, *size
        scale = max(self.width / size[0], self.height / size[1])
        used = min(size[0], self.width / scale), min(size[1], self.height / scale)
        left, upper = (size[0] - used[0]) / 2, (size[1] - used[1]) / 2
        return left, upper, min(size[0], left + used[0]), min(size[1], upper + used[1])

    def _offset(self, inner: tuple[int, int]) -> tuple[int, int]:
        return (self.width - inner[0]) // 2, (self.height - inner[1]) // 2


def _resized(start: float, stop: float, count: int, length: int) -> tuple[Array, Array]:
    """Return the resized pixel of each of ``length`` pixels, and True where there is one."""
    centers = np.arange(length) + 0.5
    pixels = np.floor((centers - start) * (count / (stop - start))).astype(np.int64)
    return np.clip(pixels, 0, count - 1), (centers >= start) & (centers < stop)


def _nearest(start: float, stop: float, count: int, length: int) -> Array:
    """Return the source of each of ``count`` pixels along an axis of ``length`` pixels."""
    centers = start + (np.arange(count) + 0.5) * ((stop - start) / count)
    sources: Array = np.clip(np.floor(centers).astype(np.int64), 0, length - 1)
    return sources
