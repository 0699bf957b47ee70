"""Windows of a text, each with the same window one position later as its target."""

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field
from xxhash import xxh3_128

from tinynet import dataset
from tinynet.dataset import Batch, DatasetConfig, FilePath
from tinynet.errors import DataError
from tinynet.files.utf8 import code_points, decoded_blocks, read_bytes
from tinynet.text.mistakes import AlsoCalled
from tinynet.types import Array

BYTE_NAMES = tuple(chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}" for b in range(256))
"""Names of the bytes: the character for printable ASCII, else ``\\x0a``."""

_LINE_FEED = ord("\n")


class Text:
    """Windows of a UTF-8 file: input (T,), and as its target (T,) the value after each position.

    Values are code points, int32, or bytes, uint8; bytes are classes. Window i starts at position
    i * stride, and the end of the file that fills no window is left out. The file may be gzipped;
    a byte order mark is skipped, and line ends are kept as they are.

    Raises:
        DataError: naming file, line and column of a byte that is not UTF-8, and for a file that is
            shorter than a window.
    """

    example: ClassVar = {"path": "alice.txt", "length": 128}

    class Config(DatasetConfig):
        """Parameters of `text`."""

        path: FilePath = Field(description="The text file, in UTF-8.")
        length: Annotated[
            int, AlsoCalled(("sequence_length", "seq_length", "window", "block_size"))
        ] = Field(ge=1, description="Positions in a window, T.")
        stride: Annotated[int | None, AlsoCalled(("step", "shift"))] = Field(
            default=None,
            ge=1,
            description="Positions from the start of one window to that of the next; by default"
            " `length`, so that windows do not overlap.",
        )
        unit: Literal["character", "byte"] = Field(
            default="character",
            description="'character': values are Unicode code points. 'byte': values are the bytes"
            " of UTF-8.",
        )

    def __init__(self, config: Config) -> None:
        content = read_bytes(config.path)
        self._values = _values(config.path, content, config.unit)
        self._path, self._stride = config.path, _stride(config)
        self._windows = _windows(config, config.path, self._values, config.length + 1)
        self._field = dataset.Field(
            (config.length,),
            "int32" if config.unit == "character" else "uint8",
            classes=None if config.unit == "character" else BYTE_NAMES,
            text_unit=config.unit,
        )
        self.inputs = {"input": self._field}
        self.targets = {"target": self._field}
        digest = xxh3_128(json.dumps([config.unit, config.length, self._stride]).encode())
        digest.update(content)
        self.fingerprint = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._windows)

    def gather(self, indices: Array) -> Batch:
        """Return the windows at ``indices`` (N,), in arrays of the caller's own."""
        rows = self._windows[np.asarray(indices)]
        inputs, targets = rows[:, :-1], rows[:, 1:]
        dtype = self._field.dtype
        return Batch({"input": inputs.astype(dtype)}, {"target": targets.astype(dtype)})

    def where(self, index: int) -> str:
        """File, line and column of the start of a window."""
        before = self._values[: index * self._stride]
        ends = np.flatnonzero(before == _LINE_FEED)
        column = len(before) - (int(ends[-1]) + 1 if len(ends) else 0) + 1
        return f"{self._path}, line {len(ends) + 1}, column {column}"

    input_endings = (".txt",)

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Cut a file into windows as in training; the end that fills no window is left out."""
        values = _values(path, read_bytes(path), config.unit)
        windows = _windows(config, path, values, config.length)
        return {"input": windows.astype(fields["input"].dtype)}


def _values(path: str, content: bytes, unit: str) -> Array:
    """Return the values of a text, (positions,)."""
    if unit == "character":
        return code_points(path, content)
    if not content.isascii():
        for _ in decoded_blocks(path, content):  # it raises an error for what is not UTF-8
            pass
    return np.frombuffer(content, np.uint8)


def _stride(config: Text.Config) -> int:
    return config.length if config.stride is None else config.stride


def _windows(config: Text.Config, path: str, values: Array, length: int) -> Array:
    """Return a view of the windows of some length, (N, length)."""
    if len(values) < length:
        target = " and one more as its target" if length > config.length else ""
        raise DataError(
            f"{path} has {len(values):,} {config.unit}s, but a window needs {config.length:,}"
            f'{target}; give a longer text, or reduce "length"'
        )
    return sliding_window_view(values, length)[:: _stride(config)]
