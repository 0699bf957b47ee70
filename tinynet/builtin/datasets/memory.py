"""A dataset of arrays that a Python program holds in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from xxhash import xxh3_128

from tinynet.builtin.datasets._arrays import (
    MAX_CLASSES,
    ArrayDataset,
    Source,
    TargetConfig,
    as_target,
)
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.files.image_objects import are_images, stack_images
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array

NUMBERS = "biuf"
"""The kinds of dtype that arrays may have: bool, integers, floats."""

ABSENT = (
    'the data have the type "memory": arrays of a Python program, which no file holds; pass them'
    " again, as in tinynet.train(spec, data=(x, y)), tinynet.resume(run, data=(x, y)) or"
    " tinynet.evaluate(run, data=(x, y))"
)


@dataclass(frozen=True)
class MemoryArrays:
    """Inputs and targets by name, each (N, ...), in any form that NumPy converts to an array.

    Attributes:
        inputs: The inputs.
        targets: The targets.
        weights: The weights of samples, (N,), or of positions, (N, T); or None.
        place: The role of the arrays, for messages; empty for the training data.
        trained: The fields of the targets in training, if the arrays are compared with these:
            integers are then the indices of their classes.
        columns: Further arrays (N,), which only group or sort the samples.
    """

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    weights: Any = None
    place: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    trained: Mapping[str, Field] | None = None

    def config_of(self, target: str, config: "Memory.Config") -> "Memory.Config":
        """Return the config for a target."""
        if self.trained is None or target not in self.trained:
            return config
        classes = self.trained[target].classes
        kind = "number" if classes is None else "auto"
        return config.model_copy(update={"classes": classes, "target_type": kind})

    def name(self, role: str, name: str | None = None) -> str:
        """Return the description of an array in messages."""
        own = "" if name in (None, role) else f" {name!r}"
        start = f"{self.place}: " if self.place else ""
        return f"{start}the {role}{own}"


class Memory(ArrayDataset):
    """Arrays of a Python program, each (N, ...): ``tinynet.train(spec, data=(x, y))``.

    Targets that are integers or text are classes, floats are numbers, unless ``target_type`` says
    more. Integers that do not count from 0 are classes in the order of their values. An input (N,)
    of ``str`` is text, for a transform such as `vocabulary`. Images of Pillow are decoded as their
    files.

    Raises:
        DataError: if there are no arrays, which a command cannot pass; for arrays of other
            lengths, dtypes, or values that are not finite.
    """

    example: ClassVar[dict[str, Any]] = {}

    class Config(TargetConfig):
        """Parameters of `memory`."""

    def __init__(self, config: Config, arrays: MemoryArrays | None = None) -> None:
        if arrays is None:
            raise DataError(ABSENT)
        faults: list[str] = []

        def source(role: str, name: str | None, values: Any, *, text: bool = False) -> Source:
            place = arrays.name(role, name)
            try:
                if role == "input" and (texts := _texts(place, values)) is not None:
                    return texts
                if role == "input" and are_images(values):
                    return Source(stack_images(place, values), place)
                return _source(place, values, text=text)
            except DataError as error:
                faults.append(str(error))
                return Source(np.zeros(1), place)

        inputs = {name: source("input", name, x) for name, x in arrays.inputs.items()}
        targets = {name: source("target", name, y, text=True) for name, y in arrays.targets.items()}
        weights = None if arrays.weights is None else source("weights", None, arrays.weights)
        if faults:
            raise DataError("\n  ".join(faults))
        targets = {name: _target(y, arrays.config_of(name, config)) for name, y in targets.items()}
        super().__init__(inputs, targets, weights)
        self._columns = {
            name: _column(arrays.name("column", name), values, len(self))
            for name, values in arrays.columns.items()
        }
        if self._columns:
            digest = xxh3_128(self.fingerprint.encode())
            for name, values in self._columns.items():
                digest.update(json.dumps([name, values.tolist()], default=str).encode())
            self.fingerprint: str = digest.hexdigest()

    def column_values(self, name: str) -> Array:
        """Return an array (N,), or a named feature of an array (N, F), by its name."""
        columns: dict[str, tuple[Source, int | None]] = {}
        for array, source in {**self._inputs, **self._targets}.items():
            described = source.field
            if not described.shape:
                columns[array] = source, None
            elif len(described.shape) == 1:
                for position, feature in enumerate(described.names or ()):
                    columns.setdefault(feature, (source, position))
        if name in self._columns:
            return self._columns[name]
        if name not in columns:
            raise DataError(
                f"no array (N,) or feature is named {name!r}; "
                + suggest(name, [*columns, *self._columns])
            )
        source, place = columns[name]
        values = source.gather(np.arange(len(self)))
        return values if place is None else values[:, place]


def _column(place: str, values: Any, samples: int) -> Array:
    """Return the values of a column (N,): numbers, texts or dates."""
    array = np.asarray(values)
    if array.shape != (samples,):
        raise DataError(
            f"{place} has shape {array.shape}; to group or to sort the samples it needs one value"
            f" for each, the shape {(samples,)}"
        )
    return array


def _texts(place: str, values: Any) -> Source | None:
    """Return a list or an array (N,) of ``str``; None for anything else."""
    if hasattr(values, "dtype"):
        items = values.tolist() if getattr(values.dtype, "kind", "") in ("U", "O", "T") else []
    else:
        items = values if isinstance(values, list | tuple) else []
    if not items or not all(isinstance(item, str) for item in items):
        return None
    # Never as an array of NumPy's text, whose items all take the memory of the longest.
    array = np.empty(len(items), object)
    array[:] = [str(item) for item in items]
    wrong = [
        row for row, item in enumerate(items) if item != item.encode(errors="replace").decode()
    ]
    if wrong:
        raise DataError(
            f"{place}, row {wrong[0]} (counted from 0) holds half of a Unicode character; decode"
            " the text again from its file"
        )
    return Source(array, place)


def _source(place: str, values: Any, *, text: bool) -> Source:
    """Return an array of numbers, or of text where ``text`` allows that.

    Raises:
        DataError: for values that are no such array.
    """
    names = None
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        values, names = _frame(place, values)
    if np.ma.isMaskedArray(values):
        if np.ma.getmaskarray(values).any():
            raise DataError(f"{place} has masked values; fill them with x.filled(value)")
        values = values.data
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{place} is not an array: its rows differ in length") from error
    if not array.ndim or not len(array):
        held = f"a single {type(values).__name__}" if not array.ndim else "no samples"
        raise DataError(f"{place} holds {held}; give an array with one row for each sample")
    if 0 in array.shape:
        raise DataError(f"{place} has shape {array.shape}, which is empty")
    if array.dtype.kind == "O":
        array = _of_objects(place, array)
    if array.dtype.kind in NUMBERS and array.dtype.itemsize <= 8:
        return Source(array, place, names=names)
    if array.dtype.kind in "US" and text:
        return Source(array.astype(np.str_), place)
    kinds = {"U": "text", "S": "bytes", "M": "dates", "m": "times", "c": "complex numbers"}
    held = kinds.get(array.dtype.kind, f"values of dtype {array.dtype}")
    raise DataError(f"{place} holds {held}; give numbers, such as x.astype(float)")


def _frame(place: str, frame: Any) -> tuple[Any, tuple[str, ...]]:
    """Return values and names of the columns of a DataFrame of numbers."""
    columns = [str(name) for name in frame.columns]
    kinds = {name: frame.iloc[:, i].dtype.kind for i, name in enumerate(columns)}
    if wrong := [name for name, kind in kinds.items() if kind not in NUMBERS]:
        listed = format_list([repr(name) for name in wrong])
        kept = [name for name in columns if name not in wrong]
        raise DataError(
            f"{place} is a DataFrame whose columns {listed} hold no numbers; leave them out, as in"
            f" df[{kept}]"
        )
    return frame.to_numpy(), tuple(columns)


def _of_objects(place: str, array: Array) -> Array:
    """Return an array of Python objects as one of text or numbers, if all are of one kind.

    Raises:
        DataError: naming the first object that is neither.
    """
    flat = array.reshape(-1).tolist()
    if all(isinstance(value, str) for value in flat):
        return array.astype(np.str_)
    missing = [i for i, v in enumerate(flat) if v is None or v != v]
    width = len(flat) // len(array)
    if missing:
        raise DataError(
            f"{place}, row {missing[0] // width} (counted from 0) is missing"
            f" ({flat[missing[0]]!r}, one of {len(missing):,}); remove these samples, or fill them"
        )
    kinds = list(dict.fromkeys(type(value).__name__ for value in flat))
    if {*kinds} <= {"bool", "int", "float"}:
        return np.array(array.tolist())
    raise DataError(
        f"{place} has the dtype object, with values of type {format_list(kinds)}; give an array of"
        " one kind, such as np.array(values, float)"
    )


def _target(source: Source, config: Memory.Config) -> Source:
    """Return a target with the names of its classes, if it holds classes.

    Raises:
        DataError: for a value that is none of the classes, and for too many classes.
    """
    if source.values.dtype.kind == "U":
        return _of_text(source, config)
    values = np.asarray(source.values)
    counts_from_0 = values.dtype.kind not in "iu" or values.ndim > 1 or not values.min()
    if counts_from_0 or config.classes is not None or config.target_type == "number":
        return as_target(source, config)
    return _of_distinct(source)


def _of_text(source: Source, config: Memory.Config) -> Source:
    if config.target_type == "number":
        raise DataError(
            f'{source.place} holds text, but "target_type" is "number"; give numbers, or leave out'
            ' "target_type"'
        )
    if config.classes is None:
        return _of_distinct(source)
    values = np.asarray(source.values)
    unknown = ~np.isin(values, config.classes)
    if unknown.any():
        row = int(np.argwhere(unknown)[0][0])
        labels = format_list([repr(v) for v in np.unique(values[unknown]).tolist()])
        raise DataError(
            f'{source.row(row)}: the labels {labels} are not in "classes"'
            f" ({format_list(config.classes)}); add them, or remove their samples"
        )
    names = np.array(config.classes)
    order = np.argsort(names)
    indices = order[np.searchsorted(names, values, sorter=order)]
    return replace(source, values=indices, classes=config.classes)


def _of_distinct(source: Source) -> Source:
    """Return classes in the order of their values."""
    labels, indices = np.unique(np.asarray(source.values), return_inverse=True)
    if len(labels) > MAX_CLASSES:
        raise DataError(
            f"{source.place} has {len(labels):,} distinct values, more than {MAX_CLASSES:,}"
            ' classes; if they are quantities, set "target_type": "number" in "data"'
        )
    classes = tuple(str(label) for label in labels.tolist())
    return replace(source, values=indices.reshape(source.values.shape), classes=classes)
