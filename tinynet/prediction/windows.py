"""Windows over the rows of an input, as prediction needs them: the last ends with the last row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from tinynet.data.columns import group_codes, require_values, sort_keys
from tinynet.data.runs import runs_of, short_series, source_steps
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction.raw_inputs import RawInputs, join_inputs
from tinynet.spec.data_spec import DataSpec, SortedOrder
from tinynet.spec.windows_spec import WindowsSpec
from tinynet.text.wording import format_list
from tinynet.types import Array


def row_fields(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Return the fields of one row, for the fields of windows."""
    return {name: replace(field, shape=field.shape[1:]) for name, field in fields.items()}


def are_windows(x: Any, fields: Mapping[str, Field]) -> bool:
    """Return True for arrays in memory that hold windows already, (N, length, ...)."""
    arrays = x if isinstance(x, Mapping) else dict.fromkeys(fields, x)
    if not {*fields} <= {*arrays}:
        return False
    try:
        return all(np.ndim(arrays[name]) == 1 + len(field.shape) for name, field in fields.items())
    except ValueError:  # rows of different lengths, which are reported later
        return False


def columns_of_windows(data: DataSpec) -> list[str]:
    """Return the columns that order the rows, and that name their series."""
    order, windows = data.split.order, data.windows
    columns = [order.by] if isinstance(order, SortedOrder) else []
    return columns if windows is None or windows.by is None else [*columns, windows.by]


@dataclass(frozen=True)
class WindowCutter:
    """Cuts windows over the rows of each file, or over all rows in memory.

    Rows are sorted, and windows are those of one series, without rows that were left out, as in
    training. Rows of arrays, which have no columns, are one series in order.

    Attributes:
        data: The data of the model's spec.
        keep: The columns that the answers are to have.
        warn: Called with a warning.
        read_cells: Returns the values of a column that sorts or groups rows, by its name and cells.
    """

    data: DataSpec
    keep: Sequence[str]
    warn: Callable[[str], None]
    read_cells: Callable[[str, Sequence[Any]], Array]

    def cut(self, parts: Sequence[RawInputs]) -> RawInputs:
        """Return the windows; number and kept columns of each are those of its last row.

        Raises:
            DataError: for fewer rows than a window has.
        """
        by_file = groupby(parts, key=lambda part: part.files[0].number if part.files else 0)
        return join_inputs([self._cut_file(join_inputs([*own])) for _, own in by_file])

    def _cut_file(self, rows: RawInputs) -> RawInputs:
        place = rows.files[0].name if rows.files else "the input"
        chosen = self._steps(rows, place)
        last = chosen[:, -1].tolist()
        return RawInputs(
            {name: array[chosen] for name, array in rows.arrays.items()},
            rows.rows[last],
            tuple(replace(f, samples=len(chosen), is_image=False) for f in rows.files[:1]),
            kept={name: [rows.kept[name][row] for row in last] for name in self.keep},
            identity=rows.identity,
        )

    def _steps(self, rows: RawInputs, place: str) -> Array:
        """Return the rows of each window, (N, length), in the order of their last rows."""
        windows, order_spec = self.data.windows, self.data.split.order
        assert windows is not None
        key = order_spec.by if isinstance(order_spec, SortedOrder) else None
        if lacking := [name for name in (key, windows.by) if name and name not in rows.kept]:
            self.warn(
                f"{place} has no columns, such as {format_list(lacking)}, so its rows are taken as"
                " one series in order: the newest must be the last"
            )
            key = by = None
        else:
            by = windows.by
        keys = self._column(rows, key, "data.split.order.by")
        series = self._column(rows, by, "data.windows.by")
        order = np.arange(len(rows))
        if keys is not None:
            assert key is not None
            keys = sort_keys(keys, key, "data.split.order.by", rows.place)
            order = np.argsort(keys, kind="stable")
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(rows))
        codes = None if series is None else group_codes(series)
        own, lengths = runs_of(order, codes, self._source_steps(rows, key, by))
        counts = np.where(lengths < windows.rows, 0, 1)
        if not counts.any():
            most, runs = int(lengths.max()), "stretches without a gap"
            if by is not None:
                runs = f"series (by {by!r})"
            if len(lengths) > 1 or by is not None:
                place = f"{place}: the longest of {len(lengths):,} {runs}"
            steps_of_windows(most, windows, place)
        starts = np.cumsum(lengths) - lengths
        if series is not None and codes is not None:
            first = own[starts]
            if short := short_series(series[first], codes[first], lengths, counts):
                self.warn(f"{place}: {short}")
        steps = np.concatenate(
            [
                start + steps_of_windows(length, windows, place)
                for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
                if length >= windows.rows
            ]
        )
        chosen: Array = own[steps]
        return chosen[np.argsort(rank[chosen[:, -1]], kind="stable")]

    def _column(self, rows: RawInputs, name: str | None, key: str) -> Array | None:
        """Return the values of a column that sorts or groups rows, (N,)."""
        if name is None:
            return None
        values = self.read_cells(name, rows.kept[name])
        require_values(values, name, key, rows.place)
        return values

    def _source_steps(self, rows: RawInputs, key: str | None, by: str | None) -> Array | None:
        """Return the step of each row, as `source_steps` counts; None if no row was left out."""
        if not rows.left_out:
            return None
        numbers = np.concatenate([rows.rows, [number for number, _ in rows.left_out]])
        order = np.argsort(numbers, kind="stable")

        def column(name: str | None) -> Array | None:
            if name is None:
                return None
            cells = [*rows.kept[name], *(kept[name] for _, kept in rows.left_out)]
            values: Array = self.read_cells(name, cells)[order]
            return values

        def sort(keys: Array) -> Array:
            return sort_keys(keys, key or "", "data.split.order.by", "row {}".format)

        steps = np.empty(len(numbers), np.int64)
        steps[order] = source_steps(len(numbers), column(key), column(by), sort)
        of_rows: Array = steps[: len(rows)]
        return of_rows


def named_columns(columns: Mapping[str, Any], rows: int, place: str) -> dict[str, Sequence[Any]]:
    """Return columns as lists.

    Raises:
        DataError: for a column without one value for each row.
    """
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    for name, array in arrays.items():
        if array.shape != (rows,):
            raise DataError(
                f"{place}: {name!r} has shape {array.shape}; give one value for each of the"
                f" {rows:,} rows"
            )
    return {name: array.tolist() for name, array in arrays.items()}


def steps_of_windows(rows: int, windows: WindowsSpec, place: str) -> Array:
    """Return the rows of each window, (N, length); the last window ends with the last row.

    Args:
        rows: The number of rows.
        windows: The form of the windows.
        place: The origin of the rows, for messages.

    Raises:
        DataError: for fewer rows than a window has.
    """
    if rows < windows.rows:
        raise DataError(
            f"{place} has {rows:,} rows, but the model predicts from windows of {windows.rows:,};"
            f" give at least {windows.rows:,} rows, the newest last"
        )
    starts = np.arange(
        (rows - windows.rows) % windows.stride, rows - windows.rows + 1, windows.stride
    )
    steps: Array = starts[:, np.newaxis] + np.arange(windows.length) * windows.sampling_rate
    return steps
