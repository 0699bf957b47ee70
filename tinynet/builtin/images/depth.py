"""Notes about 16-bit images that use a small part of their range, such as those of 12 bits."""

from collections.abc import Sequence

import numpy as np

from tinynet.errors import DataError
from tinynet.files.images import highest_level
from tinynet.files.parallel import map_in_threads

READ = 16
"""Images that are read for the notes."""

_FULL, _SMALL = 65535, 65535 // 4


def depth_notes(paths: Sequence[str], dtype: str) -> list[str]:
    """Return notes about the highest value of some images, if they have 16 bits and use few.

    Args:
        paths: The images.
        dtype: The dtype to which they are decoded, ``uint8`` or ``uint16``.
    """
    some = np.unique(np.linspace(0, len(paths) - 1, READ).astype(int)).tolist()
    levels = [
        level
        for level in map_in_threads(_highest_level, [paths[row] for row in some])
        if level is not None
    ]
    if not levels or not 0 < max(levels) <= _SMALL:
        return []
    highest = max(levels)
    found = f"16-bit images whose highest value is {highest:,} of {_FULL:,} ({len(levels)} read)"
    if dtype == "uint16":
        return [
            f'{found}: set "value_range": [0, {highest}] in transforms that change brightness or'
            f' add noise, and {{"type": "scale", "factor": {1 / highest:.3g}}}'
        ]
    return [
        f"{found}: 8 bits leave {(highest >> 8) + 1} gray levels; to keep all, set"
        ' "color": "gray", "dtype": "uint16"'
    ]


def _highest_level(path: str) -> int | None:
    try:
        return highest_level(path)
    except DataError:
        return None
