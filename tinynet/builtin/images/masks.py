"""Masks: images whose pixels stand for classes."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from pydantic import JsonValue

from tinynet.builtin.images.mask_checks import nearest_remedy, require_clear_values
from tinynet.builtin.images.mask_contents import (
    COLOR,
    MaskContent,
    PixelValue,
    channels,
    show_share,
    show_value,
)
from tinynet.errors import DataError
from tinynet.files.images import decode_colors, decode_values
from tinynet.text.wording import format_list
from tinynet.types import Array

MAX_VALUES = 256
"""Most values that are accepted as classes without ``mask_values``."""

IGNORED = "ignored"
"""The name of the class of ignored pixels."""


@dataclass(frozen=True)
class MaskCode:
    """The code of masks: the pixel value of each class, in order of the classes.

    Attributes:
        classes: Names of the classes.
        values: The pixel value of each class.
        ignored: Pixel values that do not count; they have a class of their own, the last one.
        colors: True if values are colors, 0xRRGGBB.
        nearest: True if other pixel values stand for the nearest of these.
        palette: The color of each value, if the values are indices of palettes.
    """

    classes: tuple[str, ...]
    values: tuple[int, ...]
    ignored: tuple[int, ...]
    colors: bool
    nearest: bool = False
    palette: Mapping[int, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all indices, that of ignored pixels included."""
        return (*self.classes, IGNORED) if self.ignored else self.classes

    @property
    def border(self) -> int:
        """The index of pixels outside of the mask."""
        return len(self.values) if self.ignored else 0

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest dtype of the indices."""
        return np.dtype(np.uint8 if len(self.names) <= 256 else np.uint16)

    @property
    def shown_values(self) -> list[JsonValue]:
        """The pixel value of each class as a spec has it."""
        return [show_value(v, self.colors) if self.colors else v for v in self.values]

    @property
    def identity(self) -> dict[str, JsonValue]:
        """All that the class indices of given masks depend on."""
        code = asdict(self)
        del code["palette"]
        if not self.nearest:  # as before the option existed
            del code["nearest"]
        return code

    @property
    def inferred(self) -> dict[str, JsonValue]:
        """The values, and their colors in palettes, for the spec of a run."""
        values: dict[str, JsonValue] = {"mask_values": self.shown_values}
        if self.palette:
            values["palette"] = {str(v): show_value(c, True) for v, c in self.palette.items()}
        return values

    def describe(self, shares: Array) -> list[str]:
        """Return name, pixel value and share of pixels of each class."""
        ignored = ", ".join(show_value(value, self.colors) for value in self.ignored)
        values = [*map(str, self.shown_values), ignored]
        return [
            f"{name} ({'' if name == value else f'value {value}, '}{show_share(share)})"
            for name, value, share in zip(self.names, values, shares.tolist(), strict=False)
        ]

    def shares(self, contents: Iterable[MaskContent]) -> Array:
        """Return the share of pixels of each class, that of ignored pixels included."""
        counts = np.zeros(len(self.names))
        for content in contents:
            np.add.at(counts, self.indices(content.path, content.values), content.counts)
        shares: Array = counts / max(counts.sum(), 1)
        return shares

    def read(self, path: str) -> Array:
        """Return the class index of each pixel of a mask, (H, W).

        Raises:
            DataError: for a file that cannot be read, and for values of no class.
        """
        return self.indices(path, _pixels(path, self.colors))

    def indices(self, path: str, pixels: Array) -> Array:
        """Return the class index of each pixel of a mask, in any shape.

        Raises:
            DataError: for values of no class.
        """
        known = np.array([*self.values, *self.ignored])
        if self.nearest:
            distinct, inverse = np.unique(pixels, return_inverse=True)
            pixels = known[_nearest(distinct, known, self.colors)][inverse].reshape(pixels.shape)
        order = np.argsort(known, kind="stable")
        place = np.minimum(np.searchsorted(known[order], pixels), len(known) - 1)
        positions = order[place]
        if unknown := np.unique(pixels[known[positions] != pixels]).tolist():
            shown = format_list([show_value(value, self.colors) for value in unknown])
            raise DataError(f"{path} has pixels of no class: {shown}")
        return np.minimum(positions, len(self.values)).astype(self.dtype)


def _nearest(values: Array, known: Array, colors: bool) -> Array:
    """Return the position of the known value that is nearest to each value."""
    best = np.zeros(len(values), np.intp)
    lowest = np.full(len(values), np.iinfo(np.int64).max)
    for position, value in enumerate(known):
        difference = channels(values, colors) - channels(value, colors)
        distance = (difference**2).sum(axis=-1)
        best = np.where(distance < lowest, position, best)
        lowest = np.minimum(lowest, distance)
    return best


def _pixels(path: str, colors: bool) -> Array:
    if colors:
        return decode_colors(path)
    pixels, are_colors = decode_values(path)
    if are_colors:
        raise DataError(f'{path} holds colors; name them in "mask_values", as "#ff0000"')
    return pixels


def uses_colors(values: Sequence[PixelValue] | None, ignored: Sequence[PixelValue]) -> bool | None:
    """Return True if pixel values of a spec are colors; None if there are none."""
    given = [*(values or ()), *ignored]
    return any(isinstance(value, str) for value in given) if given else None


def mask_code(
    masks: str,
    contents: Sequence[MaskContent],
    classes: tuple[str, ...] | None,
    values: Sequence[PixelValue] | None,
    ignored: Sequence[PixelValue],
    nearest: bool = False,
) -> MaskCode:
    """Return the code of masks, inferred from their content where the spec does not give it.

    Without ``values``, each value in the masks is a class, in ascending order; with names of
    classes, values below their number are their indices.

    Raises:
        DataError: listing values that cannot be classes, with the masks that hold them.
    """
    colors = _are_colors(masks, contents)
    outside = tuple(_number(value) for value in ignored)
    present = _occurrences(contents)
    found = sorted(set(present).difference(outside))
    if values is not None:
        numbers = [_number(value) for value in values]
        if wrong := [value for value in found if not nearest and value not in numbers]:
            named = f'"mask_values": {json.dumps(list(values))}'
            raise DataError(_unknown(masks, wrong, present, colors, named))
    elif classes is not None and found and not colors and found[-1] < len(classes):
        numbers = list(range(len(classes)))
    else:
        numbers = found
        _require_classes(masks, found, classes, present, contents, colors)
        require_clear_values(masks, contents, found, colors)
    names = classes or tuple(show_value(value, colors) for value in numbers)
    if outside and IGNORED in names:
        raise DataError(
            f'a class of the masks in {masks} is named "{IGNORED}", as that of the pixels to'
            ' "ignore"; give it another name'
        )
    palette = {v: color for content in contents for v, color in content.palette.items()}
    return MaskCode(names, tuple(numbers), outside, colors, nearest, palette)


def _are_colors(masks: str, contents: Sequence[MaskContent]) -> bool:
    colored = [os.path.relpath(one.path, masks) for one in contents if one.colors]
    if colored and len(colored) < len(contents):
        gray = [os.path.relpath(one.path, masks) for one in contents if not one.colors]
        raise DataError(
            f"some masks in {masks} hold colors ({format_list(colored)}), and others gray values or"
            f" palette indices ({format_list(gray)}); name the colors of the classes:"
            ' "mask_values": ["#000000", "#ffffff"]'
        )
    return bool(colored)


def _occurrences(contents: Iterable[MaskContent]) -> dict[int, list[str]]:
    """Return the masks in which each value occurs, for a limited number of values."""
    masks: dict[int, list[str]] = {}
    for content in contents:
        for value in content.values.tolist():
            if value in masks or len(masks) <= 4 * MAX_VALUES:
                masks.setdefault(value, []).append(content.path)
    return masks


def _require_classes(
    masks: str,
    found: Sequence[int],
    classes: tuple[str, ...] | None,
    present: Mapping[int, Sequence[str]],
    contents: Sequence[MaskContent],
    colors: bool,
) -> None:
    """Require values that were found to be as many as the classes."""
    if len(found) > MAX_VALUES or not found:
        count = f"more than {MAX_VALUES}" if found else "no"
        raise DataError(
            f"the masks in {masks} have {count} different pixel values, apart from ignored ones; a"
            f" mask has one value for each class: {nearest_remedy(contents, colors)}"
        )
    if classes is not None and len(found) != len(classes):
        named = f'the {len(classes)} "classes": {format_list(classes)}'
        raise DataError(_unknown(masks, found, present, colors, named))


def _unknown(
    masks: str,
    values: Sequence[int],
    present: Mapping[int, Sequence[str]],
    colors: bool,
    named: str,
) -> str:
    shown = [
        f"{show_value(value, colors)} (in {os.path.relpath(present[value][0], masks)}"
        + (f" and {len(present[value]) - 1:,} more)" if len(present[value]) > 1 else ")")
        for value in values
    ]
    example: PixelValue = show_value(values[-1], colors) if colors else values[-1]
    return (
        f"the masks in {masks} have the pixel values {format_list(shown)}, which do not match"
        f' {named}; give the value of each class in "mask_values", and values that do not count in'
        f' "ignore": {json.dumps([example])}; "nearest": true, with "mask_values", rounds other'
        " values, as JPEG leaves them"
    )


def _number(value: PixelValue) -> int:
    if isinstance(value, str):
        assert re.match(COLOR, value)
        return int(value[1:], 16)
    return value
