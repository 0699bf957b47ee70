"""Image files as raw inputs of a model whose dataset reads no images."""

from collections.abc import Callable

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.files.images import CHANNELS, ENDINGS, Mode, decode
from tinynet.types import Array, Shape

__all__ = ["ENDINGS", "read_image"]

_MODES: dict[int, Mode] = {CHANNELS[mode]: mode for mode in ("L", "RGB", "RGBA")}
"""Pillow's mode by the number of channels."""


def read_image(path: str, field: Field, *, resize: bool, warn: Callable[[str], None]) -> Array:
    """Return an image as one sample (1, *field.shape), uint8, or uint16 as in training.

    The field is the model's input: (H, W, C) with 1, 3 or 4 channels, or (H, W). With ``resize``,
    the image is resized to the size that the model was trained on.

    Raises:
        DataError: for a file that is not an image, for an image that can be decoded in several
            ways, and for one of another size.
    """
    height, width, _ = _size(path, field.shape)
    mode = mode_of(field)
    image = decode(path, mode or "RGB", warn)
    if image.size != (width, height):
        if not resize:
            raise DataError(
                f"{path} is {image.width} x {image.height} pixels; the model was trained on"
                f" {width} x {height} (add --resize, or resize=True in Python, to resize it)"
            )
        image = image.resize((width, height))
    dtype = np.uint16 if mode == "I" else np.uint8
    pixels: Array = np.clip(np.asarray(image), 0, np.iinfo(dtype).max)
    return pixels.astype(dtype, copy=False).reshape(1, *field.shape)


def mode_of(field: Field) -> Mode | None:
    """Return the mode of images that fit an input, or None if it is no image."""
    channels = field.shape[2] if len(field.shape) == 3 else 1
    return "I" if channels == 1 and field.dtype == "uint16" else _MODES.get(channels)


def _size(path: str, shape: Shape) -> Shape:
    """Return height, width and channels of an input."""
    full = (*shape, 1) if len(shape) == 2 else shape
    if len(full) != 3 or full[2] not in _MODES:
        raise DataError(f"{path} is an image, but the model's input has the shape {shape}")
    return full
