"""Image files: decoded as they are displayed, or refused.

==========================  ====================================================================
image                       decoded as
==========================  ====================================================================
8 bits or fewer, any mode   gray, RGB or RGBA, as requested
16-bit gray                 scaled to 8 bits, or kept
transparency                drawn on white, unless RGBA is requested
EXIF orientation            rotated and mirrored as recorded
floats, 32-bit integers     refused: the range of the values is unknown
several frames or pages     refused: save one frame as a separate file
CIELAB                      refused: convert it to RGB first
==========================  ====================================================================

All functions raise `DataError` for a file that is not an image, is damaged, or declares more pixels
than Pillow's ``Image.MAX_IMAGE_PIXELS``. They may run in several threads.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tinynet.errors import DataError
from tinynet.files.regular import open_file
from tinynet.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""Endings of the files that are read as images."""

_UNSUPPORTED = (".heic", ".heif", ".avif")
"""Endings of images that are not read."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""Pillow's formats that may be opened: others, such as EPS, run programs."""

Mode: TypeAlias = Literal["L", "RGB", "RGBA", "I"]
"""Pillow's modes of decoded images; "I" stands for 16-bit gray, 0 to 65,535, in 32-bit integers."""

CHANNELS: Mapping[Mode, int] = {"L": 1, "RGB": 3, "RGBA": 4, "I": 1}
"""The number of channels of a mode."""

_PHOTOS = ("JPEG", "MPO")
"""Formats whose further frames are previews of the first."""

_OPAQUE = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")

_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
"""The EXIF tag of the orientation, and its values that exchange width and height."""

_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
"""The warning filter that `warnings.filterwarnings` makes of ``module=r"PIL\\."``."""


def is_image(path: Path) -> bool:
    """Return True if the ending of a path is that of an image."""
    return path.suffix.lower() in ENDINGS


def unsupported_hint(names: Iterable[str]) -> str:
    """Return a remedy if some names are of images that are not read; else an empty text."""
    found = {Path(name).suffix.lower() for name in names} & {*_UNSUPPORTED}
    kinds = " and ".join(sorted(ending[1:].upper() for ending in found))
    verb = "is" if len(found) == 1 else "are"
    return f"; {kinds} {verb} not supported: convert the files to JPEG" if found else ""


def require_pillow(place: str) -> None:
    """Raise `DataError`, with the command that installs it, if Pillow is missing."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise DataError(f"{place}: images need Pillow: pip install pillow") from error


@contextmanager
def open_image(path: str) -> Iterator["Image"]:
    """Open an image; its pixels are decoded later."""
    require_pillow(path)
    with open_file(path) as file, _reading(path), _open(file) as image:
        yield image


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Raise `DataError` for every exception of Pillow."""
    from PIL import Image, UnidentifiedImageError

    # Pillow warns of metadata that are not used. `catch_warnings` is not safe in threads.
    if _QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} cannot be read as an image: {_too_large()}") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} cannot be read as an image: {_unidentified(path)}") from error
    except Exception as error:  # Pillow's plugins raise almost anything for a damaged file
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} cannot be read as an image: {reason}") from error


def _open(file: IO[bytes]) -> "Image":
    from PIL import Image

    Image.init()
    image = Image.open(file, formats=[name for name in _FORMATS if name in Image.OPEN])
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise Image.DecompressionBombError
    return image


def _too_large() -> str:
    from PIL import Image

    limit = f"{Image.MAX_IMAGE_PIXELS:,} pixels (PIL.Image.MAX_IMAGE_PIXELS)"
    return f"it declares more than {limit}; save it smaller"


_SIGNATURES = (b"\x89PNG", b"\xff\xd8", b"BM", b"GIF8", b"II*\0", b"MM\0*", b"RIFF")
"""The first bytes of the formats that are read."""


def _unidentified(path: str) -> str:
    with open_file(path) as file:
        start = file.read(12)
    if not start:
        return "the file is empty"
    if start.startswith(_SIGNATURES):
        return "its header is damaged, or of a kind that Pillow does not read"
    if start[4:8] == b"ftyp":
        return "HEIC, AVIF and videos are not supported; convert it to JPEG or PNG"
    return f"it is not a PNG, JPEG, BMP, GIF, TIFF or WebP file (it starts with {start[:8]!r})"


def displayed_size(image: "Image") -> tuple[int, int]:
    """Return width and height of an opened image, after its EXIF orientation."""
    if image.width == image.height:
        return image.size
    if image.format == "TIFF":
        image.load()  # Pillow rotates a TIFF itself when it is loaded
        return image.size
    turned = image.getexif().get(_ORIENTATION) in _TURNED
    return (image.height, image.width) if turned else image.size


def decode(
    path: str,
    mode: Mode,
    warn: Callable[[str], None] = lambda _: None,
    enough: int | None = None,
) -> "Image":
    """Return an image in a mode.

    Args:
        path: The file.
        mode: The mode.
        warn: It is called if transparent parts are drawn on white.
        enough: Width and height that the result needs at least. A large JPEG image is decoded at
            1/2, 1/4 or 1/8 of its size if that is enough, which takes a fraction of the time.
    """
    with open_image(path) as opened:
        return _decoded(path, opened, mode, warn, enough)


def decode_object(
    place: str,
    image: "Image",
    mode: Mode,
    warn: Callable[[str], None] = lambda _: None,
    enough: int | None = None,
) -> "Image":
    """Return an image in memory in a mode, as `decode` does.

    An image that was opened, but whose pixels were not loaded, is decoded as its file.
    """
    require_pillow(place)
    with _reading(place):
        content = _unread_content(image)
        if content is None:
            return _decoded(place, image, mode, warn, None)
        with _open(BytesIO(content)) as opened:
            return _decoded(place, opened, mode, warn, enough)


def is_image_object(value: Any) -> bool:
    """Return True for an image of Pillow."""
    return hasattr(value, "getpixel") and hasattr(value, "mode")


_READING_OBJECTS = Lock()
"""Held while the file of an image in memory is read, whose position is shared."""


def _unread_content(image: "Image") -> bytes | None:
    """Return the bytes of the file of an image whose pixels were not loaded; else None."""
    file: Any = getattr(image, "fp", None)
    if file is None or not getattr(image, "tile", None) or image.format not in (*_FORMATS, "MPO"):
        return None
    with _READING_OBJECTS:
        position = file.tell()
        file.seek(0)
        content: bytes = file.read()
        file.seek(position)
    return content


def _decoded(
    place: str, opened: "Image", mode: Mode, warn: Callable[[str], None], enough: int | None
) -> "Image":
    if enough is not None:
        opened.draft(None, (enough, enough))
    return _converted(place, _oriented(place, opened), mode, warn, opened)


def decode_values(path: str) -> tuple[Array, bool]:
    """Return the pixels of an image as stored, (H, W), int32, and True if they are colors.

    Pixels are palette indices, gray values, or colors as 0xRRGGBB; transparency is left out.
    """
    with open_image(path) as opened:
        return _stored_values(path, opened)


def highest_level(path: str) -> int | None:
    """Return the highest level of an image of 16-bit gray, 0 to 65,535; None for another image."""
    with open_image(path) as opened:
        image = _oriented(path, opened)
        if not _has_sixteen_bits(image, opened):
            return None
        return int(_sixteen_bits(image, getattr(opened, "tag_v2", {})).max())


def decode_with_palette(path: str) -> tuple[Array, bool, Sequence[int]]:
    """Return `decode_values`, and the palette: 0xRRGGBB of each index; empty without one."""
    with open_image(path) as opened:
        pixels, are_colors = _stored_values(path, opened)
        parts = opened.getpalette("RGB") if opened.mode in ("P", "PA") else None
        colors = np.array(parts or (), np.int32).reshape(-1, 3) @ (1 << 16, 1 << 8, 1)
        return pixels, are_colors, colors.tolist()


def _stored_values(path: str, opened: "Image") -> tuple[Array, bool]:
    """Decode the pixels; see `decode_values`."""
    image = _oriented(path, opened)
    pixels = np.asarray(image).astype(np.int32)
    if image.mode in ("1", "L", "P", "I", *_SIXTEEN_BITS):
        return pixels, False
    if image.mode in ("LA", "La", "PA"):
        return pixels[..., 0], False
    if image.mode in ("RGB", "RGBA", "RGBX"):
        return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2], True
    raise DataError(
        f"{path} holds pixels of mode {image.mode}; save it with a palette, in gray or in RGB"
    )


def decode_colors(path: str) -> Array:
    """Return the colors of an image as 0xRRGGBB, (H, W), int32; transparency is left out."""
    with open_image(path) as opened:
        pixels = np.asarray(_oriented(path, opened).convert("RGB")).astype(np.int32)
        colors: Array = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
        return colors


def _oriented(path: str, opened: "Image") -> "Image":
    """Decode the pixels."""
    from PIL import ImageOps

    frames = getattr(opened, "n_frames", 1)
    if frames > 1 and opened.format not in _PHOTOS:
        raise DataError(f"{path} holds {frames} frames; save the one to use as a file of its own")
    opened.load()  # Pillow rotates a TIFF itself when it is loaded
    return ImageOps.exif_transpose(opened)


def _converted(
    path: str, image: "Image", mode: Mode, warn: Callable[[str], None], opened: "Image"
) -> "Image":
    from PIL import Image

    if _has_sixteen_bits(image, opened):
        levels = _sixteen_bits(image, getattr(opened, "tag_v2", {}))
        if mode == "I":
            return Image.fromarray(levels.astype(np.int32))
        return Image.fromarray((levels >> 8).astype(np.uint8)).convert(mode)
    if image.mode not in (*_OPAQUE, *_TRANSPARENT):
        kinds = {"F": "floats", "I": "32-bit integers", "LAB": "CIELAB colors"}
        kind = kinds.get(image.mode, f"pixels of mode {image.mode}")
        raise DataError(
            f"{path} holds {kind}, which can be decoded in several ways; save it with 8 bits for"
            " each channel, gray or RGB"
        )
    if mode == "I":
        gray = np.asarray(_eight_bits(path, image, "L", warn))
        return Image.fromarray(gray.astype(np.int32) * 257)
    return _eight_bits(path, image, mode, warn)


def _eight_bits(path: str, image: "Image", mode: str, warn: Callable[[str], None]) -> "Image":
    """Return an image in L, RGB or RGBA."""
    from PIL import Image

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


def _has_sixteen_bits(image: "Image", opened: "Image") -> bool:
    return image.mode in _SIXTEEN_BITS or (image.mode == "I" and opened.format == "PNG")


_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
"""Numbers of TIFF tags, and a value of the second."""


def _sixteen_bits(image: "Image", tags: Mapping[int, Any]) -> Array:
    """Return the levels of a gray image, uint16; those of a TIFF may have only 12 bits."""
    values = np.asarray(image).astype(np.uint16)
    levels: Array = values << np.uint16(16 - tags.get(_BITS, (16,))[0])
    return 65535 - levels if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else levels
