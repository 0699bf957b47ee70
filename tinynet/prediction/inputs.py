"""Raw inputs of a model, from files or objects in memory, checked as in training.

The dataset that the model was trained on reads a file by its own rules (delimiter, columns, names
of arrays), if it supports such files.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.builtin.datasets._arrays import Source, checked_inputs
from tinynet.builtin.datasets.numpy_files import npy_source, npz_sources
from tinynet.dataset import TEXT, CellReader, Field, InputReader, Ranged, RowReader, State
from tinynet.errors import DataError
from tinynet.files.images import unsupported_hint
from tinynet.files.nearby import files_of_pattern, suggest_path
from tinynet.prediction import images
from tinynet.prediction.generic_files import (
    are_of_texts,
    array_files,
    images_in,
    is_image,
    read_csv,
    read_texts,
)
from tinynet.prediction.memory_inputs import sources_of
from tinynet.prediction.raw_inputs import InputFile, RawInputs, join_inputs
from tinynet.prediction.rows import are_texts, is_rows, read_rows
from tinynet.prediction.shares import ALL, Share, blank_arrays
from tinynet.prediction.windows import (
    WindowCutter,
    are_windows,
    columns_of_windows,
    named_columns,
    row_fields,
)
from tinynet.spec.data_spec import DataSpec
from tinynet.text.options import option
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.warning import warnings_to
from tinynet.text.wording import format_list
from tinynet.types import Array

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Reader:
    """The reader of a model's raw inputs."""

    fields: Mapping[str, Field]  # the inputs in training, by name
    dataset: DataSpec | None  # of the model's spec
    warn: Warn
    resize: bool  # resize images to the size that the model was trained on
    learned: State = field(default_factory=dict)  # the state of the dataset
    keep: Sequence[str] = ()  # columns of the source that are kept
    needed: Sequence[str] = ()  # columns that rows of a table are read with besides
    share: Share = ALL  # the samples to be read, where others can be skipped

    def read(self, x: Any) -> RawInputs:
        """Read inputs, in one of the forms that `tinynet.prediction.model.Model.predict` takes.

        Raises:
            DataError: for a file that cannot be read, and for values, dtypes and shapes that do
                not fit the inputs of the training.
        """
        return join_inputs([*self.parts(x)])

    def parts(self, x: Any) -> Iterator[RawInputs]:
        """Yield the inputs in parts of any size, so that a large file is never held; see `read`."""
        data = self.dataset
        if data is None or data.windows is None or are_windows(x, self.fields):
            yield from self._parts(x)
            return
        cutter = WindowCutter(data, self.keep, self.warn, self._read_cells)
        yield cutter.cut(self._rows_of_windows(x, columns_of_windows(data)))

    def _rows_of_windows(self, x: Any, columns: Sequence[str]) -> list[RawInputs]:
        """Return the rows that windows are cut from, with the columns that order them.

        Arrays in memory and .npy files have no columns.
        """
        reader = replace(self, fields=row_fields(self.fields), share=ALL)
        try:
            return [*replace(reader, needed=columns)._parts(x)]
        except DataError as error:
            if not columns or not reader._can_read(x):
                raise
            names = format_list([repr(name) for name in columns])
            raise DataError(
                f"{error} (windows are cut by {names}, as in training; to predict one series in"
                " order, give its rows as an array)"
            ) from error

    def _can_read(self, x: Any) -> bool:
        try:
            return any(True for _ in self._parts(x))
        except DataError:
            return False

    def _read_cells(self, name: str, cells: Sequence[Any]) -> Array:
        """Return a column that sorts or groups rows as the dataset reads it."""
        cls, reference = self._dataset_class, self.dataset
        if reference is None or not isinstance(cls, CellReader):
            return np.array(cells, object)
        config = registry.default().config(reference)
        with PluginErrors(cls, "read_cells raised"):
            return cls.read_cells(config, name, cells)

    def _parts(self, x: Any) -> Iterator[RawInputs]:
        samples = 0
        for part in self._read(x):
            samples += len(part)
            yield part
        if not samples:
            raise DataError("all samples of the input are left out, so there is no prediction")

    def _read(self, x: Any) -> Iterator[RawInputs]:
        paths = [x] if _is_path(x) else x
        if not _is_path(x) and not self._are_paths(x):
            yield from self._from_memory(x)
            return
        expanded = [*self._expanded(map(Path, paths))]
        highest, count, samples = -1, 0, 0  # of the pixels of images, of files, and of samples
        identity: tuple[str, ...] = ()
        for path, as_image in expanded:
            first = count
            for part in self._read_path(path, as_image, samples):
                samples += len(part)
                if as_image:
                    highest = max([highest, *(int(array.max()) for array in part.arrays.values())])
                files = tuple(replace(file, number=first + file.number) for file in part.files)
                count = files[-1].number + 1
                identity = identity or _identity(expanded, files)
                yield replace(part, files=files, identity=identity)
        if highest >= 0:
            self._warn_of_range(self.share.largest(highest))

    def _are_paths(self, x: Any) -> bool:
        if not isinstance(x, list | tuple) or not x or not all(map(_is_path, x)):
            return False
        if not self._takes_text or not all(isinstance(path, str) for path in x):
            return True
        if all(Path(text).suffix and os.path.isfile(text) for text in x):
            raise DataError(
                f"the texts are names of files ({format_list([repr(text) for text in x])}); to"
                " predict their contents, give paths: [pathlib.Path(name) for name in x]; to"
                f" predict the names, give {{{next(iter(self.fields))!r}: x}}"
            )
        return False  # texts

    @property
    def _takes_text(self) -> bool:
        return any(field.dtype == TEXT for field in self.fields.values())

    @cached_property
    def _dataset_class(self) -> type[Any] | None:
        if self.dataset is None:
            return None
        return registry.default().load("datasets", self.dataset.type)

    @property
    def _row_reader(self) -> type[RowReader] | None:
        """The class of the dataset, if it can read rows."""
        cls = self._dataset_class
        return cls if isinstance(cls, RowReader) else None

    @property
    def _input_reader(self) -> type[InputReader] | None:
        """The class of the dataset, if it can read files of inputs."""
        cls = self._dataset_class
        return cls if isinstance(cls, InputReader) else None

    @property
    def of_dataset(self) -> type[RowReader] | type[InputReader] | None:
        """The class of the dataset, if it can read rows or files."""
        return self._row_reader or self._input_reader

    # Files ------------------------------------------------------------------------------------

    def _expanded(self, paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
        """Yield the files, also those in folders, each with True if it is an image."""
        for path in self._matching(paths):
            if path.is_dir():
                if self._row_reader is not None and self._row_reader.takes_folders:
                    yield path, False
                elif files := array_files(path, self.of_dataset):
                    yield from ((file, False) for file in files)
                else:
                    yield from ((image, True) for image in images_in(path, self.warn))
            elif not path.exists():
                near = suggest_path(path, "inputs", lambda entry: not entry.name.startswith("."))
                texts = f"; a text is given in a list: [{str(path)!r}]" if self._takes_text else ""
                raise DataError(f"no such file: {path}{near}{texts}")
            else:
                yield path, is_image(path) and not self._is_of_dataset(path)

    @staticmethod
    def _matching(paths: Iterable[Path]) -> Iterator[Path]:
        """Yield the paths; one that does not exist may be a pattern of several."""
        for path in paths:
            files = [] if path.exists() else files_of_pattern(path)
            yield from map(Path, files) if files else [path]

    def _is_of_dataset(self, path: Path) -> bool:
        """Return True if the dataset reads files with this ending."""
        reader = self.of_dataset
        return reader is not None and path.suffix.lower() in reader.input_endings

    def _read_path(self, path: Path, as_image: bool, first: int) -> Iterator[RawInputs]:
        """Yield the samples of a file, the first of which has the number ``first`` among all."""
        ending = path.suffix.lower()
        as_texts = ending == ".txt" and self.of_dataset is None and are_of_texts(self.fields)
        generic = as_texts or ending in (".npy", ".npz", ".csv") or as_image
        generic = generic and not path.is_dir()
        by_dataset = self._is_of_dataset(path) or not generic
        if self._row_reader is not None and by_dataset:
            yield from self._rows(path)
            return
        if self.keep:
            raise self._no_columns(str(path))
        if self._input_reader is not None and by_dataset:
            arrays = self._by_dataset(str(path))
        elif ending == ".npy":
            yield from self._read_npy(str(path), first)
            return
        elif as_image and not self.share.has(first, first + 1):
            yield RawInputs.of(blank_arrays(self.fields, 1), (InputFile(str(path), 1, True),))
            return
        else:
            arrays = self._read_generic(path, as_image)
        arrays = self._convert(str(path), arrays)
        raw = RawInputs.of(arrays, (InputFile(str(path), _length(arrays), as_image),))
        if ending == ".npz" and self.needed:
            columns = npz_sources(str(path), self.needed)
            kept = {name: source.values[:] for name, source in columns.items()}
            raw = replace(raw, kept=named_columns(kept, len(raw), str(path)))
        yield raw

    def _read_generic(self, path: Path, as_image: bool) -> dict[str, Array]:
        ending = path.suffix.lower()
        if ending == ".npz":
            return checked_inputs(npz_sources(str(path), self.fields), self.fields)
        if ending == ".txt" and are_of_texts(self.fields):
            return dict.fromkeys(self.fields, read_texts(str(path)))
        if not as_image and ending != ".csv":
            raise DataError(
                f"{path} cannot be read; inputs are .npy, .npz, .csv or image files"
                f" ({', '.join(images.ENDINGS)}), or folders of images"
                f"{unsupported_hint([path.name])}"
            )
        name, field = self._only_field(path)
        if as_image:
            image = images.read_image(str(path), field, resize=self.resize, warn=self.warn)
            return {name: image}
        return {name: read_csv(str(path), field, self.warn)}

    def _only_field(self, path: Path) -> tuple[str, Field]:
        if len(self.fields) != 1:
            raise DataError(
                f"{path}: the model has the inputs {', '.join(self.fields)}; give an .npz file with"
                " an array of each name"
            )
        ((name, field),) = self.fields.items()
        return name, field

    def _read_npy(self, path: str, first: int) -> Iterator[RawInputs]:
        """Yield the rows of a file, a few megabytes at a time; see `_read_path`."""
        name, field = self._only_field(Path(path))
        source = npy_source(path)
        if source.values.shape == field.shape:
            source = replace(source, values=source.values[:][np.newaxis])
        if source.values.shape[1:] != field.shape:
            checked_inputs({name: source}, self.fields)
        # Only where the dtype of all rows is known may some of them be skipped.
        known = np.dtype(field.dtype).kind == "f" or source.values.dtype == field.dtype
        share = self.share.after(first) if known else ALL
        for arrays, rows in self._array_parts(path, {name: source}, share):
            yield RawInputs(arrays, rows, (InputFile(path, len(rows), False),))

    def _array_parts(
        self, place: str, sources: Mapping[str, Source], share: Share = ALL
    ) -> Iterator[tuple[dict[str, Array], Array]]:
        """Yield arrays with the numbers of their rows, a few megabytes at a time.

        Rows that are not in the share are not read.
        """
        step = min(source.chunk_rows for source in sources.values())
        count = len(next(iter(sources.values())))
        for start in range(0, count, step):
            stop = min(count, start + step)
            if not share.has(start, stop):
                yield blank_arrays(self.fields, stop - start), np.arange(start, stop)
                continue
            parts = {
                name: Source(
                    source.values[start:stop],
                    source.place,
                    pieces=((source.place, -start),),
                )
                for name, source in sources.items()
            }
            arrays = self._convert(place, checked_inputs(parts, self.fields))
            yield arrays, np.arange(start, stop)

    def _by_dataset(self, path: str) -> dict[str, Array]:
        """Return a file's inputs, read by the model's dataset and validated."""
        dataset, reference = self._input_reader, self.dataset
        assert dataset is not None
        assert reference is not None
        config = registry.default().config(reference)
        with PluginErrors(dataset, "read_inputs raised"), warnings_to(self.warn):
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
        elif field.dtype not in ("uint8", "uint16"):
            self.warn(
                f"pixels of image files are 0 to 255, but the model was trained on {field.dtype}"
                " values, which may have another range; if so, give an .npy file instead"
            )

    # Rows -------------------------------------------------------------------------------------

    def _from_memory(self, x: Any) -> Iterator[RawInputs]:
        if self._takes_text and len(self.fields) == 1 and are_texts(x):
            x = dict.fromkeys(self.fields, x)  # a table has the text in a column of that name
        if self._row_reader is not None and is_rows(x, self.fields):
            yield from self._rows(x)
            return
        if self.keep:
            raise self._no_columns("the input")
        columns = {}
        if self.needed and isinstance(x, Mapping) and self._row_reader is None:
            columns = {name: x[name] for name in self.needed if name in x}
            x = {name: values for name, values in x.items() if name not in columns}
            if missing := [repr(name) for name in self.needed if name not in columns]:
                raise DataError(f"the dict lacks {format_list(missing)}")
        sources = sources_of(x, self.fields)
        kept = named_columns(columns, len(next(iter(sources.values()))), "the input")
        for arrays, rows in self._array_parts("", sources):
            part = {name: [values[row] for row in rows] for name, values in kept.items()}
            yield RawInputs(arrays, rows, kept=part)

    def _no_columns(self, place: str) -> DataError:
        columns = format_list([repr(name) for name in self.keep])
        keep = option("--keep", "keep=")
        return DataError(f"{place} has no columns to keep ({columns}); leave out {keep}")

    def _rows(self, source: Any) -> Iterator[RawInputs]:
        """Yield the samples of a file, a folder or an object, read by the model's dataset."""
        reader, reference = self._row_reader, self.dataset
        assert reader is not None
        assert reference is not None
        config = registry.default().config(reference)
        columns = [*dict.fromkeys([*self.keep, *self.needed])]
        for part in read_rows(
            reader, config, source, self.fields, self.learned, columns, self.warn
        ):
            yield replace(part, arrays=self._convert("", part.arrays))

    # Values -----------------------------------------------------------------------------------

    def _convert(self, path: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {
            name: self._as_in_training(path or f"the input {name!r}", arrays[name], field)
            for name, field in self.fields.items()
        }

    def _as_in_training(self, place: str, array: Array, field: Field) -> Array:
        """Return an array in the dataset's dtype."""
        if field.dtype == TEXT:
            return array
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


def _identity(paths: Sequence[tuple[Path, bool]], first: Sequence[InputFile]) -> tuple[str, ...]:
    """Return the columns that identify a sample; ``first`` are the files of the first samples."""
    files = [path for path, _ in paths if not path.is_dir()]
    kinds = {"image" if is_image(path) else path.suffix.lower() for path in files}
    if first[0].is_image and len(kinds) <= 1:
        return ("file",)
    return ("sample",) if len(paths) == 1 else ("file", "sample")


def _is_path(x: Any) -> bool:
    return isinstance(x, str | os.PathLike)


def _length(arrays: Mapping[str, Array]) -> int:
    return len(next(iter(arrays.values())))
