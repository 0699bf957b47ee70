"""Image files as raw inputs: decoded as they are displayed, or refused.

==========================  ====================================================================
image                       decoded as
==========================  ====================================================================
8 bits or fewer, any mode   gray, RGB or RGBA, as the model's channels require
16-bit gray                 scaled to 8 bits
transparency                drawn on white, unless the model has an alpha channel
EXIF orientation            rotated and mirrored as recorded
floats, 32-bit integers     refused: the range of the values is unknown
several frames or pages     refused: save one frame as a separate file
CIELAB                      refused: convert it to RGB first
==========================  ====================================================================
"""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.files.regular import open_file
from tinynet.types import Array, Shape

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""Endings of the files that are read as images."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""Pillow's formats that may be opened: others, such as EPS, run programs."""

_PHOTOS = ("JPEG", "MPO")
"""Formats whose further frames are previews of the first."""

_OPAQUE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode by the number of channels."""


def read_image(path: str, field: Field, *, resize: bool, warn: Callable[[str], None]) -> Array:
    """Return an image as one sample (1, *field.shape), uint8 from 0 to 255.

    The field is the model's input: (H, W, C) with 1, 3 or 4 channels, or (H, W). With ``resize``,
    the image is resized to the size that the model was trained on.

    Raises:
        DataError: for a file that is not an image, for an image that can be decoded in several
            ways, and for one of another size.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(f"{path}: images need Pillow: pip install pillow") from error
    height, width, channels = _size(path, field.shape)
    with open_file(path) as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            Image.init()
            formats = [name for name in _FORMATS if name in Image.OPEN]
            with Image.open(file, formats=formats) as opened:
                image = _decoded(path, opened, _MODES[channels], warn)
        except DataError:
            raise
        except Exception as error:  # Pillow's plugins raise almost anything for a damaged file
            raise DataError(f"{path} cannot be read as an image: {error}") from error
    for warning in caught:
        warn(f"{path}: {warning.message}")
    if image.size != (width, height):
        if not resize:
            raise DataError(
                f"{path} is {image.width} x {image.height} pixels; the model was trained on"
                f" {width} x {height} (add --resize, or resize=True in Python, to resize it)"
            )
        image = image.resize((width, height))
    return np.asarray(image).reshape(1, *field.shape)


def _size(path: str, shape: Shape) -> Shape:
    """Return height, width and channels of an input."""
    full = (*shape, 1) if len(shape) == 2 else shape
    if len(full) != 3 or full[2] not in _MODES:
        raise DataError(f"{path} is an image, but the model's input has the shape {shape}")
    return full


def _decoded(path: str, opened: "Image", mode: str, warn: Callable[[str], None]) -> "Image":
    """Decode the pixels in ``mode``, which is L, RGB or RGBA."""
    from PIL import Image, ImageOps

    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format not in _PHOTOS:
        raise DataError(
            f"{path} holds {frames} frames; save the one to predict as a file of its own"
        )
    opened.load()  # Pillow rotates a TIFF itself when it is loaded
    image = ImageOps.exif_transpose(opened)
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and opened.format == "PNG"):
        return _eight_bits(image, getattr(opened, "tag_v2", {})).convert(mode)
    if image.mode not in (*_OPAQUE, *_TRANSPARENT):
        kinds = {"F": "floats", "I": "32-bit integers", "LAB": "CIELAB colors"}
        kind = kinds.get(image.mode, f"pixels of mode {image.mode}")
        raise DataError(
            f"{path} holds {kind}, which can be decoded in several ways; save it with 8 bits for"
            " each channel, gray or RGB"
        )
    if image.mode not in _TRANSPARENT and "transparency" not in image.info:
        return image.convert(mode)
    colors = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    if mode == "RGBA":
        return colors
    lowest, _ = colors.getchannel("A").getextrema()
    if lowest == 255:
        return colors.convert("RGB").convert(mode)
    warn(f"{path} has transparent parts; they are drawn on white")
    white = Image.new("RGBA", colors.size, "white")
    white.alpha_composite(colors)
    return white.convert("RGB").convert(mode)


_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
"""Numbers of TIFF tags, and a value of the second."""


def _eight_bits(image: "Image", tags: Mapping[int, Any]) -> "Image":
    """Keep the highest 8 of 16 bits of a gray image, or of the 12 that a TIFF may use."""
    from PIL import Image

    values = np.asarray(image).astype(np.uint16)
    eight = (values >> (tags.get(_BITS, (16,))[0] - 8)).astype(np.uint8)
    return Image.fromarray(255 - eight if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else eight)
