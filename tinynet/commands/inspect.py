"""The content of checkpoints and run folders, read without importing a plugin."""

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
    """A tensor in the directory of a checkpoint.

    Attributes:
        name: Its group and its address: ``params/conv2d_1/weight``.
        dtype: Its dtype.
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
        """Its group: ``params``, ``buffers``, ``slots``, ``figures``, ..."""
        return self.name.partition("/")[0]


@dataclass(frozen=True)
class CheckpointFacts:
    """What is inside a checkpoint.

    Attributes:
        path: The file.
        size: Its size in bytes.
        format: Version of the file format.
        run_id: Its run.
        step: Updates done.
        sections: All its content except tensors, as JSON.
        tensors: The tensors, by name in ascending order.
        verified: True if the tensors were read and match their checksums.
        not_finite: Names of the tensors with NaN or infinity, if they were read.
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
        """As plain data."""
        digests = {"digest": self.digest, "spec_digest": self.spec_digest}
        return {**asdict(self), "path": str(self.path), **digests}


def digest_of(tensors: Iterable[TensorFacts]) -> str:
    """Return the XXH3-128 digest, in hexadecimal, of a line for each tensor, in ascending order.

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
        verify: True to read and verify the tensors, too; they are mapped and take no memory.

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
        step: Its step, by the file's name.
        size: Its bytes.
        best: True if it is the best so far, by the newest checkpoint.
        last: True if it is the newest readable one.
        digest: Digest of all its tensors; None if it cannot be read.
        problem: The reason why it cannot be used, or None.
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
    """The content of a run's folder.

    Attributes:
        path: The folder.
        run_id: The run's id; None if no checkpoint can be read.
        verified: True if every byte of the checkpoints was verified.
        checkpoints: The checkpoints, oldest first.
        set_aside: Damaged checkpoints that a process has set aside.
        leftovers: Temporary files of a process that is saving, or was killed.
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
    """Inspect a run's folder; damaged checkpoints are listed, too.

    Args:
        path: The folder.
        verify: True to read and verify every byte of every checkpoint.

    Raises:
        CheckpointIOError: if it is not a run's folder, or cannot be read.
    """
    folder = RunFolder(Path(path))
    if not folder.checkpoints.is_dir():
        raise no_run(folder.path)
    found = {step: _read(folder.checkpoint(step), step, verify) for step in folder.steps()}
    # A checkpoint that was removed meanwhile is not damaged.
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
    """Inspect a checkpoint of a run, with the reason if it cannot be read."""
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
