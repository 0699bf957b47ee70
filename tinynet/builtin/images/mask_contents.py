"""The pixel values that masks hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tinynet.files.images import decode_colors, decode_with_palette
from tinynet.types import Array

PixelValue: TypeAlias = int | str
"""A gray value or palette index, or a color such as ``"#ff0000"``."""

COLOR = r"^#[0-9a-fA-F]{6}$"


@dataclass(frozen=True)
class MaskContent:
    """The content of one mask.

    Attributes:
        path: The file.
        values: Its distinct values, ascending.
        counts: The number of pixels of each value.
        colors: True if the values are colors.
        size: Width and height.
        palette: The color of each value, if the values are indices of a palette.
    """

    path: str
    values: Array
    counts: Array
    colors: bool
    size: tuple[int, int]
    palette: Mapping[int, int]


def read_content(path: str, colors: bool | None) -> MaskContent:
    """Return the values of a mask; ``colors`` is None if its mode decides what they are."""
    palette: Sequence[int] = ()
    if colors:
        pixels, are_colors = decode_colors(path), True
    else:
        pixels, are_colors, palette = decode_with_palette(path)
    height, width = pixels.shape
    values, counts = np.unique(pixels, return_counts=True)
    used = {value: palette[value] for value in values.tolist() if value < len(palette)}
    return MaskContent(path, values, counts, are_colors, (width, height), used)


def channels(values: Array, colors: bool) -> Array:
    """Return the channels of pixel values, (..., 3) or (..., 1), int64."""
    wide = values.astype(np.int64)[..., np.newaxis]
    return wide >> np.array([16, 8, 0]) & 255 if colors else wide


def show_value(value: int, colors: bool) -> str:
    """Return a pixel value as a spec has it."""
    return f"#{value:06x}" if colors else str(value)


def show_share(share: float) -> str:
    """Return a share in percent."""
    return "< 0.1%" if 0 < share < 0.001 else f"{share:.1%}"
