"""Images of Pillow in memory, as arrays that hold the same pixels as arrays of their files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinynet.errors import DataError
from tinynet.files.images import Mode, decode_object, is_image_object
from tinynet.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

_GRAY = ("1", "L", "LA", "La")


def are_images(values: Any) -> bool:
    """Return True for a list of Pillow's images, by the first of them."""
    return isinstance(values, list | tuple) and bool(values) and is_image_object(values[0])


def stack_images(place: str, images: Sequence["Image"], mode: Mode | None = None) -> Array:
    """Return images of one size as an array, (N, H, W) or (N, H, W, C), uint8 or uint16.

    Args:
        place: The role of the images, for messages.
        images: Images of Pillow.
        mode: The mode of the result; by default gray if all images are gray, of 16 bits if all
            have these, or else RGB.

    Raises:
        DataError: for other objects, other sizes, and images that cannot be decoded.
    """
    if wrong := [row for row, image in enumerate(images) if not is_image_object(image)]:
        kind = type(images[wrong[0]]).__name__
        raise DataError(f"{place}, row {wrong[0]} (counted from 0) is {kind}, not an image")
    mode = mode or _common_mode(images)
    decoded = [
        decode_object(f"{place}, image {row} (counted from 0)", image, mode)
        for row, image in enumerate(images)
    ]
    sizes = {image.size: row for row, image in reversed([*enumerate(decoded)])}
    if len(sizes) > 1:
        shown = ", ".join(f"{w} x {h} (image {row})" for (w, h), row in [*sizes.items()][:5])
        raise DataError(
            f"{place} holds images of {len(sizes):,} sizes (width x height): {shown}; resize them:"
            " [ImageOps.exif_transpose(image).resize((64, 64)) for image in images], or train on"
            ' their files: "data": {"type": "image_folder", "path": "photos", "size": [64, 64]}'
        )
    dtype = np.uint16 if mode == "I" else np.uint8
    return np.stack([np.asarray(image).astype(dtype, copy=False) for image in decoded])


def _common_mode(images: Sequence["Image"]) -> Mode:
    modes = {image.mode for image in images}
    if all(mode.startswith("I;16") for mode in modes):
        return "I"
    return "L" if all(mode in _GRAY or mode.startswith("I;16") for mode in modes) else "RGB"
