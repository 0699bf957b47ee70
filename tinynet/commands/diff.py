"""Comparison of two checkpoints, runs or specs."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet import archive
from tinynet.checkpoint.sections import SECTIONS, SPEC_HASH, Section
from tinynet.commands.inspect import TensorFacts, digest_of
from tinynet.errors import CheckpointFormatError
from tinynet.run.folder import RunFolder, retry_if_pruned
from tinynet.run.path_errors import no_checkpoint
from tinynet.spec.change import Change, compare
from tinynet.spec.reading import ENDINGS, load_spec
from tinynet.types import Array

Kind: TypeAlias = Literal["only in a", "only in b", "layout", "values"]

_PIECE = 2**20
"""Number of elements that are compared at a time."""


@dataclass(frozen=True)
class Side:
    """One of the two compared files: a checkpoint, or a spec, which has a path alone."""

    path: Path
    run_id: str | None = None
    step: int | None = None
    digest: str | None = None  # of all tensors, see `tinynet.commands.inspect.digest_of`


@dataclass(frozen=True)
class TensorDifference:
    """A tensor that differs.

    The last three attributes are None unless ``kind`` is ``"values"``.
    """

    name: str
    kind: Kind
    a: TensorFacts | None
    b: TensorFacts | None
    differing: int | None = None  # number of elements whose bits differ
    max_abs: float | None = None  # greatest absolute difference, computed in float64
    relative_norm: float | None = None  # Euclidean norm of the difference, divided by that of `a`


@dataclass(frozen=True)
class Difference:
    """The differences of two checkpoints, or of two specs."""

    a: Side
    b: Side
    spec: list[Change]  # each with its effect on a resumed run
    facts: list[Change]  # of the other sections, by pointer: ``/progress/step``
    equal_tensors: int  # number of tensors that are equal, bit for bit
    tensors: list[TensorDifference]  # the others, sorted by name

    @property
    def equal(self) -> bool:
        """True if both are the same state of training.

        The spec, the progress, the data (except their folder) and every bit of every tensor must be
        equal. The run ID, the log, the lineage and the software may differ.
        """
        return not (self.spec or self.tensors or any(map(is_essential, self.facts)))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        facts = [
            {"pointer": c.pointer, "old": c.old, "new": c.new, "essential": is_essential(c)}
            for c in self.facts
        ]
        return {"equal": self.equal, **to_jsonable_python(self), "facts": facts}


def is_essential(change: Change) -> bool:
    """Return True if a changed fact changes the state; see `Difference.equal`."""
    section = SECTIONS.get(change.pointer.split("/")[1], Section())
    return section.is_state and change.pointer != "/data/root"


def compare_checkpoints(a: str | Path, b: str | Path, warn: Callable[[str], None]) -> Difference:
    """Compare two checkpoints, bit for bit, or two specs.

    Either may be a checkpoint; a run folder, for its newest intact checkpoint (``warn`` is called
    for each damaged one); or a spec, whose name ends in ``.json``. If one is a spec, only the
    specs are compared.

    Raises:
        CheckpointError: if a checkpoint cannot be read.
        SpecError: for a wrong spec.
        PluginError: if a spec file names a type that is not installed.
    """
    first, second = _open(Path(a), warn), _open(Path(b), warn)
    are_checkpoints = first.side.digest is not None and second.side.digest is not None
    spec = compare(first.spec, second.spec)
    if not are_checkpoints:
        return Difference(first.side, second.side, spec, [], 0, [])
    names = sorted(first.directory.keys() | second.directory.keys())
    tensors = list(_differences(names, first, second))
    facts = compare(first.facts, second.facts)
    return Difference(first.side, second.side, spec, facts, len(names) - len(tensors), tensors)


@dataclass(frozen=True, eq=False)
class _Content:
    side: Side
    spec: Mapping[str, JsonValue]
    facts: Mapping[str, JsonValue]
    directory: Mapping[str, TensorFacts]
    tensors: Mapping[str, Array]


def _open(path: Path, warn: Callable[[str], None]) -> _Content:
    if path.suffix.lower() in ENDINGS:
        return _Content(Side(path), load_spec(path).resolved(), {}, {}, {})
    if not os.path.lexists(path):
        raise no_checkpoint(path)
    if path.is_dir():
        folder = RunFolder(path)
        newest = retry_if_pruned(lambda: folder.newest(warn, set_aside=False, copy=False))
        path = folder.checkpoint(newest.progress.step)
    content = archive.read(path, copy=False)
    entries = archive.read_outline(path).tensors
    directory = {name: TensorFacts.of(name, entry) for name, entry in entries.items()}
    facts = dict(content.sections)
    spec = facts.pop("spec", None)
    facts.pop(SPEC_HASH, None)
    if not isinstance(spec, dict):
        raise CheckpointFormatError(f"{path} is an archive without a spec, not a checkpoint")
    side = Side(path, content.run_id, content.step, digest_of(directory.values()))
    return _Content(side, spec, facts, directory, content.tensors)


def _differences(names: list[str], a: _Content, b: _Content) -> Iterator[TensorDifference]:
    for name in names:
        ours, theirs = a.directory.get(name), b.directory.get(name)
        if ours is None or theirs is None:
            yield TensorDifference(name, "only in b" if ours is None else "only in a", ours, theirs)
        elif (ours.dtype, ours.shape) != (theirs.dtype, theirs.shape):
            yield TensorDifference(name, "layout", ours, theirs)
        elif ours != theirs:
            measured = _measure(a.tensors[name], b.tensors[name])
            yield TensorDifference(name, "values", ours, theirs, *measured)


def _measure(a: Array, b: Array) -> tuple[int, float, float]:
    """Return the number of differing elements, the greatest difference and the relative norm."""
    differing, largest, squares, reference = 0, 0.0, 0.0, 0.0
    bits = np.dtype(f"u{a.itemsize}")
    a, b = a.reshape(-1), b.reshape(-1)
    with np.errstate(all="ignore"):
        for start in range(0, a.size, _PIECE):
            ours, theirs = a[start : start + _PIECE], b[start : start + _PIECE]
            differ = ours.view(bits) != theirs.view(bits)
            old, new = ours.astype(np.float64), theirs.astype(np.float64)
            # Equal bits differ by 0, even infinities and NaN.
            gap = np.where(differ, np.abs(new - old), 0.0)
            differing += int(np.count_nonzero(differ))
            largest = float(np.maximum(largest, gap.max()))
            squares += float(gap @ gap)
            reference += float(old @ old)
    norm = math.sqrt(squares / reference) if reference else math.inf
    return differing, largest, norm
