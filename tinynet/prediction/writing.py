"""Predictions as files, written part by part: .csv, .jsonl, .npz, or class maps as PNG files.

A file appears under its name only when it is complete.
"""

import csv
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np

from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import WriteAt, replacing_output
from tinynet.prediction.predictions import Predictions
from tinynet.types import Array


def write_predictions(predictions: Predictions | Iterable[Predictions], path: Path) -> int:
    """Write predictions, or parts of them, to a .csv, .jsonl or .npz file, by its name's ending.

    Another existing file than an input is replaced.

    Returns:
        The number of samples.

    Raises:
        DataError: for another ending, and for a file that is an input of the predictions.
        CheckpointIOError: if the file cannot be written; an existing file is then unchanged.
    """
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        raise DataError(f"{path}: predictions are written as {', '.join(WRITERS)}")
    parts = [predictions] if isinstance(predictions, Predictions) else predictions
    samples = 0

    def counted() -> Iterator[Predictions]:
        nonlocal samples
        for part in parts:
            for file in part.files:
                _refuse_input(path, file.name)
            yield part
            samples += len(part)

    with explaining_io(path), replacing_output(path) as write_at:
        write(counted(), Stream(write_at))
    return samples


def _refuse_input(path: Path, source: str) -> None:
    """Raise `DataError` if predictions would replace the file that they belong to."""
    if path.exists() and os.path.exists(source) and os.path.samefile(path, source):
        raise DataError(f"the predictions of {source} would replace it; name another file")


class Stream(io.RawIOBase):
    """A file that is written from its start to its end."""

    def __init__(self, write_at: WriteAt) -> None:
        super().__init__()
        self._write_at = write_at
        self._position = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Append bytes; return their number."""
        view = memoryview(data).cast("B")
        self._write_at(self._position, view)
        self._position += len(view)
        return len(view)


def _write_csv(parts: Iterable[Predictions], stream: Stream) -> None:
    for number, part in enumerate(parts):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not number:
            writer.writerow(part.columns)
        writer.writerows(part.rows())
        # Names of files may be invalid Unicode.
        stream.write(text.getvalue().encode(errors="backslashreplace"))


def _write_jsonl(parts: Iterable[Predictions], stream: Stream) -> None:
    for part in parts:
        lines = (json.dumps(record, allow_nan=False) + "\n" for record in part.records())
        stream.write("".join(lines).encode())


def _write_npz(parts: Iterable[Predictions], stream: Stream) -> None:
    classes: dict[str, Array] = {}
    with ExitStack() as stack:
        columns: dict[str, _Column] = {}
        for part in parts:
            classes = part.classes_by_name()
            for name, array in part.sample_arrays().items():
                if name not in columns:
                    columns[name] = _Column(stack.enter_context(tempfile.TemporaryFile()))
                columns[name].append(array)
        with zipfile.ZipFile(stream, "w") as archive:
            for name, array in classes.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
            for name, column in columns.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    column.write(member)


class _Column:
    """The parts of an array, (N, ...), in a temporary file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._parts = 0
        self._samples = 0
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] | None = None

    def append(self, array: Array) -> None:
        """Add a part."""
        np.lib.format.write_array(self._file, np.ascontiguousarray(array), allow_pickle=False)
        self._parts += 1
        self._samples += len(array)
        self._shape = array.shape[1:]
        # Texts have different lengths, and columns with gaps may hold integers at first.
        self._dtype = array.dtype if self._dtype is None else np.result_type(self._dtype, array)

    def write(self, member: IO[bytes]) -> None:
        """Write the whole array in NumPy's format."""
        assert self._dtype is not None
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._samples, *self._shape),
        }
        np.lib.format.write_array_header_2_0(member, header)
        self._file.seek(0)
        for _ in range(self._parts):
            array = np.lib.format.read_array(self._file, allow_pickle=False)
            member.write(array.astype(self._dtype).tobytes())


WRITERS: dict[str, Callable[[Iterable[Predictions], Stream], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".npz": _write_npz,
}
"""The function that writes a file, by the ending of its name."""
