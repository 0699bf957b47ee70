"""Raw inputs of a model, from files or arrays in memory, checked as in training.

The dataset that the model was trained on reads a file by its own rules (delimiter, columns, names
of arrays), if it supports such files.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.builtin.datasets._arrays import Source, checked_inputs
from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.numpy_files import npy_source, npz_sources
from tinynet.dataset import Field, InputReader, Ranged
from tinynet.errors import DataError
from tinynet.files.nearby import suggest_path
from tinynet.prediction import images
from tinynet.prediction.windows import are_windows, row_fields, steps_of_windows
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.windows_spec import WindowsSpec
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.wording import format_list
from tinynet.types import Array

Warn = Callable[[str], None]


@dataclass(frozen=True)
class InputFile:
    """A file that inputs were read from."""

    name: str  # its path
    samples: int
    is_image: bool  # an image is one sample


@dataclass(frozen=True)
class RawInputs:
    """Inputs as a dataset returns them."""

    arrays: dict[str, Array]  # (N, *shape) each, by name
    files: tuple[InputFile, ...] = ()  # in order; none for arrays in memory

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def place(self, start: int, row: int = 0) -> str:
        """Return the file and the number of the sample that is ``row`` samples after ``start``."""
        sample = start + row
        for file in self.files:
            if sample < file.samples:
                place = f"{file.name}, sample {sample} (counted from 0)"
                return file.name if file.is_image else place
            sample -= file.samples
        return f"sample {sample} (counted from 0)"


@dataclass(frozen=True)
class Reader:
    """The reader of a model's raw inputs."""

    fields: Mapping[str, Field]  # the inputs in training, by name
    dataset: DataSpec | None  # of the model's spec
    warn: Warn
    resize: bool  # resize images to the size that the model was trained on

    def read(self, x: Any) -> RawInputs:
        """Read inputs, in one of the forms that `tinynet.prediction.model.Model.predict` takes.

        Raises:
            DataError: for a file that cannot be read, and for values, dtypes and shapes that do
                not fit the inputs of the training.
        """
        windows = None if self.dataset is None else self.dataset.windows
        if windows is None or are_windows(x, self.fields):
            return self._read(x)
        rows = replace(self, fields=row_fields(self.fields))._read(x)
        return _cut(rows, windows)

    def _read(self, x: Any) -> RawInputs:
        paths = [x] if _is_path(x) else x
        if not isinstance(paths, list | tuple) or not paths or not all(map(_is_path, paths)):
            return RawInputs(self._from_memory(x))
        files, parts = list[InputFile](), []
        for path, is_image in self._expanded(map(Path, paths)):
            part = self._convert(str(path), self._read_file(path, is_image))
            parts.append(part)
            files.append(InputFile(str(path), len(next(iter(part.values()))), is_image))
        pixels = [part for part, file in zip(parts, files, strict=True) if file.is_image]
        if pixels:
            self._warn_of_range(max(int(array.max()) for part in pixels for array in part.values()))
        arrays = parts[0]
        if len(parts) > 1:
            arrays = {name: np.concatenate([part[name] for part in parts]) for name in self.fields}
        return RawInputs(arrays, tuple(files))

    # Files ------------------------------------------------------------------------------------

    def _expanded(self, paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
        """Yield the files, also those in folders, each with True if it is an image."""
        for path in paths:
            if path.is_dir():
                yield from ((image, True) for image in _images_in(path, self.warn))
            elif not path.exists():
                near = suggest_path(path, "inputs", lambda entry: not entry.name.startswith("."))
                raise DataError(f"no such file: {path}{near}")
            else:
                yield path, _is_image(path) and not self._is_of_dataset(path)

    def _is_of_dataset(self, path: Path) -> bool:
        """Return True if the dataset reads files with this ending."""
        return self._dataset is not None and path.suffix.lower() in self._dataset.input_endings

    @property
    def _dataset(self) -> type[InputReader] | None:
        """The class of the dataset, if it can read inputs."""
        cls = self._dataset_class
        return cls if isinstance(cls, InputReader) else None

    @cached_property
    def _dataset_class(self) -> type[Any] | None:
        if self.dataset is None:
            return None
        return registry.default().load("datasets", self.dataset.type)

    def _read_file(self, path: Path, is_image: bool) -> dict[str, Array]:
        ending = path.suffix.lower()
        generic = is_image or ending in (".npy", ".npz", ".csv")
        if self._is_of_dataset(path) or (self._dataset is not None and not generic):
            return self._by_dataset(str(path))
        if ending == ".npz":
            return checked_inputs(npz_sources(str(path), self.fields), self.fields)
        if not generic:
            raise DataError(
                f"{path} cannot be read; inputs are .npy, .npz, .csv or image files"
                f" ({', '.join(images.ENDINGS)}), or folders of images"
            )
        if len(self.fields) != 1:
            raise DataError(
                f"{path}: the model has the inputs {', '.join(self.fields)}; give an .npz file with"
                " an array of each name"
            )
        ((name, field),) = self.fields.items()
        if is_image:
            image = images.read_image(str(path), field, resize=self.resize, warn=self.warn)
            return {name: image}
        if ending == ".csv":
            return {name: _read_csv(str(path), field)}
        return checked_inputs({name: npy_source(str(path))}, self.fields)

    def _by_dataset(self, path: str) -> dict[str, Array]:
        """Return a file's inputs, read by the model's dataset and validated."""
        dataset, reference = self._dataset, self.dataset
        assert dataset is not None
        assert reference is not None
        config = registry.default().config(reference)
        with PluginErrors(dataset, "read_inputs raised"):
            arrays = dataset.read_inputs(config, path, self.fields)
        named = isinstance(arrays, Mapping) and {*self.fields} <= {*arrays}
        if not named or not all(isinstance(array, np.ndarray) for array in arrays.values()):
            message = f"read_inputs must return arrays named {', '.join(self.fields)}"
            raise plugin_error(dataset, message)
        sources = {name: Source(arrays[name], path) for name in self.fields}
        return checked_inputs(sources, self.fields)

    def _warn_of_range(self, highest: int) -> None:
        """Warn if the model was trained on other pixel ranges than those of image files."""
        (field,) = self.fields.values()
        cls = self._dataset_class
        if isinstance(cls, Ranged) and highest > cls.pixel_range[1]:
            low, high = cls.pixel_range
            self.warn(
                f"pixels are up to {highest}, but the model was trained on pixels from {low} to"
                f" {high}; predictions are not reliable unless the images are saved in that range"
            )
        elif field.dtype != "uint8":
            self.warn(
                f"pixels of image files are 0 to 255, but the model was trained on {field.dtype}"
                " values, which may have another range; if so, give an .npy file instead"
            )

    # Memory -----------------------------------------------------------------------------------

    def _from_memory(self, x: Any) -> dict[str, Array]:
        if not isinstance(x, Mapping):
            if len(self.fields) != 1:
                raise DataError(
                    f"the model has the inputs {', '.join(self.fields)}; give a dict with an array"
                    " of each name"
                )
            x = dict.fromkeys(self.fields, x)
        if missing := [name for name in self.fields if name not in x]:
            noun = "input" if len(missing) == 1 else "inputs"
            held = format_list([repr(name) for name in x]) or "nothing"
            raise DataError(
                f"the {noun} {format_list([repr(name) for name in missing])} must be given, but the"
                f" dict holds {held}{self._instead(missing)}"
            )
        if unknown := [str(name) for name in x if name not in self.fields]:
            raise DataError(
                f"the model has no inputs {format_list(unknown)}; available:"
                f" {format_list([*self.fields])}"
            )
        sources = {
            name: Source(_array(name, x[name], field), f"the input {name!r}")
            for name, field in self.fields.items()
        }
        return self._convert("", checked_inputs(sources, self.fields))

    def _instead(self, missing: Sequence[str]) -> str:
        """Suggest the form of the only input of a model."""
        if len(self.fields) != 1:
            return ""
        columns = self.fields[missing[0]].names
        order = f" with the columns {format_list(columns)}, in this order" if columns else ""
        return f"; give {{{missing[0]!r}: x}} or x itself, an array{order}"

    # Values -----------------------------------------------------------------------------------

    def _convert(self, path: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {
            name: self._as_in_training(path or f"the input {name!r}", arrays[name], field)
            for name, field in self.fields.items()
        }

    def _as_in_training(self, place: str, array: Array, field: Field) -> Array:
        """Return an array in the dataset's dtype."""
        dtype = np.dtype(field.dtype)
        if array.dtype == dtype or dtype.kind not in "iuf":
            return array
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                converted = array.astype(dtype)
            if not np.isfinite(converted).all():
                largest = array.flat[np.abs(array).argmax()]
                raise DataError(f"{place} holds {largest}, which is too large for {dtype}")
            return converted
        info = np.iinfo(dtype)
        low, high = array.min(), array.max()
        if low < info.min or high > info.max:
            raise DataError(
                f"{place} holds {high if high > info.max else low}; the model was trained on"
                f" {dtype}, from {info.min:,} to {info.max:,}"
            )
        if array.dtype.kind == "f" and (array != np.floor(array)).any():
            self.warn(
                f"{place} holds fractions, but the model was trained on integers ({dtype}); give"
                " the values as they were before any scaling"
            )
            return array
        return array.astype(dtype)


def _cut(rows: RawInputs, windows: WindowsSpec) -> RawInputs:
    """Return the windows over the rows of each file, or over all of them in memory."""
    start, steps, files = 0, list[Array](), list[InputFile]()
    for file in rows.files or [InputFile("the input", len(rows), is_image=False)]:
        own = steps_of_windows(file.samples, windows, file.name)
        steps.append(start + own)
        files.append(replace(file, samples=len(own), is_image=False))
        start += file.samples
    chosen = np.concatenate(steps)
    arrays = {name: array[chosen] for name, array in rows.arrays.items()}
    return RawInputs(arrays, tuple(files) if rows.files else ())


def _is_path(x: Any) -> bool:
    return isinstance(x, str | os.PathLike)


def _images_in(folder: Path, warn: Warn) -> list[Path]:
    """Return the images of a folder, sorted by name."""
    files = [file for file in sorted(folder.iterdir()) if not file.name.startswith(".")]
    pictures = [file for file in files if _is_image(file) and file.is_file()]
    others = [file.name for file in files if file not in pictures]
    inside = [file for file in others if any(map(_is_image, (folder / file).glob("*")))]
    if not pictures and inside:
        paths = format_list([str(folder / name) for name in inside])
        raise DataError(f"{folder} is a folder without images; its subfolders have some: {paths}")
    if not pictures:
        raise DataError(
            f"{folder} is a folder without images ({', '.join(images.ENDINGS)});"
            f" it holds {format_list(others) or 'nothing'}"
        )
    if others:
        warn(f"{folder}: skipped files that are not images: {format_list(others)}")
    return pictures


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in images.ENDINGS


def _read_csv(path: str, field: Field) -> Array:
    """Read a table for a model that was not trained on one.

    Columns go by name, in any order, if the model's features have names; else by position, and
    the file has no header.
    """
    if len(field.shape) != 1:
        expected = "x".join(map(str, field.shape)) or "single"
        raise DataError(f"{path} is a table, but the model expects {expected} inputs")
    named = field.names is not None
    positions = tuple(map(str, range(field.shape[0])))
    config = CSV.Config(path=path, target=0, header=named)
    fields = {"input": field if named else replace(field, names=positions)}
    return CSV.read_inputs(config, path, fields)["input"]


def _conversion(array: Array) -> str:
    """Suggest a conversion of text or objects to numbers; empty if it would fail."""
    if array.dtype.kind not in "USO":
        return ""
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return ""
    return "; convert it: numpy.asarray(x, float)" if np.isfinite(numbers).all() else ""


def _array(name: str, values: Any, field: Field) -> Array:
    """Return a Python value as an array (N, *shape) of numbers."""
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        columns = f"[{[*field.names]}]" if field.names is not None else ""
        raise DataError(f"the input {name!r} is a DataFrame; give df{columns}.to_numpy()")
    if np.ma.isMaskedArray(values):
        if np.ma.getmaskarray(values).any():
            raise DataError(f"the input {name!r} has masked values; fill them with x.filled(value)")
        values = values.data
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"the input {name!r} is not an array: its rows differ in length") from error
    expected = f"({', '.join(('N', *map(str, field.shape)))})"
    if array.dtype.kind not in "biuf":
        kinds = {"U": "text", "S": "text", "O": "Python objects", "c": "complex numbers"}
        kind = kinds.get(array.dtype.kind, f"values of dtype {array.dtype}")
        raise DataError(
            f"the input {name!r} holds {kind}, but the model expects numbers of shape {expected}"
            f"{_conversion(array)}"
        )
    if array.ndim and array.shape == field.shape:
        raise DataError(
            f"the input {name!r} has shape {array.shape}, but the model expects {expected}; give a"
            " single sample as [x]"
        )
    if array.ndim and not len(array):
        raise DataError(f"the input {name!r} has no samples: its shape is {array.shape}")
    if array.ndim == 0 or array.shape[1:] != field.shape:
        raise DataError(
            f"the input {name!r} has shape {array.shape}, but the model expects {expected}"
        )
    return array
