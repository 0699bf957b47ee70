"""Windows over the rows of an input, as prediction needs them: the last ends with the last row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinynet.data.columns import group_codes, require_values, sort_keys
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction.raw_inputs import InputFile, RawInputs
from tinynet.spec.data_spec import DataSpec, SortedOrder
from tinynet.spec.windows_spec import WindowsSpec
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

    Rows are sorted, and windows are those of one series, as in training, if the rows have the
    columns for it; else the rows are one series in order.

    Attributes:
        data: The data of the model's spec.
        keep: The columns that the answers are to have.
        warn: Called with a warning.
    """

    data: DataSpec
    keep: Sequence[str]
    warn: Callable[[str], None]

    def cut(self, rows: RawInputs) -> RawInputs:
        """Return the windows; number and kept columns of each are those of its last row.

        Raises:
            DataError: for fewer rows than a window has.
        """
        start, steps, files = 0, list[Array](), list[InputFile]()
        for file in rows.files or [InputFile("the input", len(rows), is_image=False)]:
            own = self._steps(rows.part(start, start + file.samples), file.name)
            steps.append(start + own)
            files.append(replace(file, samples=len(own), is_image=False))
            start += file.samples
        chosen = np.concatenate(steps)
        last = chosen[:, -1].tolist()
        kept = {name: [rows.kept[name][row] for row in last] for name in self.keep}
        identity = ("file", "sample") if len(files) > 1 else ("sample",)
        return RawInputs(
            {name: array[chosen] for name, array in rows.arrays.items()},
            rows.rows[last],
            tuple(files) if rows.files else (),
            kept=kept,
            identity=identity,
        )

    def _steps(self, rows: RawInputs, place: str) -> Array:
        """Return the rows of each window, (N, length), in the order of their last rows."""
        windows = self.data.windows
        assert windows is not None
        order = self._order(rows, place)
        if windows.by is None or windows.by not in rows.kept:
            of_all: Array = order[steps_of_windows(len(rows), windows, place)]
            return of_all
        values = np.array(rows.kept[windows.by], object)
        require_values(values, windows.by, "data.windows.by", rows.place)
        codes = group_codes(values[order])
        series = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
        long = [positions for positions in series if len(positions) >= windows.rows]
        if not long:
            most = max(map(len, series))
            place = f"{place}: the longest of {len(series):,} series (by {windows.by!r})"
            steps_of_windows(most, windows, place)
        steps = np.concatenate(
            [positions[steps_of_windows(len(positions), windows, place)] for positions in long]
        )
        of_series: Array = order[steps[np.argsort(steps[:, -1], kind="stable")]]
        return of_series

    def _order(self, rows: RawInputs, place: str) -> Array:
        """Return the rows in the order of the split."""
        order = self.data.split.order
        if not isinstance(order, SortedOrder) or order.by not in rows.kept:
            return np.arange(len(rows))
        key = "data.split.order.by"
        values = np.array(rows.kept[order.by], object)
        require_values(values, order.by, key, rows.place)
        try:
            keys = sort_keys(values, order.by, key, rows.place)
        except DataError:
            self.warn(
                f"{place}: the dates in the column {order.by!r} are not written as YYYY-MM-DD, so"
                " rows are taken as they are: the newest must be the last"
            )
            return np.arange(len(rows))
        return np.argsort(keys, kind="stable")


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
