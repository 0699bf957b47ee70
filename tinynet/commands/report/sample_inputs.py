"""The inputs of single samples as pictures, text, cells and small charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinynet.commands.report.charts import Line, LineChart, Picture
from tinynet.commands.report.png import is_image, picture, to_pixels, value_range
from tinynet.commands.report.regression import rounded
from tinynet.dataset import TEXT, Field
from tinynet.types import Array

MAX_TEXT = 400
"""Characters of a text that are shown."""

MAX_COLUMNS = 12
"""Columns of a table that are shown."""

MAX_STEPS = 64
"""Steps of a series that are drawn; of longer ones, every n-th."""

MAX_SERIES = 4
"""Series of a sample that are drawn, if none of them is that of the target."""


@dataclass(frozen=True)
class ShownInput:
    """The inputs of one sample.

    Attributes:
        pictures: The images.
        text: The texts.
        cells: The values of the columns.
        lines: The series, over steps from -T + 1 to 0.
    """

    pictures: tuple[Picture, ...]
    text: str
    cells: tuple[str, ...]
    lines: tuple[Line, ...]


class InputsOfSamples:
    """The inputs of some samples, (N, ...) each, as they are in the data.

    Attributes:
        columns: The names of the cells of each sample.
    """

    def __init__(
        self, arrays: Mapping[str, Array], raw: Mapping[str, Field], ready: Mapping[str, Field]
    ) -> None:
        """Prepare.

        Args:
            arrays: The raw inputs by name.
            raw: Their fields.
            ready: Their fields after preprocessing, which name the values of indices.
        """
        self._arrays, self._raw, self._ready = arrays, raw, ready
        self._images = {n: value_range(a) for n, a in arrays.items() if is_image(raw[n].shape)}
        self._columns = [column for name in arrays for column in self._columns_of(name)]
        self.columns = tuple(name for name, _ in self._columns[:MAX_COLUMNS])

    def _columns_of(self, name: str) -> list[tuple[str, list[str]]]:
        """Return the columns of an input, each with the text of every sample."""
        field, array = self._raw[name], self._arrays[name]
        if field.dtype == TEXT or name in self._images:
            return []
        if not field.shape:
            return [(name, [_index_text(field, value) for value in array.tolist()])]
        if len(field.shape) > 1 or not (field.names or field.shape[0] <= MAX_COLUMNS):
            return []
        if field.names is None:
            return [] if field.text_unit or self._is_sequence(name) else _numbered(name, array)
        return _named(field, array)

    def _is_sequence(self, name: str) -> bool:
        field = self._raw[name]
        return field.padding is not None or (
            field.classes is not None or np.dtype(self._ready[name].dtype).kind in "iu"
        )

    def __getitem__(self, sample: int) -> ShownInput:
        pictures, texts, lines = [], [], []
        for name, array in self._arrays.items():
            field, value = self._raw[name], array[sample]
            if name in self._images:
                pixels = to_pixels(value, self._images[name])
                caption = name if len(self._images) > 1 else ""
                pictures.append(picture(pixels, f"{name} of the sample", caption))
            elif field.dtype == TEXT:
                texts += [str(part) for part in np.atleast_1d(value)]
            elif len(field.shape) == 1 and self._shown_as_text(name):
                texts.append(sequence_text(value, field, self._ready[name]))
            elif len(field.shape) in (1, 2) and field.shape[0] > MAX_COLUMNS:
                lines += series_lines(value, field, name)
        cells = tuple(texts_of[sample] for _, texts_of in self._columns[:MAX_COLUMNS])
        return ShownInput(tuple(pictures), shortened("\n".join(texts)), cells, tuple(lines))

    def _shown_as_text(self, name: str) -> bool:
        field = self._raw[name]
        return field.names is None and bool(field.text_unit or self._is_sequence(name))


def _numbered(name: str, array: Array) -> list[tuple[str, list[str]]]:
    return [
        (f"{name} {k + 1}", [number_text(value) for value in array[:, k].tolist()])
        for k in range(array.shape[1])
    ]


def _named(field: Field, array: Array) -> list[tuple[str, list[str]]]:
    """Return the columns of named features; those of the categories of a column are one."""
    assert field.names is not None
    columns: dict[str, list[str]] = {}
    flags = field.indicators or (False,) * len(field.names)
    for k, (feature, is_flag) in enumerate(zip(field.names, flags, strict=True)):
        column, equals, category = feature.partition("=")
        if not (is_flag and equals):
            columns[feature] = [number_text(value) for value in array[:, k].tolist()]
            continue
        texts = columns.setdefault(column, [""] * len(array))
        columns[column] = [
            category if held else text for held, text in zip(array[:, k] > 0, texts, strict=True)
        ]
    return list(columns.items())


def series_lines(value: Array, field: Field, name: str) -> list[Line]:
    """Return the series of a sample, (T,) or (T, F), over steps that end at 0."""
    rows = np.asarray(value, np.float64).reshape(len(value), -1)
    names = field.names if field.names and len(field.names) == rows.shape[1] else None
    chosen = np.unique(np.linspace(0, len(rows) - 1, MAX_STEPS).astype(np.int64))
    steps = tuple(map(float, chosen - len(rows) + 1))
    lines = []
    for k in range(rows.shape[1]):
        title = names[k] if names else name if rows.shape[1] == 1 else f"{name} {k + 1}"
        lines.append(Line(title, steps, tuple(rounded(rows[chosen, k]).tolist())))
    return lines


def series_chart(lines: Sequence[Line], title: str) -> LineChart | None:
    """Return a small chart of series; None without one."""
    return LineChart(title, "step", "", tuple(lines)) if lines else None


def sequence_text(value: Array, raw: Field, ready: Field) -> str:
    """Return a sequence of indices, (T,), as text, without padding at its end."""
    indices = np.asarray(value).tolist()
    if raw.padding is not None:
        indices = [index for index in indices if index != raw.padding]
    if raw.text_unit == "character":
        return "".join(map(chr, indices))
    if raw.text_unit == "byte":
        return bytes(indices).decode(errors="replace")
    names = raw.classes or ready.classes
    if names is not None:
        return " ".join(names[i] if 0 <= i < len(names) else str(i) for i in indices)
    return " ".join(map(str, indices))


def shortened(text: str) -> str:
    """Return a text of at most `MAX_TEXT` characters."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT].rstrip()}…"


def number_text(value: float) -> str:
    """Return a number with 5 significant digits: ``3450``, ``0.03125``, ``1.2e-07``."""
    if value != value:
        return "missing"
    if float(value).is_integer() and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.5g}"


def _index_text(field: Field, value: float) -> str:
    if field.classes is not None and 0 <= value < len(field.classes):
        return field.classes[int(value)]
    return number_text(value)
