"""Small images as PNG files, encoded with the standard library."""

import struct
import zlib
from typing import Any

import numpy as np

from tinynet.commands.report.charts import Picture
from tinynet.types import Array, Shape

MAX_SIDE = 96
"""Pixels of the longer side of a gray picture; larger images are reduced."""

MAX_COLOR_SIDE = 64
"""Pixels of the longer side of a picture in colors, which takes more bytes."""

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's color type of a number of channels."""

_CLASS_COLORS = np.array(
    [
        (38, 38, 46),
        (78, 154, 230),
        (245, 158, 66),
        (92, 184, 92),
        (217, 83, 79),
        (155, 112, 204),
        (140, 98, 84),
        (227, 119, 194),
        (188, 189, 34),
        (23, 190, 207),
    ],
    np.uint8,
)
"""Colors of the classes of a mask; they repeat after the last one."""


def is_image(shape: Shape) -> bool:
    """Return True if arrays of a shape are shown as images: (H, W, 1), (H, W, 3) or (H, W, 4)."""
    return len(shape) == 3 and shape[2] in (1, 3, 4) and min(shape[:2]) >= 4


def encode_png(pixels: Array) -> bytes:
    """Return a PNG file of an image (H, W, C), uint8, with 1 to 4 channels."""
    height, width, channels = pixels.shape
    # Each row starts with its filter: 1 stands for differences from the pixel to the left.
    rows = np.ones((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = np.diff(pixels, axis=1, prepend=np.uint8(0)).reshape(height, -1)
    header = struct.pack(">2I5B", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(pixels: Array, alt: str, caption: str = "") -> Picture:
    """Return an image (H, W, C), uint8, as a picture."""
    height, width, _ = pixels.shape
    return Picture(encode_png(pixels), width, height, alt, caption)


def value_range(values: Array) -> tuple[float, float]:
    """Return the numbers that are black and white in images of some values."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if values.dtype == np.uint8 or (low >= 0 and 128 < high <= 255):
        return 0.0, (255.0 if high > 64 else max(high, 1.0))
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return min(low, 0.0), (high if high > low else low + 1)


def to_pixels(image: Array, limits: tuple[float, float]) -> Array:
    """Return an image of numbers (H, W, C) as uint8, of at most `MAX_SIDE` or `MAX_COLOR_SIDE`.

    Args:
        image: The image.
        limits: The numbers that are black and white.
    """
    low, high = limits
    values = np.nan_to_num(_reduced(np.asarray(image, np.float64)))
    scaled = (values - low) * (255 / (high - low))
    pixels: Array = np.clip(np.round(scaled), 0, 255).astype(np.uint8)
    return pixels


def class_pixels(classes: Array) -> Array:
    """Return a map of class indices (H, W) as colors, reduced to `MAX_SIDE`."""
    step = _step(classes.shape)
    reduced = np.asarray(classes)[step // 2 :: step, step // 2 :: step]
    colors: Array = _CLASS_COLORS[reduced % len(_CLASS_COLORS)]
    return colors


def _reduced(image: Array) -> Array:
    """Return an image that is not too large, of the means of square parts."""
    step = _step(image.shape, MAX_SIDE if image.shape[2] == 1 else MAX_COLOR_SIDE)
    if step == 1:
        return image
    height, width = (size // step * step for size in image.shape[:2])
    parts = image[:height, :width].reshape(height // step, step, width // step, step, -1)
    means: Any = parts.mean(axis=(1, 3))
    return np.asarray(means)


def _step(shape: Shape, side: int = MAX_SIDE) -> int:
    step = -(-max(shape[:2]) // side)
    return max(1, min(step, *shape[:2]))
