"""An .npy file that is written row by row, before the number of rows is known."""

import os
from typing import IO, Any

import numpy as np

from tinynet.types import Array, Shape

_HEADER = 128
"""Bytes of the header; a multiple of 64, with room for any number of rows."""


class NpyWriter:
    """An open .npy file (N, *shape); its header is complete when it is finished."""

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any], shape: Shape) -> None:
        self._file, self._dtype, self._shape = file, dtype, shape
        self.rows = 0
        file.write(bytes(_HEADER))

    def write(self, rows: Array) -> None:
        """Append rows (N, *shape)."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self.rows += len(rows)

    def finish(self) -> None:
        """Write the header, and make the content durable."""
        fields = {
            "descr": self._dtype.str,
            "fortran_order": False,
            "shape": (self.rows, *self._shape),
        }
        text = repr(fields).encode("latin-1")
        start = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
        self._file.seek(0)
        self._file.write(start + text.ljust(_HEADER - 11) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
