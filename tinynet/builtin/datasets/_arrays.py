"""A dataset that is a few arrays: checked once from end to end, then gathered by index."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field as ConfigField
from pydantic import JsonValue, model_validator
from pydantic_core import PydanticCustomError
from xxhash import xxh3_64_hexdigest, xxh3_128

from tinynet.dataset import TEXT, Batch, DatasetConfig, Field
from tinynet.errors import DataError
from tinynet.files.file_rows import LARGE, FileRows, FileVersion, Rows
from tinynet.files.pieces import JoinedRows, compare_pieces
from tinynet.files.regular import compare_counts
from tinynet.files.scan_cache import remember
from tinynet.text.warning import warn
from tinynet.text.wording import format_list
from tinynet.types import Array

MAX_CLASSES = 10_000
"""Most classes that are accepted without ``classes``; a larger integer is an error."""

_CHUNK_BYTES = 1 << 22


class TargetConfig(DatasetConfig):
    """The kind of the targets, an option of several datasets."""

    target_type: Literal["auto", "class", "number"] = ConfigField(
        default="auto",
        description="'class': targets are classes. 'number': targets are quantities."
        " 'auto': integers (in a CSV file: text) are classes, all else is numbers.",
    )
    classes: tuple[str, ...] | None = ConfigField(
        default=None,
        min_length=1,
        description="Names of the classes, in the order of their indices; by default the indices"
        " (in a CSV file: the sorted labels).",
    )

    @model_validator(mode="after")
    def _classes_of_classes(self) -> Self:
        if self.classes is None:
            return self
        if self.target_type == "number":
            raise PydanticCustomError(
                "classes",
                'numbers have no classes; leave out "classes", or "target_type": "number"',
            )
        repeated = [name for name, count in Counter(self.classes).items() if count > 1]
        if repeated:
            raise PydanticCustomError(
                "classes", "two classes are named {name}", {"name": repr(repeated[0])}
            )
        return self


@dataclass(frozen=True)
class Source:
    """One array (N, *shape), in memory or mapped from a file, and what is known of it."""

    values: Rows  # never handed out; mapped or read from a file where it is large
    place: str  # for messages: the file, and the array in it
    classes: tuple[str, ...] | None = None  # their names, where the values are their indices
    names: tuple[str, ...] | None = None  # of the features, the last axis
    locate: Callable[[int], str] | None = None  # the place of a row, if it has more than a number
    files: Sequence[FileVersion] = ()  # the only content of which are the values
    pieces: Sequence[tuple[str, int]] = ()  # where it has several: place and first row of each

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of `gather`: the file's, or int64 for classes."""
        if self.classes is not None:
            return np.dtype(np.int64)
        dtype = self.values.dtype
        return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")

    @property
    def field(self) -> Field:
        """The field of the array."""
        name = TEXT if self.dtype == object else self.dtype.name
        return Field(self.values.shape[1:], name, self.classes, self.names)

    def gather(self, indices: Array) -> Array:
        """Return a copy of some rows."""
        rows: Array = self.values[indices]
        return rows.astype(self.dtype, copy=False)

    @property
    def chunk_rows(self) -> int:
        """The number of rows that `chunks` yields at a time: a few megabytes."""
        return max(1, _CHUNK_BYTES * len(self) // max(1, self.values.nbytes))

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """Yield all rows, a few megabytes at a time, each time with the number of the first."""
        rows = self.chunk_rows
        for start in range(0, len(self), rows):
            yield start, self.values[start : start + rows]

    def row(self, index: int) -> str:
        """Return the place of one row."""
        if self.locate is not None:
            return self.locate(index)
        if self.pieces:
            place, first = max(
                (piece for piece in self.pieces if piece[1] <= index), key=lambda piece: piece[1]
            )
            return f"{place}, row {index - first} (counted from 0)"
        return f"{self.place}, row {index} (counted from 0)"


def as_target(source: Source, config: TargetConfig) -> Source:
    """Return ``source``, with the names of its classes if it holds classes.

    Raises:
        DataError: for a value that is not a class index, with its row.
    """
    integral = source.values.dtype.kind in "biu"
    holds_classes = config.classes is not None or integral
    if config.target_type == "number" or (config.target_type == "auto" and not holds_classes):
        return source
    if not integral:
        key = '"classes"' if config.target_type == "auto" else '"target_type": "class"'
        raise DataError(
            f"{source.place} has dtype {source.values.dtype}, but classes are integers; save it as"
            f" integers, or leave out {key} if it is a quantity"
        )
    limit = MAX_CLASSES if config.classes is None else len(config.classes)
    highest = _once(
        f"the highest class below {limit}",
        [source],
        lambda: _highest_class(source, config.classes),
    )
    return replace(source, classes=config.classes or tuple(map(str, range(highest + 1))))


def _highest_class(source: Source, names: tuple[str, ...] | None) -> int:
    """Return the highest index of a class; raise DataError for one that cannot be an index."""
    limit = MAX_CLASSES if names is None else len(names)
    lowest, highest, wrong = limit, 0, None
    for start, rows in source.chunks():
        low, high = int(rows.min()), int(rows.max())
        lowest, highest = min(lowest, low), max(highest, high)
        if wrong is None and (low < 0 or high >= limit):
            position = np.argwhere((rows < 0) | (rows >= limit))[0]
            wrong = start + int(position[0]), int(rows[tuple(position)])
    if wrong is None:
        return highest
    row, value = wrong
    if names is None:
        fault = f"is not a class, which is an integer from 0 to {limit - 1:,}"
        remedy = 'if it is a quantity, set "target_type": "number"'
        if lowest < 0:
            remedy += "; if it is a class, save the classes as integers from 0"
        if lowest < 0:
            remedy += (
                '; if it marks positions that do not count, such as padding, set "target_type":'
                f' "number", and "ignore_label": {value} in the loss'
            )
    else:
        fault = (
            f"is not the index of one of the {limit} classes {format_list(names)} (0 to"
            f" {limit - 1})"
        )
        remedy = 'name more "classes", or save indices that count from 0'
        if lowest == 1 and highest == limit:
            remedy = "the labels count from 1: subtract 1 from all of them"
        elif lowest < 0:
            remedy = "save indices that count from 0"
        if lowest < 0 or value == 255:  # a usual label of pixels that belong to no class
            remedy += (
                '; if it marks positions that do not count, replace "classes" by "target_type":'
                f' "number", and set "ignore_label": {value} in the loss'
            )
    raise DataError(f"{source.row(row)}: {value} {fault}; {remedy}")


def _once(
    purpose: str,
    sources: Sequence[Source],
    compute: Callable[[], JsonValue],
    compare: Callable[[Any, Any], None] = lambda old, new: None,
) -> Any:
    """Return a result of reading sources from end to end; large files are read only once.

    See `remember`.
    """
    size = sum(source.values.nbytes for source in sources)
    if size < LARGE or not all(source.files for source in sources):
        return compute()
    files = [file for source in sources for file in source.files]
    return remember(purpose, files, compute, compare)


class ArrayDataset:
    """Samples held as arrays, one row each.

    Opening reads everything once: every float must be finite, and the fingerprint (XXH3, 128 bits)
    covers all that `gather` can return, with names, shapes, dtypes and classes, but not where the
    data lie or how they are packed. Large files are not read again until they change, or are to be
    verified: see `tinynet.files.scan_cache`.

    Raises:
        DataError: naming the file, and the row of the first value that is not finite.
    """

    def __init__(
        self,
        inputs: Mapping[str, Source],
        targets: Mapping[str, Source],
        weights: Source | None = None,
    ) -> None:
        self._inputs, self._targets = inputs, targets
        self._weights = None if weights is None else _checked_weights(weights, targets, inputs)
        self.inputs = {name: source.field for name, source in self._inputs.items()}
        self.targets = {name: source.field for name, source in self._targets.items()}
        compare_counts({source.place: len(source) for _, _, source in self._sources()})
        compare_pieces([(source.pieces, len(source)) for _, _, source in self._sources()])
        fields = [
            [role, name, _described_as(source.field)] for role, name, source in self._sources()
        ]
        scan: dict[str, Any] = _once(
            f"the fingerprint of {json.dumps(fields)}",
            [source for _, _, source in self._sources()],
            self._scan,
            self._warn_of_changes,
        )
        self.fingerprint: str = scan["fingerprint"]

    def __len__(self) -> int:
        return len(next(iter(self._inputs.values())))

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), in arrays of the caller's own."""
        rows = np.asarray(indices)
        return Batch(
            {name: source.gather(rows) for name, source in self._inputs.items()},
            {name: source.gather(rows) for name, source in self._targets.items()},
            None if self._weights is None else self._weights.gather(rows),
        )

    def read_ahead(self, indices: Array) -> None:
        """Start to read rows of large files into the system's cache."""
        for _, _, source in self._sources():
            if isinstance(source.values, FileRows | JoinedRows):
                source.values.read_ahead(indices)

    def where(self, index: int) -> str:
        """File and row (or line) of a sample."""
        return next(iter(self._inputs.values())).row(index)

    def where_in(self, name: str, index: int) -> str:
        """File, array and row (or line) of a sample in one array."""
        first = next(iter(self._inputs.values()))
        return {**self._inputs, **self._targets}.get(name, first).row(index)

    def gather_targets(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,) without their inputs, which are not read."""
        rows = np.asarray(indices)
        return Batch(
            {},
            {name: source.gather(rows) for name, source in self._targets.items()},
            None if self._weights is None else self._weights.gather(rows),
        )

    def drop_inputs(self) -> None:
        """Release the memory of the inputs, which `gather` then lacks."""
        self._inputs = {}

    def _sources(self) -> Iterator[tuple[str, str, Source]]:
        for role, sources in (("input", self._inputs), ("target", self._targets)):
            for name in sorted(sources):
                yield role, name, sources[name]
        if self._weights is not None:
            yield "weights", "", self._weights

    def _scan(self) -> dict[str, JsonValue]:
        """Read everything; return the fingerprint, and the digest of each block of each array."""
        digest = xxh3_128()
        faults = []
        blocks: dict[str, JsonValue] = {}
        for role, name, source in self._sources():
            digest.update(json.dumps([role, name, _described_as(source.field)]).encode())
            portable = source.dtype.newbyteorder("<")
            count, first = 0, ""
            digests: list[JsonValue] = []
            for start, rows in source.chunks():
                if rows.dtype.kind == "f" and not (finite := np.isfinite(rows)).all():
                    count += int(np.sum(~finite))
                    first = first or _describe_first(source, start, rows, finite)
                if rows.dtype == object:
                    content = memoryview(_bytes_of_texts(rows))
                else:
                    content = np.ascontiguousarray(rows, portable).data
                digest.update(content)
                digests.append(xxh3_64_hexdigest(content))
            blocks[f"{role} {name}"] = digests
            if count:
                several = f" (the first of {count:,} values that are not finite)"
                faults.append(f"{first}{several if count > 1 else ''}")
        if faults:
            remedy = "every number must be finite; correct these samples, or remove them"
            raise DataError("\n  ".join(faults) + f"; {remedy}")
        return {"fingerprint": digest.hexdigest(), "blocks": blocks}

    def _warn_of_changes(self, kept: Any, new: Any) -> None:
        """Warn of rows that changed although size and times of their file did not."""
        if kept == new:
            return
        for role, name, source in self._sources():
            key = f"{role} {name}"
            pairs = zip(kept["blocks"][key], new["blocks"][key], strict=True)
            changed = [number for number, (old, now) in enumerate(pairs) if old != now]
            if changed:
                first = changed[0] * source.chunk_rows
                last = min(len(source), (changed[-1] + 1) * source.chunk_rows) - 1
                warn(
                    f"{source.place} was changed without a change of its size and time: between"
                    f" {source.row(first)} and {source.row(last)}; restore it from a copy"
                )


def checked_inputs(inputs: Mapping[str, Source], fields: Mapping[str, Field]) -> dict[str, Array]:
    """Return the arrays of unlabeled inputs, checked as those of a dataset are.

    An array of the shape of one sample is one sample. ``fields`` holds the inputs that a model was
    trained on.

    Raises:
        DataError: for an input of another shape, for a value that is not finite, and for inputs
            of different lengths.
    """
    sources = {}
    for name, field in fields.items():
        source = inputs[name]
        if source.values.shape == field.shape:
            source = replace(source, values=source.values[:][np.newaxis])
        if source.field.shape != field.shape:
            expected = ", ".join(("N", *map(str, field.shape)))
            raise DataError(
                f"{source.place} has shape {source.values.shape}, but the model expects"
                f" ({expected}) for the input {name!r}"
            )
        sources[name] = source
    data = ArrayDataset(sources, {})
    return data.gather(np.arange(len(data))).inputs


def _described_as(field: Field) -> dict[str, Any]:
    """Return the attributes of a field; those that came later count only where they are set."""
    later = ("text_unit", "indicators", "padding")
    return {k: v for k, v in asdict(field).items() if k not in later or v is not None}


def _bytes_of_texts(texts: Array) -> bytes:
    """Return texts in UTF-8, each after its length."""
    encoded = [text.encode() for text in texts.flat]
    return b"".join(b"%d:%b" % (len(content), content) for content in encoded)


def _describe_first(source: Source, start: int, rows: Array, finite: Array) -> str:
    row, *position = (int(axis) for axis in np.argwhere(~finite)[0])
    at = f", at {position}" if position else ""
    return f"{source.row(start + row)}{at}: {rows[(row, *position)]}"


def _checked_weights(
    source: Source, targets: Mapping[str, Source], inputs: Mapping[str, Source]
) -> Source:
    """Return the weights of samples or positions in float64.

    Weights of positions fit a target or an input: (N, T) fits (N, T, C).
    """
    _require_fit(source, targets, inputs)
    weights: Array = source.values[:].astype(np.float64)
    if (weights < 0).any():
        row, *position = (int(axis) for axis in np.argwhere(weights < 0)[0])
        at = f", at {position}" if position else ""
        raise DataError(
            f"{source.row(row)}{at}: the weight {weights[(row, *position)]} is negative; weights"
            " are at least 0"
        )
    if not weights.any():
        raise DataError(
            f"{source.place}: every weight is 0, so no sample counts; give some of them a"
            " positive weight"
        )
    return replace(source, values=weights)


def _require_fit(
    weights: Source, targets: Mapping[str, Source], inputs: Mapping[str, Source]
) -> None:
    axes, shape = weights.values.ndim, weights.values.shape
    compared = [source.values.shape[1:] for source in (*targets.values(), *inputs.values())]
    if any(shape[1:] == other[: axes - 1] for other in compared):
        return
    message = (
        f"{weights.place} has shape {shape}; save weights with the shape (samples,), one number"
        " for each sample"
    )
    if compared[0]:
        positions = ", ".join(map(str, compared[0][: max(1, axes - 1)]))
        role = "targets" if targets else "inputs"
        message += f", or (samples, {positions}), one for each position of the {role}"
    raise DataError(message)
