"""Datasets in NumPy's own files; nothing is ever unpickled."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from tinynet import dataset
from tinynet.builtin.datasets._arrays import (
    ArrayDataset,
    Source,
    TargetConfig,
    as_target,
    checked_inputs,
)
from tinynet.dataset import FilePath
from tinynet.errors import DataError
from tinynet.files.file_rows import FileVersion
from tinynet.files.npy import npz_names, open_npy, open_npy_pieces, read_npz, require_npz_memory
from tinynet.files.pieces import JoinedRows, find_pieces
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

ArrayNames: TypeAlias = str | Annotated[dict[str, str], Field(min_length=1)]
"""One array's name in the file, or several: the dataset's name for each -> the file's."""

Files: TypeAlias = FilePath | Annotated[dict[str, FilePath], Field(min_length=1)]
"""One file, or several: the dataset's name for each -> the file."""


class NPZ(ArrayDataset):
    """Named arrays of an .npz file, each (N, ...), or of several such files, joined by rows.

    Integer targets are classes and float targets are numbers, unless ``target_type`` says more.

    Raises:
        DataError: naming the file, the array, and the row.
    """

    example: ClassVar = {"path": "shapes.npz"}

    class Config(TargetConfig):
        """Parameters of `npz`."""

        path: FilePath = Field(
            description="The .npz file, or a folder or a pattern of such files, joined by rows in"
            " the natural order of their names."
        )
        inputs: Annotated[ArrayNames, AlsoCalled(("features", "input"))] = Field(
            default="x",
            description='The array of inputs, or several: {"image": "x1", "meta": "x2"}.',
        )
        targets: Annotated[ArrayNames | None, AlsoCalled(("target", "labels"))] = Field(
            default="y",
            description="The array of targets, or several, as for `inputs`; null: no targets.",
        )
        weights: str | None = Field(
            default=None,
            description="The array of weights of samples, (N,), or of positions of a target or an"
            " input, (N, T), at least 0.",
        )

    def __init__(self, config: Config) -> None:
        inputs = _by_name("input", config.inputs)
        targets = _by_name("target", config.targets)
        weights = [] if config.weights is None else [config.weights]
        _require_arrays(
            config.path,
            {"inputs": inputs.values(), "targets": targets.values(), "weights": weights},
        )
        sources = npz_sources(config.path, [*inputs.values(), *targets.values(), *weights])
        super().__init__(
            {name: sources[array] for name, array in inputs.items()},
            {name: as_target(sources[array], config) for name, array in targets.items()},
            None if config.weights is None else sources[config.weights],
        )
        self._path = config.path

    def column_values(self, name: str) -> Array:
        """Return any array (N,) of the file, to group or to sort the samples."""
        for piece in find_pieces(self._path, ".npz") or [self._path]:
            if name not in (available := npz_names(piece)):
                raise DataError(f"{piece} has no array {name!r}; {suggest(name, available)}")
        values: Array = npz_sources(self._path, [name])[name].values[:]
        if values.shape != (len(self),):
            raise DataError(
                f"{self._path}, array {name!r} has shape {values.shape}; to group or to sort the"
                f" samples it needs one value for each, the shape {(len(self),)}"
            )
        return values

    input_endings = (".npz",)

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read the arrays that the spec's `inputs` name; targets may be missing."""
        names = _by_name("input", config.inputs)
        _require_arrays(path, {"inputs": names.values()})
        sources = npz_sources(path, [names[name] for name in fields])
        return checked_inputs({name: sources[names[name]] for name in fields}, fields)


class NPY(ArrayDataset):
    """Arrays in an .npy file each, (N, ...), or in several, joined by rows; they are not loaded.

    Files may be larger than memory, and must not change while they are in use. Integer targets are
    classes and float targets are numbers, unless ``target_type`` says more.

    Raises:
        DataError: naming the file and the row.
    """

    example: ClassVar = {"inputs": "x.npy", "targets": "y.npy"}

    class Config(TargetConfig):
        """Parameters of `npy`."""

        inputs: Annotated[Files, AlsoCalled(("features", "input"))] = Field(
            description='The .npy file of inputs, or several: {"image": "a.npy", "meta": "b.npy"}.'
            ' A folder, or a pattern such as "x-*.npy", stands for its files, joined by rows in the'
            " natural order of their names: x-2.npy comes before x-10.npy."
        )
        targets: Annotated[Files | None, AlsoCalled(("target", "labels"))] = Field(
            default=None,
            description="The .npy file of targets, or several, as for `inputs`; null: no targets.",
        )
        weights: FilePath | None = Field(
            default=None,
            description="The .npy file of weights of samples, (N,), or of positions of a target or"
            " an input, (N, T), at least 0.",
        )

    def __init__(self, config: Config) -> None:
        inputs = _by_name("input", config.inputs)
        targets = _by_name("target", config.targets)
        super().__init__(
            {name: npy_source(path) for name, path in inputs.items()},
            {name: as_target(npy_source(path), config) for name, path in targets.items()},
            None if config.weights is None else npy_source(config.weights),
        )

    input_endings = ()  # any model reads .npy files, a few megabytes at a time

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read the one input of the model."""
        if len(fields) != 1:
            raise DataError(
                f"{path} holds one array, but the model has the inputs {', '.join(fields)};"
                " give an .npz file with an array of each name"
            )
        return checked_inputs({name: npy_source(path) for name in fields}, fields)


def npz_sources(path: str, names: Iterable[str]) -> dict[str, Source]:
    """Return arrays of an .npz file, or of a folder or a pattern of such pieces, by name.

    Raises:
        DataError: as `read_npz`, and naming pieces that differ from the first.
    """
    required = tuple(dict.fromkeys(names))
    pieces = find_pieces(path, ".npz")
    if pieces is None:
        arrays = read_npz(path, required)
        return {name: Source(values, _place(path, name)) for name, values in arrays.items()}
    require_npz_memory(path, pieces, required)
    parts = [read_npz(piece, required) for piece in pieces]
    sources = {}
    for name in required:
        places = [_place(piece, name) for piece in pieces]
        joined = JoinedRows([part[name] for part in parts], places)
        starts = tuple(zip(places, joined.starts, strict=True))
        sources[name] = Source(joined, _place(path, name), pieces=starts)
    return sources


def _place(path: str, name: str) -> str:
    return f"{path}, array {name!r}"


def _require_arrays(path: str, names: Mapping[str, Collection[str]]) -> None:
    """Require that an .npz file, or each piece, has some arrays, given by the keys of the spec.

    Raises:
        DataError: listing those that are missing, and the keys.
    """
    for piece in find_pieces(path, ".npz") or [path]:
        _require_arrays_of(piece, names)


def _require_arrays_of(path: str, names: Mapping[str, Collection[str]]) -> None:
    available = npz_names(path)
    named = [(key, name) for key, arrays in names.items() for name in arrays]
    missing = [(key, name) for key, name in named if name not in available]
    if missing:
        lacking = [repr(name) for _, name in missing]
        keys = " and ".join(dict.fromkeys(f'"{key}"' for key, _ in missing))
        targets = any(key == "targets" for key, _ in missing)
        without = '; for data without targets, set "targets" to null' if targets else ""
        raise DataError(
            f"{path} has no array {format_list(lacking)}; set {keys} to names of its arrays:"
            f" {format_list(available) or 'it has none'}{without}"
        )


def npy_source(path: str) -> Source:
    """Return the array of an .npy file, or of a folder or a pattern of such pieces, by rows.

    Raises:
        DataError: naming the piece that is damaged, or differs from the first.
    """
    pieces = find_pieces(path, ".npy")
    if pieces is None:
        return _with_version(Source(open_npy(path), path), [path])
    joined = open_npy_pieces(pieces)
    source = Source(joined, path, pieces=tuple(zip(pieces, joined.starts, strict=True)))
    return _with_version(source, pieces)


def _with_version(source: Source, paths: Sequence[str]) -> Source:
    return replace(source, files=[FileVersion.read(path) for path in paths])


def _by_name(single: str, names: str | dict[str, str] | None) -> dict[str, str]:
    if names is None:
        return {}
    return {single: names} if isinstance(names, str) else names
