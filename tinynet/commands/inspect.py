"""What is inside a checkpoint, and in a run's folder, told without importing any plugin."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from os.path import lexists
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from xxhash import xxh3_128, xxh3_128_hexdigest

from tinynet import archive
from tinynet.archive.header import VERSION, TensorEntry
from tinynet.errors import CheckpointError, explaining_io
from tinynet.files import canonical_json
from tinynet.files.atomic import leftovers
from tinynet.run.folder import RunFolder
from tinynet.run.path_errors import no_checkpoint, no_run
from tinynet.types import Shape


@dataclass(frozen=True)
class TensorFacts:
    """A tensor, as a checkpoint's directory describes it.

    Attributes:
        name: Its group and its address: ``params/conv2d_1/weight``.
        dtype: Of its elements.
        shape: Its shape.
        bytes: Its size.
        digest: XXH3-128 of its bytes, as hexadecimal text.
    """

    name: str
    dtype: str
    shape: Shape
    bytes: int
    digest: str

    @classmethod
    def of(cls, name: str, entry: TensorEntry) -> "TensorFacts":
        """Return the facts of an entry of the directory."""
        return cls(name, entry.dtype, entry.shape, entry.nbytes, entry.digest.hex())

    @property
    def group(self) -> str:
        """What it belongs to: ``params``, ``buffers``, ``slots``, ``figures``, ..."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class CheckpointFacts:
    """What is inside a checkpoint.

    Attributes:
        path: The file.
        size: Its bytes.
        format: Version of the file format.
        run_id: The run it belongs to.
        step: Updates done.
        sections: Everything in it that is no tensor, as JSON.
        tensors: The tensors, by name in ascending order.
        verified: True if the tensors' bytes were read, and are those that were written.
        not_finite: Names of tensors that hold a NaN or an infinity, as far as they were read.
    """

    path: Path
    size: int
    format: int
    run_id: str
    step: int
    sections: dict[str, JsonValue]
    tensors: tuple[TensorFacts, ...]
    verified: bool
    not_finite: tuple[str, ...]

    def section(self, name: str) -> dict[str, JsonValue]:
        """Return a section that is an object; empty where there is none."""
        value = self.sections.get(name)
        return value if isinstance(value, dict) else {}

    @property
    def digest(self) -> str:
        """See `digest_of`; equal on two machines where all tensors are equal bit for bit."""
        return digest_of(self.tensors)

    @property
    def spec_digest(self) -> str:
        """XXH3-128 of the spec as canonical JSON, as hexadecimal text."""
        return xxh3_128_hexdigest(canonical_json.encode(self.section("spec")))

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        digests = {"digest": self.digest, "spec_digest": self.spec_digest}
        return {**asdict(self), "path": str(self.path), **digests}


def digest_of(tensors: Iterable[TensorFacts]) -> str:
    """XXH3-128, as hexadecimal text, of a line for each tensor, ascending by name.

    A line is the tensor's name, dtype, shape and digest, such as
    ``params/conv2d_1/weight float32 3x3x1x16 9a6d61d7...``, and ends with a line feed.
    """
    hasher = xxh3_128()
    for tensor in tensors:
        shape = "x".join(map(str, tensor.shape))
        hasher.update(f"{tensor.name} {tensor.dtype} {shape} {tensor.digest}\n".encode())
    return hasher.hexdigest()


def inspect_checkpoint(path: str | Path, *, verify: bool = False) -> CheckpointFacts:
    """What is inside a checkpoint.

    Args:
        path: The file.
        verify: Read and verify the tensors' bytes, too; they are mapped and take no memory.

    Raises:
        CheckpointError: if it cannot be read.
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
    """A checkpoint of a run.

    Attributes:
        path: The file.
        step: Its step, by its name.
        size: Its bytes.
        best: True if it is the best so far, as the newest one has it.
        last: True if it is the newest that can be read.
        digest: Of all its tensors; None where it cannot be read.
        problem: Why it cannot be used; None where nothing was found.
    """

    path: Path
    step: int
    size: int
    best: bool
    last: bool
    digest: str | None
    problem: str | None


@dataclass(frozen=True)
class RunFacts:
    """What is in a run's folder.

    Attributes:
        path: The folder.
        run_id: The run's; None where no checkpoint can be read.
        verified: True if every byte of the checkpoints was verified.
        checkpoints: The checkpoints, oldest first.
        set_aside: Damaged checkpoints that a process found and set aside.
        leftovers: Temporary files: of a process that saves now, or of one that was killed.
    """

    path: Path
    run_id: str | None
    verified: bool
    checkpoints: tuple[ListedCheckpoint, ...]
    set_aside: tuple[Path, ...]
    leftovers: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "path": str(self.path),
            "run_id": self.run_id,
            "verified": self.verified,
            "checkpoints": [{**asdict(c), "path": str(c.path)} for c in self.checkpoints],
            "set_aside": [str(path) for path in self.set_aside],
            "leftovers": [str(path) for path in self.leftovers],
        }


def inspect_run(path: str | Path, *, verify: bool = False) -> RunFacts:
    """What is in a run's folder; damaged checkpoints are listed like the others.

    Args:
        path: The folder.
        verify: Read and verify every byte of every checkpoint.

    Raises:
        CheckpointIOError: if it is no run's folder, or cannot be read.
    """
    folder = RunFolder(Path(path))
    if not folder.checkpoints.is_dir():
        raise no_run(folder.path)
    found = {step: _read(folder.checkpoint(step), step, verify) for step in folder.steps()}
    # One that was pruned under our hands is no damaged one.
    found = {step: facts for step, facts in found.items() if lexists(folder.checkpoint(step))}
    sound = [facts for facts in found.values() if isinstance(facts, CheckpointFacts)]
    newest = sound[-1] if sound else None
    with explaining_io(folder.path):
        set_aside = tuple(sorted(folder.checkpoints.glob("*.bad")))
        temporary = (*leftovers(folder.path), *leftovers(folder.checkpoints))
        listed = tuple(
            _listed(folder.checkpoint(step), step, facts, newest) for step, facts in found.items()
        )
    run_id = newest.run_id if newest is not None else None
    return RunFacts(folder.path, run_id, verify, listed, set_aside, temporary)


def _read(path: Path, step: int, verify: bool) -> CheckpointFacts | str:
    """What is inside a run's checkpoint, or why nobody can tell."""
    try:
        facts = inspect_checkpoint(path, verify=verify)
    except CheckpointError as error:
        return str(error).removeprefix(f"{path}: ")
    if facts.step != step:
        return f"it is named after step {step}, and holds step {facts.step}"
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
