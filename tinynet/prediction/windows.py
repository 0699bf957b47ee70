"""Windows over the rows of an input, as prediction needs them: the last ends with the last row."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.prediction.raw_inputs import InputFile, RawInputs
from tinynet.spec.windows_spec import WindowsSpec
from tinynet.types import Array


def row_fields(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Return the fields of one row, for the fields of windows."""
    return {name: replace(field, shape=field.shape[1:]) for name, field in fields.items()}


def are_windows(x: Any, fields: Mapping[str, Field]) -> bool:
    """Return True for arrays in memory that hold windows already, (N, length, ...)."""
    arrays = x if isinstance(x, Mapping) else dict.fromkeys(fields, x)
    try:
        return all(
            np.ndim(arrays[name]) == 1 + len(field.shape)
            for name, field in fields.items()
            if name in arrays
        )
    except ValueError:  # rows of different lengths, which are reported later
        return False


def cut_windows(rows: RawInputs, windows: WindowsSpec) -> RawInputs:
    """Return the windows over the rows of each file, or over all of them in memory.

    Number and kept columns of a window are those of its last row.
    """
    start, steps, files = 0, list[Array](), list[InputFile]()
    for file in rows.files or [InputFile("the input", len(rows), is_image=False)]:
        own = steps_of_windows(file.samples, windows, file.name)
        steps.append(start + own)
        files.append(replace(file, samples=len(own), is_image=False))
        start += file.samples
    chosen = np.concatenate(steps)
    arrays = {name: array[chosen] for name, array in rows.arrays.items()}
    last = chosen[:, -1]
    kept = {name: [column[row] for row in last.tolist()] for name, column in rows.kept.items()}
    identity = ("file", "sample") if len(files) > 1 else ("sample",)
    own_files = tuple(files) if rows.files else ()
    return RawInputs(arrays, rows.rows[last], own_files, kept=kept, identity=identity)


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
