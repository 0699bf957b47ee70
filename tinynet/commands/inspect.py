"""The content of checkpoints and run folders, read without importing any plugin."""

from collections.abc import Iterable
from dataclasses import dataclass
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from xxhash import xxh3_128, xxh3_128_hexdigest

from tinynet import archive
from tinynet.archive.header import VERSION, TensorEntry
from tinynet.errors import CheckpointError, explaining_io
from tinynet.files import canonical_json
from tinynet.files.atomic import leftovers
from tinynet.run.folder import RunFolder
from tinynet.run.path_errors import no_checkpoint, no_run, none_intact
from tinynet.types import Shape


@dataclass(frozen=True)
class TensorFacts:
    """A tensor in a checkpoint's directory."""

    name: str  # the group and the address: ``params/conv2d_1/weight``
    dtype: str
    shape: Shape
    bytes: int
    digest: str  # XXH3-128 of the bytes, in hexadecimal

    @classmethod
    def of(cls, name: str, entry: TensorEntry) -> "TensorFacts":
        """Return the facts of an entry of the directory."""
        return cls(name, entry.dtype, entry.shape, entry.nbytes, entry.digest.hex())

    @property
    def group(self) -> str:
        """The group: ``params``, ``buffers``, ``slots``, ``figures``, ..."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class CheckpointFacts:
    """The content of a checkpoint."""

    path: Path
    size: int  # of the file, in bytes
    format: int  # version of the file format
    run_id: str
    step: int
    sections: dict[str, JsonValue]
    tensors: tuple[TensorFacts, ...]  # sorted by name
    verified: bool  # True if the tensors' bytes were read and match their digests
    not_finite: tuple[str, ...]  # tensors with NaN or infinity; empty unless verified

    def section(self, name: str) -> dict[str, JsonValue]:
        """Return a section that is an object; empty if it is missing."""
        value = self.sections.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def digest(self) -> str:
        """The digest of all tensors, see `digest_of`."""
        return digest_of(self.tensors)

    @property
    def spec_digest(self) -> str:
        """XXH3-128 of the spec as canonical JSON, in hexadecimal."""
        return xxh3_128_hexdigest(canonical_json.encode(self.section("spec")))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        digests = {"digest": self.digest, "spec_digest": self.spec_digest}
        return {**to_jsonable_python(self), **digests}


def digest_of(tensors: Iterable[TensorFacts]) -> str:
    """Return XXH3-128, in hexadecimal, of one line per tensor, sorted by name.

    A line is the tensor's name, dtype, shape and digest, such as
    ``params/conv2d_1/weight float32 3x3x1x16 9a6d61d7...``, and ends with a line feed.
    """
    hasher = xxh3_128()
    for tensor in tensors:
        shape = "x".join(map(str, tensor.shape))
        hasher.update(f"{tensor.name} {tensor.dtype} {shape} {tensor.digest}\n".encode())
    return hasher.hexdigest()


def inspect_checkpoint(path: str | Path, *, verify: bool = False) -> CheckpointFacts:
    """Read the content of a checkpoint file; raise `CheckpointError` if it cannot be read.

    With ``verify``, verify the tensors' bytes too; the file is mapped, not copied to memory.
    """
    path = Path(path)
    if not lexists(path):
        raise no_checkpoint(path)
    outline = archive.read_outline(path)
    tensors = archive.read(path, copy=False).tensors if verify else {}
    with explaining_io(path):
        size = path.stat().st_size
    return CheckpointFacts(
        path,
        size,
        VERSION,
        outline.run_id,
        outline.step,
        outline.sections,
        tuple(TensorFacts.of(name, entry) for name, entry in outline.tensors.items()),
        verify,
        tuple(name for name, array in tensors.items() if not np.isfinite(array).all()),
    )


@dataclass(frozen=True)
class ListedCheckpoint:
    """A checkpoint of a run."""

    path: Path
    step: int  # in the file's name
    size: int  # in bytes
    best: bool  # True if it is the best so far, according to the newest one
    last: bool  # True if it is the newest readable one
    digest: str | None  # of all tensors; None if it cannot be read
    problem: str | None  # the reason why it cannot be used


@dataclass(frozen=True)
class RunFacts:
    """The content of a run folder."""

    path: Path
    run_id: str | None  # None if no checkpoint can be read
    verified: bool  # True if every byte of the checkpoints was verified
    checkpoints: tuple[ListedCheckpoint, ...]  # oldest first
    set_aside: tuple[Path, ...]  # damaged checkpoints that were renamed to ``.bad``
    leftovers: tuple[Path, ...]  # temporary files of a process that is saving, or was killed

    def require_intact(self) -> None:
        """Require at least one checkpoint that can be used.

        Raises:
            CheckpointError: if there is none, listing the fault of each.
        """
        if not self.checkpoints:
            raise no_run(self.path)
        if all(checkpoint.problem is not None for checkpoint in self.checkpoints):
            raise none_intact(self.path, [f"{c.path}: {c.problem}" for c in self.checkpoints])


def inspect_run(path: str | Path, *, verify: bool = False) -> RunFacts:
    """Read the content of a run folder; list damaged checkpoints as well.

    With ``verify``, verify every byte of every checkpoint too.

    Raises:
        CheckpointIOError: if it is not a run folder, or cannot be read.
    """
    folder = RunFolder(Path(path))
    if not folder.checkpoints.is_dir():
        raise no_run(folder.path)
    by_step = {step: _read(folder.checkpoint(step), step, verify) for step in folder.steps()}
    # A checkpoint that the training process has pruned in the meantime is not damaged.
    by_step = {step: facts for step, facts in by_step.items() if lexists(folder.checkpoint(step))}
    intact = [facts for facts in by_step.values() if isinstance(facts, CheckpointFacts)]
    newest = intact[-1] if intact else None
    with explaining_io(folder.path):
        set_aside = tuple(sorted(folder.checkpoints.glob("*.bad")))
        temporary = (*leftovers(folder.path), *leftovers(folder.checkpoints))
        listed = tuple(
            _listed(folder.checkpoint(step), step, facts, newest) for step, facts in by_step.items()
        )
    run_id = newest.run_id if newest is not None else None
    return RunFacts(folder.path, run_id, verify, listed, set_aside, temporary)


def _read(path: Path, step: int, verify: bool) -> CheckpointFacts | str:
    """Return the content of a run's checkpoint, or the reason why it cannot be used."""
    try:
        facts = inspect_checkpoint(path, verify=verify)
    except CheckpointError as error:
        return str(error).removeprefix(f"{path}: ")
    if facts.step != step:
        return f"it is named after step {step}, but holds step {facts.step}"
    return facts


def _listed(
    path: Path, step: int, facts: CheckpointFacts | str, newest: CheckpointFacts | None
) -> ListedCheckpoint:
    if isinstance(facts, str):
        return ListedCheckpoint(path, step, path.lstat().st_size, False, False, None, facts)
    assert newest is not None
    best = newest.section("progress").get("best")
    problem = None if facts.run_id == newest.run_id else f"it belongs to the run {facts.run_id}"
    return ListedCheckpoint(
        path,
        step,
        facts.size,
        isinstance(best, dict) and best.get("step") == step,
        facts is newest,
        facts.digest,
        problem,
    )
