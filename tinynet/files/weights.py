"""Files of weights for other tools: .npz and .safetensors, without pickle.

Each holds named arrays and a note, which is JSON: in an .npz file as bytes in the array
``__tinynet__``; in a .safetensors file in the metadata under ``tinynet``. Equal content gives equal
bytes.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import JsonValue

from tinynet.errors import DataError, explaining_io
from tinynet.files.array_header import ArrayHeader
from tinynet.files.atomic import WriteAt, replacing_output
from tinynet.files.npy import read_npz, read_npz_headers
from tinynet.files.regular import open_file
from tinynet.text.options import option
from tinynet.types import Array

MAX_HEADER = 1 << 24
"""Bytes of the header of a .safetensors file, enough for 100,000 tensors."""

_NPZ_NOTE = "__tinynet__"
_SAFETENSORS_NOTE = "tinynet"

_SAFETENSORS_DTYPES = {
    "BOOL": "bool",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}


_BFLOAT16 = "BF16"

_TORCH = 'safetensors.torch.save_file(model.state_dict(), "weights.safetensors")'
_KERAS = 'numpy.savez("weights.npz", **{w.path: w.numpy() for w in model.weights})'
_FOREIGN = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt"), ("PyTorch", _TORCH, "safetensors", "torch")),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), ("Keras", _KERAS, "npz", "keras")),
}
"""The framework of other files of weights, the line that writes a readable one, and its options."""

_FOREIGN_STARTS = b"PK\x03\x04", b"\x80\x02", b"\x89HDF"
"""The first bytes of zip archives, pickles and HDF5 files."""


class WeightFile(Protocol):
    """A file of named arrays."""

    def headers(self) -> dict[str, ArrayHeader]:
        """Return the shape and dtype of each array, also of those that cannot be read."""

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """Return some of the arrays; check their headers first."""

    def write(self, arrays: Mapping[str, Array], note: JsonValue) -> None:
        """Replace the file atomically."""


def is_weight_file(path: Path) -> bool:
    """Return True for the name of a file of weights, which need not exist."""
    return path.suffix.lower() in (".npz", ".safetensors")


def refuse_foreign(path: Path) -> None:
    """Raise a `DataError` for a file of another framework that is not read, with a remedy."""
    kind = path.suffix.lower()
    if kind not in _FOREIGN or not path.is_file():
        return
    with explaining_io(path), open_file(str(path)) as raw:
        if not raw.read(4).startswith(_FOREIGN_STARTS):
            return
    framework, line, ending, layout = _FOREIGN[kind]
    raise DataError(
        f"{path} is a file of {framework}, which is not read; write the weights in Python with"
        f" {line}, and give weights.{ending} with"
        f" {option(f'--layout {layout}', f'layout={layout!r}')}"
    )


def open_weights(path: Path) -> WeightFile:
    """Return a file of the kind of its suffix; it need not exist.

    Its methods raise `DataError` for a missing or damaged file, and `CheckpointIOError` if it
    cannot be written.

    Raises:
        DataError: for another suffix, or if the package for the kind is not installed.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return _Npz(path)
    if kind == ".safetensors":
        return _Safetensors(path)
    raise DataError(f"{path}: weights are in .npz or .safetensors files")


class _Npz:
    def __init__(self, path: Path) -> None:
        self._path = path

    def headers(self) -> dict[str, ArrayHeader]:
        return {
            name: ArrayHeader.read(f"{self._path}, array {name!r}", shape, dtype.name)
            for name, (shape, dtype) in read_npz_headers(str(self._path)).items()
            if name != _NPZ_NOTE
        }

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        return read_npz(str(self._path), names, of_samples=False)

    def write(self, arrays: Mapping[str, Array], note: JsonValue) -> None:
        text = np.frombuffer(_text(note).encode(), np.uint8)
        with (
            explaining_io(self._path),
            replacing_output(self._path) as write_at,
            zipfile.ZipFile(_Stream(write_at), "w") as file,
        ):
            for name, array in {**arrays, _NPZ_NOTE: text}.items():
                # Without a date, which would make the bytes of every file differ.
                member = zipfile.ZipInfo(f"{name}.npy")
                with file.open(member, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)


class _Stream(RawIOBase):
    """The file object that `zipfile` appends to."""

    def __init__(self, write_at: WriteAt) -> None:
        self._write_at = write_at
        self._position = 0

    def write(self, data: Any) -> int:
        self._write_at(self._position, data)
        self._position += len(data)
        return len(data)


class _Safetensors:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            import safetensors.numpy
        except ImportError as error:
            raise DataError(
                f"{path}: .safetensors files need a package: pip install safetensors"
            ) from error
        self._package = safetensors

    def headers(self) -> dict[str, ArrayHeader]:
        with self._opened() as file:
            return {name: self._header(name, file) for name in file.keys()}  # noqa: SIM118

    def _header(self, name: str, file: Any) -> ArrayHeader:
        header = file.get_slice(name)
        dtype = header.get_dtype()
        shape = tuple(header.get_shape())
        known = {**_SAFETENSORS_DTYPES, _BFLOAT16: "bfloat16"}
        return ArrayHeader.read(self._place(name), shape, known.get(dtype, dtype))

    def _place(self, name: str) -> str:
        return f"{self._path}, tensor {name!r}"

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        required = tuple(names)
        with self._opened() as file:
            for name in required:
                dtype = file.get_slice(name).get_dtype()
                if dtype not in _SAFETENSORS_DTYPES and dtype != _BFLOAT16:
                    raise DataError(
                        f"{self._place(name)} has dtype {dtype}, which NumPy does not have; F32 or"
                        " F64 is expected"
                    )
            half = [n for n in required if file.get_slice(n).get_dtype() == _BFLOAT16]
            arrays = {name: file.get_tensor(name) for name in required if name not in half}
        arrays |= self._read_bfloat16(half) if half else {}
        return {name: arrays[name] for name in required}

    def _read_bfloat16(self, names: Iterable[str]) -> dict[str, Array]:
        """Return tensors of bfloat16, which NumPy does not have, as float32: the same numbers.

        The package has checked the header.
        """
        arrays: dict[str, Array] = {}
        with explaining_io(self._path), open_file(str(self._path)) as raw:
            size = int.from_bytes(raw.read(8), "little")
            header = json.loads(raw.read(size))
            for name in names:
                start, end = header[name]["data_offsets"]
                raw.seek(8 + size + start)
                upper = np.frombuffer(raw.read(end - start), "<u2").astype(np.uint32)
                arrays[name] = (upper << 16).view(np.float32).reshape(header[name]["shape"])
        return arrays

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with open_file(str(self._path)) as raw:
                announced = int.from_bytes(raw.read(8), "little")
                if announced > MAX_HEADER:
                    raise DataError(
                        f"{self._path} announces a header of {announced:,} bytes; at most"
                        f" {MAX_HEADER:,} are read"
                    )
                with self._package.safe_open(self._path, framework="numpy") as file:
                    yield file
        except self._package.SafetensorError as error:
            raise DataError(
                f"{self._path} is not a .safetensors file, or is damaged: {error}"
            ) from error

    def write(self, arrays: Mapping[str, Array], note: JsonValue) -> None:
        # The package reads the arrays' memory in C order.
        contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        data = self._package.numpy.save(contiguous, {_SAFETENSORS_NOTE: _text(note)})
        with explaining_io(self._path), replacing_output(self._path) as write_at:
            write_at(0, data)


def _text(note: JsonValue) -> str:
    return json.dumps(note, sort_keys=True, allow_nan=False)
