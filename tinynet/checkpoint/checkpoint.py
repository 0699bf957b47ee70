"""What a checkpoint says, and how it becomes an archive and is one again.

A checkpoint is the whole state of a run after a step: with it and the data, the run goes on as if
it had never stopped. It holds no generator state, since there is none (see
`tinynet.kernels.random`), and
no history, since that is in the log.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet import archive
from tinynet.checkpoint.plugin_lock import TypeFacts, check_types, recorded_names
from tinynet.checkpoint.revisions import NEWEST
from tinynet.checkpoint.sections import DataFacts, LogMark, hash_of, parse_sections
from tinynet.errors import (
    CheckpointError,
    CheckpointFormatError,
    CheckpointMismatchError,
    DivergedError,
    SpecError,
)
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_recorded_spec
from tinynet.training.progress import Progress
from tinynet.types import Array

_TRANSFORMS = "transforms/"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The whole state of a run after a step.

    Attributes:
        run_id: The run it belongs to.
        spec: The spec as JSON, every default filled in.
        progress: Where in the run it was made.
        tensors: Parameters, buffers, optimizer slots and running figures: what `Trainer.state`
            gives.
        transforms: What preprocessing learned from the training data.
        data: What the run knew of its data.
        log: How far the log was.
        lineage: What the run was resumed or started from, oldest first.
        environment: What computed it; see `tinynet.checkpoint.environment`.
        types: Who registered each type; see `tinynet.checkpoint.plugin_lock`.
        revision: The newest revision it was written under; see `tinynet.checkpoint.revisions`.
    """

    run_id: str
    spec: dict[str, JsonValue]
    progress: Progress
    tensors: Mapping[str, Array]
    transforms: Mapping[str, Array]
    data: DataFacts
    log: LogMark
    lineage: tuple[dict[str, JsonValue], ...]
    environment: dict[str, str]
    types: dict[str, TypeFacts]
    revision: int = NEWEST

    @property
    def arrays(self) -> dict[str, Array]:
        """Every array by its name in the file."""
        transforms = {f"{_TRANSFORMS}{name}": array for name, array in self.transforms.items()}
        return {**self.tensors, **transforms}

    def write(self, path: Path) -> None:
        """Write it, atomically and durably.

        Raises:
            DivergedError: if an array is not finite: such a state is never saved.
            CheckpointIOError: if the disk or the file system refuses.
        """
        if bad := self.not_finite():
            raise DivergedError(
                f"{bad[0]} is not finite after step {self.progress.step};"
                " the checkpoint was not saved, earlier ones are kept"
            )
        sections = self.sections
        archive.write(path, sections, self.arrays, run_id=self.run_id, step=self.progress.step)

    def not_finite(self) -> list[str]:
        """Return the names of tensors that hold NaN or infinity, which are never saved."""
        return [name for name, array in self.tensors.items() if not _is_finite(array)]

    @property
    def sections(self) -> dict[str, Any]:
        """The JSON sections of the file."""
        return {
            "spec": self.spec,
            "spec_hash": hash_of(self.spec),
            "progress": self.progress.to_json(),
            "data": to_jsonable_python(asdict(self.data)),
            "log": asdict(self.log),
            "lineage": list(self.lineage),
            "environment": self.environment,
            "types": {key: asdict(facts) for key, facts in self.types.items()},
            "revision": self.revision,
        }

    @classmethod
    def read(cls, path: Path, *, copy: bool = True) -> "Checkpoint":
        """Read and verify one.

        Args:
            path: The file.
            copy: False maps the file instead, for reading only.

        Raises:
            CheckpointError: if it cannot be read, or is not one.
        """
        found = archive.read(path, copy=copy)
        sections = parse_sections(path, found.sections)
        if sections.progress.step != found.step:
            raise CheckpointFormatError(
                f"{path}: it says step {found.step}, and its progress step {sections.progress.step}"
            )
        return cls(
            run_id=found.run_id,
            spec=sections.spec,
            progress=sections.progress,
            tensors={n: a for n, a in found.tensors.items() if not n.startswith(_TRANSFORMS)},
            transforms={
                n.removeprefix(_TRANSFORMS): a
                for n, a in found.tensors.items()
                if n.startswith(_TRANSFORMS)
            },
            data=sections.data,
            log=sections.log,
            lineage=sections.lineage,
            environment=sections.environment,
            types=sections.types,
            revision=sections.revision,
        )

    def load_spec(self, overrides: Mapping[str, Any] | None = None) -> Spec:
        """Load its spec, with the types that it recorded, and check it against what is installed.

        Args:
            overrides: JSON values by dotted path.

        Raises:
            PluginError: if a type is not installed any more; it says what to install.
            CheckpointMismatchError: if the spec is not valid here.
            SpecError: for overrides that are wrong.
        """
        check_types(self.types)
        recorded = recorded_names(self.types)
        try:
            spec = load_recorded_spec(self.spec, recorded=recorded)
        except SpecError as error:
            message = f"the checkpoint's spec is not valid here: {error}"
            raise CheckpointMismatchError(message) from error
        return load_recorded_spec(self.spec, overrides, recorded) if overrides else spec

    def check_finite(self, *, strict: bool) -> list[str]:
        """Look for values that no training leaves behind, in parameters and buffers.

        Args:
            strict: Refuse them.

        Returns:
            A warning for each array that holds one.

        Raises:
            CheckpointError: listing those arrays, if ``strict``.
        """
        bad = [
            f"{name} of the checkpoint holds NaN or infinity"
            for name, array in self.tensors.items()
            if name.startswith(("params/", "buffers/")) and not _is_finite(array)
        ]
        if bad and strict:
            raise CheckpointError("\n  ".join(bad))
        return bad


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
