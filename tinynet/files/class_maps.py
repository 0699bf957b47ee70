"""Class maps in PNG files: the class of each pixel of an image."""

from io import BytesIO
from pathlib import Path

import numpy as np

from tinynet.files.atomic import replacing
from tinynet.files.images import require_pillow
from tinynet.types import Array


def class_palette(count: int) -> Array:
    """Return colors (count, 3), uint8, for at most 256 classes: those of PASCAL VOC (2010)."""
    index = np.arange(count)
    colors = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= ((index >> channel & 1) << (7 - bit)).astype(np.uint8)
        index = index >> 3
    return colors


def write_class_map(path: Path, indices: Array, palette: Array | None = None) -> None:
    """Write class indices (H, W) as a PNG file, which replaces ``path`` when it is complete.

    Indices below 256 become a palette image, whose pixels are the indices; others 16-bit gray.

    Args:
        path: The file.
        indices: Integers from 0 to 65,535.
        palette: Color of each class, (C, 3), uint8; by default `class_palette`.
    """
    require_pillow(str(path))
    from PIL import Image

    if indices.max(initial=0) < 256:
        height, width = indices.shape
        image = Image.frombytes("P", (width, height), indices.astype(np.uint8).tobytes())
        image.putpalette((class_palette(256) if palette is None else palette).tobytes())
    else:
        image = Image.fromarray(indices.astype(np.uint16))
    content = BytesIO()
    image.save(content, "PNG")
    with replacing(path, len(content.getbuffer())) as write_at:
        write_at(0, content.getbuffer())
