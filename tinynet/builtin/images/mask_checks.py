"""Checks of masks whose pixel values are no clear classes."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from tinynet.builtin.images.mask_contents import MaskContent, channels, show_value
from tinynet.errors import DataError
from tinynet.text.wording import format_list
from tinynet.types import Array

NEAR = 8
"""The largest distance of values that a lossy format makes of one."""

APART = 24
"""The smallest distance of values that are suggested as those of classes."""

FEW = 20
"""Most gray values, apart from class indices, that are taken as classes."""

_INDICES = 64
"""Gray values up to this one are likely to be class indices."""


def require_same_palettes(
    masks: str,
    contents: Sequence[MaskContent],
    recorded: Mapping[int, int],
    ignored: Sequence[int],
) -> None:
    """Require that each palette index has one color in all masks, and in those of the run.

    Args:
        masks: The folder of the masks.
        contents: The content of each mask.
        recorded: The color of each index in the training, by index.
        ignored: The indices of pixels to ignore.

    Raises:
        DataError: with the settings that decide between indices and colors.
    """
    places: dict[int, dict[int, str]] = defaultdict(dict)
    for value, color in recorded.items():
        places[value][color] = "the training data"
    for content in contents:
        for value, color in content.palette.items():
            places[value].setdefault(color, os.path.relpath(content.path, masks))
    differing = {value: colors for value, colors in places.items() if len(colors) > 1}
    if not differing:
        return
    value, colors = min(differing.items())
    shown = " and ".join([f"{show_value(c, True)} in {path}" for c, path in [*colors.items()][:3]])
    outside = {color for value in ignored for color in places.get(value, ())}
    every = {color for colors in places.values() for color in colors}
    named = [show_value(color, True) for color in sorted(every - outside)]
    ignore = f', "ignore": {json.dumps([show_value(c, True) for c in sorted(outside)])}'
    indices = sorted({int(v) for content in contents for v in content.values} - {*ignored})
    raise DataError(
        f"the palettes of the masks in {masks} differ: index {value} is {shown}; if the colors are"
        f' the classes, set "mask_values": {json.dumps(named)}{ignore if outside else ""}; if the'
        f' indices are, set "mask_values": {json.dumps(indices)}'
    )


def require_clear_values(
    masks: str, contents: Sequence[MaskContent], values: Sequence[int], colors: bool
) -> None:
    """Require that the values of masks, which no setting names, look like those of classes.

    Raises:
        DataError: for values that a lossy format or smoothing makes, and for masks that mark
            pixels by 1 among others that mark them by 255; with the settings that decide.
    """
    if not colors and {1, 255} <= {*values} <= {0, 1, 255}:
        _require_one_mark(masks, contents, values)
    elif _is_noisy(values, colors):
        everything = json.dumps([show_value(v, colors) if colors else v for v in values])
        raise DataError(
            f"the masks in {masks} have {len(values)} different pixel values, some near others, as"
            " JPEG or smoothing leaves them:"
            f" {format_list([show_value(value, colors) for value in values])};"
            f" {nearest_remedy(contents, colors)}; if all are classes, set"
            f' "mask_values": {everything}'
        )


def _is_noisy(values: Sequence[int], colors: bool) -> bool:
    if colors:
        distances = _distances(values, values, colors)
        np.fill_diagonal(distances, NEAR + 1)
        return bool((distances <= NEAR).any())
    if values[-1] > 255:
        return False
    highest = max((value for value in values if value != 255), default=0)
    if highest <= max(_INDICES, 1.5 * len(values)) and highest != 254:
        return False  # class indices, and perhaps 255 for pixels to ignore
    return len(values) > FEW or bool((np.diff(values) <= NEAR).any())


def _require_one_mark(masks: str, contents: Sequence[MaskContent], values: Sequence[int]) -> None:
    marks: dict[int, list[str]] = {1: [], 255: []}
    for content in contents:
        held = [mark for mark in marks if mark in content.values]
        if len(held) == 2:
            return
        for mark in held:
            marks[mark].append(os.path.relpath(content.path, masks))
    raise DataError(
        f"some masks in {masks} mark pixels by 1 ({format_list(marks[1])}), and others by 255"
        f" ({format_list(marks[255])}); write one value everywhere; if 255 stands for pixels that"
        ' do not count, set "ignore": [255]; if these are different classes, set "mask_values":'
        f" {json.dumps(list(values))}"
    )


def nearest_remedy(contents: Sequence[MaskContent], colors: bool) -> str:
    """Return the settings that round the values of masks to the most frequent ones."""
    counts = Counter[int]()
    for content in contents:
        counts.update(dict(zip(content.values.tolist(), content.counts.tolist(), strict=True)))
    few, kept = sum(counts.values()) / 100, list[int]()
    for value, count in counts.most_common(4096):
        if count < few:
            break
        if not kept or _distances([value], kept, colors).min() > APART:
            kept.append(value)
    if len(kept) < 2:
        return "save masks without loss, as PNG, not as JPEG"
    named = [show_value(v, colors) if colors else v for v in sorted(kept)]
    return (
        "save masks as PNG, or name the values of the classes, to which all others are rounded:"
        f' "mask_values": {json.dumps(named)}, "nearest": true'
    )


def _distances(a: Sequence[int], b: Sequence[int], colors: bool) -> Array:
    """Return the largest difference in a channel of each value and each other one."""
    first, second = channels(np.array(a), colors), channels(np.array(b), colors)
    distances: Array = np.abs(first[:, np.newaxis] - second).max(axis=-1)
    return distances
