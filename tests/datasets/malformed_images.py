"""Contents of malformed image files, and what an error says about each."""

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, TiffImagePlugin

FORMATS = {
    "png": "PNG", "jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP",
}  # fmt: skip

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
OPENS = None
"""The file is read, since its faults do not matter."""

EITHER = ""
"""Some versions of Pillow read the file."""

IS_HEIC = "cannot be read as an image: HEIC, AVIF and videos are not supported"
IS_NONE = "cannot be read as an image: it is not a PNG, JPEG, BMP, GIF, TIFF or WebP file"
HEADER = "cannot be read as an image: its header is damaged, or of a kind that"
NOT_READ = "cannot be read as an image: "
BOMB = "cannot be read as an image: it declares more than 89,478,485 pixels"
FRAMES = "holds 2 frames; save the one to use as a file of its own"


def encoded(image, ending="png", **options):
    file = io.BytesIO()
    image.save(file, FORMATS[ending], **options)
    return file.getvalue()


def color():
    return Image.fromarray(PIXELS)


def chunk(kind, content, crc=None):
    """Return a chunk of a PNG file."""
    check = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png(width=4, height=4, depth=8, kind=0, rows=None, extra=b"", interlace=0):
    """Return a PNG file of black pixels, unless ``rows`` gives its uncompressed content."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    rows = b"".join(b"\0" * 5 for _ in range(4)) if rows is None else rows
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def bmp(width, height, bits=24):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 64, 0, 0, 54) + header + b"\0" * 64


def tiff(*tags):
    """Return a TIFF file of one directory with tags (number, type, count, value)."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0\0\0\0"


def tiff_of(image, **tags):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for number, value in tags.items():
        info[int(number[1:])] = value
    return encoded(image, "tif", tiffinfo=info)


def frames(ending):
    pictures = [Image.new("L", (4, 4), level) for level in (0, 200)]
    return encoded(pictures[0], ending, save_all=True, append_images=pictures[1:])


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("a.txt", "text")
    return file.getvalue()


def middle(content, replacement, place=0.6):
    """Return a content with other bytes in the middle."""
    start = int(len(content) * place)
    return content[:start] + replacement + content[start + len(replacement) :]


def exif(garbage):
    return encoded(color(), "jpg", exif=b"Exif\0\0" + garbage)


def orientation(value):
    tags = Image.Exif()
    tags[0x0112] = value
    return encoded(color(), "jpg", exif=tags)


SIZE = ((256, 4, 1), (257, 4, 1))
HUGE_TIFF = tiff((256, 4, 1, 100_000), (257, 4, 1, 100_000), (258, 3, 1, 8), (262, 3, 1, 1))
NARROW_TIFF = tiff((256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (262, 3, 1, 1))
FAR_TIFF = tiff((256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 9, 1 << 30), (273, 4, 1, 1 << 30))
JPEG = encoded(color(), "jpg")
START_OF_FRAME = JPEG.index(b"\xff\xc0")
HUGE_JPEG = JPEG[: START_OF_FRAME + 5] + b"\xff\xf0\xff\xf0" + JPEG[START_OF_FRAME + 9 :]
WEBP = encoded(color(), "webp", lossless=True)
HUGE_WEBP = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0" * 4
HUGE_WEBP += b"\xff\x3f\0\xff\x3f\0"
GIF = encoded(Image.new("L", (4, 4), 9), "gif")
HUGE_GIF = GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:]

CASES: dict[str, tuple[bytes, str | None]] = {
    # Files of another kind.
    "empty.png": (b"", "the file is empty"),
    "empty.jpg": (b"", "the file is empty"),
    "text.png": (b"a picture of a cat\n", IS_NONE),
    "table.jpg": (b"file,kind\na.png,cat\n", IS_NONE),
    "page.png": (b"<!DOCTYPE html><html>404 not found</html>", IS_NONE),
    "vector.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', IS_NONE),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", IS_NONE),
    "document.png": (b"%PDF-1.7\n", IS_NONE),
    "archive.png": (archive(), IS_NONE),
    "icon.png": (b"\0\0\1\0\1\0\x10\x10" + b"\0" * 40, IS_NONE),
    "heif.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", IS_HEIC),
    "zeros.png": (b"\0" * 1000, IS_NONE),
    "noise.png": (PIXELS.tobytes(), IS_NONE),
    "utf-16.png": ("text".encode("utf-16"), IS_NONE),
    # Another ending than the format's.
    "jpeg.png": (JPEG, OPENS),
    "png.jpg": (encoded(color()), OPENS),
    "tiff.webp": (encoded(color(), "tif"), OPENS),
    # Only the first bytes.
    "signature.png": (b"\x89PNG\r\n\x1a\n", HEADER),
    "signature.jpg": (b"\xff\xd8\xff", HEADER),
    "signature.gif": (b"GIF89a", HEADER),
    "signature.bmp": (b"BM", HEADER),
    "signature.tif": (b"II*\0", HEADER),
    "signature.webp": (b"RIFF\x0c\0\0\0WEBP", NOT_READ),
    # More pixels than memory.
    "bomb.png": (png(100_000, 100_000), BOMB),
    "wide.png": (png(2_000_000_000, 1), BOMB),
    "bomb.bmp": (bmp(100_000, 100_000), BOMB),
    "bomb.gif": (HUGE_GIF, BOMB),
    "bomb.tif": (HUGE_TIFF, NOT_READ),
    "bomb.jpg": (HUGE_JPEG, BOMB),
    "bomb.webp": (HUGE_WEBP, NOT_READ),
    "text_bomb.png": (
        png(extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 100_000_000))),
        EITHER,
    ),
    # PNG.
    "no_pixels.png": (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)),
        NOT_READ,
    ),
    "few_pixels.png": (png(rows=b"\0" * 7), NOT_READ),
    "many_pixels.png": (png(rows=b"\0" * 700), OPENS),
    "not_compressed.png": (middle(png(), b"\0\0\0\0\0\0"), NOT_READ),
    "wrong_sum.png": (
        png(extra=chunk(b"gAMA", b"\0\0\0\1", crc=5)),
        NOT_READ,
    ),
    "no_width.png": (png(0, 4), NOT_READ),
    "odd_depth.png": (png(depth=3), NOT_READ),
    "odd_kind.png": (png(kind=5), NOT_READ),
    "odd_filter.png": (png(rows=b"".join(b"\x09" + b"\0" * 4 for _ in range(4))), EITHER),
    "interlaced.png": (png(interlace=1, rows=b"\0" * 5), NOT_READ),
    "no_palette.png": (png(kind=3), EITHER),
    "short_palette.png": (
        png(kind=3, extra=chunk(b"PLTE", b"\1\2\3"), rows=b"\0\1\2\3\4" * 4),
        EITHER,
    ),
    "16_bits.png": (encoded(Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257)), OPENS),
    "16_bit_colors.png": (
        png(depth=16, kind=2, rows=b"".join(b"\0" * 25 for _ in range(4))),
        OPENS,
    ),
    "bad_exif.png": (png(extra=chunk(b"eXIf", b"garbage")), EITHER),
    "bad_profile.png": (png(extra=chunk(b"iCCP", b"a\0\0garbage")), EITHER),
    "trailing.png": (png() + b"more", OPENS),
    "animated.png": (frames("png"), FRAMES),
    # JPEG.
    "noise.jpg": (middle(JPEG, b"\x00\xff\x00\xff" * 20, 0.7), EITHER),
    "no_tables.jpg": (b"\xff\xd8" + JPEG[START_OF_FRAME:], NOT_READ),
    "no_lines.jpg": (JPEG[: START_OF_FRAME + 5] + b"\0\0" + JPEG[START_OF_FRAME + 7 :], NOT_READ),
    "bad_exif.jpg": (exif(b"garbage" * 10), OPENS),
    "far_exif.jpg": (exif(b"II*\0\xff\xff\xff\x7f"), OPENS),
    "odd_orientation.jpg": (orientation(99), OPENS),
    "turned.jpg": (orientation(6), OPENS),
    "cmyk.jpg": (encoded(Image.new("CMYK", (16, 16), (9, 200, 30, 7)), "jpg"), OPENS),
    "cmyk_noise.jpg": (
        middle(encoded(Image.new("CMYK", (16, 16)), "jpg"), b"\xff\xd9\x00\x13" * 9, 0.8),
        EITHER,
    ),
    # GIF, BMP and WebP.
    "no_frame.gif": (GIF[:13], NOT_READ),
    "animated.gif": (frames("gif"), FRAMES),
    "animated.webp": (frames("webp"), FRAMES),
    "negative.bmp": (bmp(-5, 5), NOT_READ),
    "odd_depth.bmp": (bmp(4, 4, 7), NOT_READ),
    "noise.webp": (middle(WEBP, b"\xa5" * 40, 0.3), EITHER),
    # TIFF.
    "no_tags.tif": (tiff(), NOT_READ),
    "no_strips.tif": (NARROW_TIFF, NOT_READ),
    "far.tif": (FAR_TIFF, NOT_READ),
    "loop.tif": (b"II*\0" + struct.pack("<IHI", 8, 0, 8), NOT_READ),
    "floats.tif": (encoded(Image.new("F", (16, 16)), "tif"), "holds floats"),
    "integers.tif": (encoded(Image.new("I", (16, 16)), "tif"), "holds 32-bit integers"),
    "lab.tif": (encoded(Image.new("LAB", (16, 16)), "tif"), "holds CIELAB colors"),
    "pages.tif": (frames("tif"), FRAMES),
    "compression.tif": (tiff_of(color(), t259=34_000), EITHER),
}

for _ending in FORMATS:
    _whole = encoded(color(), _ending)
    for _part in (0.2, 0.5, 0.9):
        CASES[f"cut_{_part:.0%}.{_ending}"] = (_whole[: int(len(_whole) * _part)], NOT_READ)
    CASES[f"cut_end.{_ending}"] = (_whole[:-1], EITHER)
