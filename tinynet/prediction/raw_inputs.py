"""Raw inputs of some samples, with their origin, in parts of any size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinynet.errors import DataError
from tinynet.types import Array


class TooManySamplesError(DataError):
    """Inputs with more samples than are allowed."""


def require_at_most(limit: int | None, samples: int) -> None:
    """Raise `TooManySamplesError` for more samples than a limit; None is no limit."""
    if limit is not None and samples > limit:
        raise TooManySamplesError(
            f"there are more than {limit:,} samples; send fewer of them at a time"
        )


@dataclass(frozen=True)
class InputFile:
    """A file that inputs were read from, or a part of it; it can be opened like a path."""

    name: str  # its path
    samples: int
    is_image: bool  # the file is one sample, such as an image
    number: int = 0  # its position among the files that were read

    def __fspath__(self) -> str:
        return self.name


@dataclass(frozen=True)
class RawInputs:
    """Inputs as a dataset returns them.

    Attributes:
        arrays: The inputs by name, (N, *shape) each.
        rows: Number of each sample in its file, counted from 0, (N,).
        files: The files of the samples, in order; none for objects in memory.
        places: The origin of each sample, for messages; empty if file and row describe it.
        kept: The columns that were asked for, by name.
        identity: The columns of an answer that identify a sample: ``file`` or ``sample``, or both.
        left_out: The number and the kept columns of each row that was dropped.
    """

    arrays: dict[str, Array]
    rows: Array
    files: tuple[InputFile, ...] = ()
    places: Sequence[str] = ()
    kept: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    identity: tuple[str, ...] = ("sample",)
    left_out: Sequence[tuple[int, Mapping[str, Any]]] = ()

    @classmethod
    def of(cls, arrays: dict[str, Array], files: tuple[InputFile, ...] = ()) -> "RawInputs":
        """Return inputs in memory, or of whole files, all of whose samples are there."""
        parts = [np.arange(file.samples) for file in files]
        rows = np.concatenate(parts) if parts else np.arange(len(next(iter(arrays.values()))))
        return cls(arrays, rows, files)

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int) -> str:
        """Return the origin of a sample: its file, and its number or line there."""
        if self.places:
            return self.places[row]
        number = f"sample {int(self.rows[row])} (counted from 0)"
        for file in self.files:
            if row < file.samples:
                return file.name if file.is_image else f"{file.name}, {number}"
            row -= file.samples
        return number

    def part(self, start: int, stop: int) -> "RawInputs":
        """Return the samples from ``start`` to ``stop``."""
        rows = slice(start, stop)
        return RawInputs(
            {name: array[rows] for name, array in self.arrays.items()},
            self.rows[rows],
            _files_between(self.files, start, stop),
            self.places[rows],
            {name: column[rows] for name, column in self.kept.items()},
            self.identity,
        )


def _files_between(files: Sequence[InputFile], start: int, stop: int) -> tuple[InputFile, ...]:
    """Return the parts of files that have the samples from ``start`` to ``stop``."""
    parts, first = [], 0
    for file in files:
        samples = min(stop, first + file.samples) - max(start, first)
        if samples > 0:
            parts.append(replace(file, samples=samples))
        first += file.samples
    return tuple(parts)


def join_files(parts: Iterable[InputFile]) -> tuple[InputFile, ...]:
    """Return the files of which some parts follow each other."""
    joined: list[InputFile] = []
    for part in parts:
        if joined and joined[-1].number == part.number:
            joined[-1] = replace(part, samples=joined[-1].samples + part.samples)
        else:
            joined.append(part)
    return tuple(joined)


def join_columns(parts: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, Sequence[Any]]:
    """Return columns by name, each joined from its parts."""
    return {name: [cell for part in parts for cell in part[name]] for name in parts[0]}


def join_inputs(parts: Sequence[RawInputs]) -> RawInputs:
    """Return the samples of all parts."""
    if len(parts) == 1:
        return parts[0]
    return RawInputs(
        {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays},
        np.concatenate([part.rows for part in parts]),
        join_files(file for part in parts for file in part.files),
        [part.place(row) for part in parts for row in range(len(part))]
        if any(part.places for part in parts)
        else (),
        join_columns([part.kept for part in parts]),
        parts[0].identity,
        [row for part in parts for row in part.left_out],
    )


def in_chunks(parts: Iterable[RawInputs], size: int) -> Iterator[RawInputs]:
    """Yield the same samples ``size`` at a time; the last ones may be fewer."""
    waiting: list[RawInputs] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) < size:
            continue
        joined = join_inputs(waiting)
        whole = len(joined) // size * size
        for start in range(0, whole, size):
            yield joined.part(start, start + size)
        waiting = [joined.part(whole, len(joined))] if whole < len(joined) else []
    if waiting:
        yield join_inputs(waiting)
