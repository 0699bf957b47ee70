"""A checkpoint: the complete state of a run after a step, and its file.

With the checkpoint and the data, a run resumes as if it had never stopped. A checkpoint holds no
generator state, since random streams are derived (see `tinynet.kernels.random`), and no history,
which the log holds.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import JsonValue

from tinynet import archive
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.plugin_lock import check_types, missing_loggers, recorded_names, types_of
from tinynet.checkpoint.sections import DataFacts, LogMark, Sections, parse_sections
from tinynet.engine.tensor_names import AVERAGE, TRANSFORMS, WEIGHTS, in_group, of_group
from tinynet.errors import (
    CheckpointError,
    CheckpointFormatError,
    CheckpointMismatchError,
    DivergedError,
    PluginError,
    SpecError,
)
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_recorded_spec
from tinynet.text.options import option, overrides
from tinynet.types import Array

if TYPE_CHECKING:
    from tinynet.training.trainer import Trainer


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint(Sections):
    """The complete state of a run after a step: its JSON sections and its arrays.

    Attributes:
        run_id: The name that all checkpoints of the run share.
        tensors: Parameters, buffers, their averages, optimizer state and running figures, by full
            name (see `tinynet.engine.tensor_names`), as `Trainer.state` returns them.
        transforms: The state of the fitted transforms, by address.
    """

    run_id: str
    tensors: Mapping[str, Array]
    transforms: Mapping[str, Array]

    @classmethod
    def of(
        cls,
        trainer: "Trainer",
        lineage: Iterable[dict[str, JsonValue]] = (),
        run_id: str | None = None,
    ) -> "Checkpoint":
        """Return the state of a trainer, which has data; the arrays are not copied.

        ``lineage`` are the checkpoints that the run was started or resumed from, oldest first.
        """
        return cls(
            run_id=secrets.token_hex(8) if run_id is None else run_id,
            tensors=trainer.state(),
            transforms=trainer.data.state(),
            spec=trainer.spec.with_inferred(trainer.data.inferred).resolved(),
            progress=trainer.progress,
            data=DataFacts.of(trainer.data),
            log=LogMark(),
            lineage=tuple(lineage),
            environment=environment(trainer.network.kernels),
            types=types_of(trainer.spec),
        )

    @property
    def arrays(self) -> dict[str, Array]:
        """Every array by its name in the file."""
        return {**self.tensors, **in_group(TRANSFORMS, self.transforms)}

    @property
    def weights(self) -> dict[str, Array]:
        """The parameters and buffers by full name: their averages if the run has averages."""
        averages = of_group(AVERAGE, self.tensors)
        return averages or {n: array for n, array in self.tensors.items() if n.startswith(WEIGHTS)}

    def write(self, path: Path) -> None:
        """Write the file, atomically and durably.

        Raises:
            DivergedError: if an array holds NaN or infinity: such a state is never saved.
            CheckpointIOError: if the disk or the file system refuses.
        """
        if bad := self.not_finite():
            raise DivergedError(
                f"{bad[0]} is not finite after step {self.progress.step};"
                " the checkpoint was not saved, earlier ones are kept"
            )
        archive.write(
            path, self.encoded(), self.arrays, run_id=self.run_id, step=self.progress.step
        )

    def not_finite(self) -> list[str]:
        """Return the names of tensors that hold NaN or infinity, which are never saved."""
        return [name for name, array in self.tensors.items() if not _is_finite(array)]

    @classmethod
    def read(cls, path: Path, *, copy: bool = True) -> "Checkpoint":
        """Read and verify a file; without ``copy`` it is mapped, for reading only.

        Raises:
            CheckpointError: if it cannot be read, or is not a checkpoint.
        """
        content = archive.read(path, copy=copy)
        sections = parse_sections(path, content.sections)
        if sections.progress.step != content.step:
            raise CheckpointFormatError(
                f"{path}: its header has step {content.step}, and its progress step"
                f" {sections.progress.step}"
            )
        transforms = of_group(TRANSFORMS, content.tensors)
        tensors = {n: a for n, a in content.tensors.items() if not n.startswith(TRANSFORMS)}
        return cls(run_id=content.run_id, tensors=tensors, transforms=transforms, **vars(sections))

    def load_spec(self, overrides: Mapping[str, Any] | None = None) -> Spec:
        """Load the spec with the recorded types, and overrides by dotted path.

        Raises:
            PluginError: if a type is no longer installed; with the command that installs it.
            CheckpointMismatchError: if the spec is not valid here.
            SpecError: for invalid overrides.
        """
        check_types(self.types)
        recorded = recorded_names(self.types)
        content = self._without_missing_loggers()
        try:
            spec = load_recorded_spec(content, recorded=recorded)
        except SpecError as error:
            message = f"the checkpoint's spec is not valid here: {error}"
            raise CheckpointMismatchError(message) from error
        return load_recorded_spec(content, overrides, recorded) if overrides else spec

    def _without_missing_loggers(self) -> dict[str, JsonValue]:
        training = self.spec.get("training")
        if not isinstance(training, dict) or not training.get("loggers"):
            return self.spec
        usable, missing = missing_loggers(training["loggers"], self.types)
        return {**self.spec, "training": {**training, "loggers": usable}} if missing else self.spec

    def require_loggers(self) -> None:
        """Raise `PluginError` if a logger of the spec is not installed here."""
        training = self.spec.get("training")
        loggers = training.get("loggers") if isinstance(training, dict) else None
        if problems := missing_loggers(loggers, self.types)[1]:
            change = option(
                "--set 'training.loggers=[\"csv\"]'", overrides('training.loggers=["csv"]')
            )
            without = f"resume with other loggers: {change}"
            raise PluginError("\n  ".join([*problems, f"to go without, {without}"]))

    def check_finite(self, *, strict: bool) -> list[str]:
        """Return a warning for each weight with NaN or infinity; if ``strict``, raise an error."""
        bad = [
            f"{name} of the checkpoint holds NaN or infinity"
            for name, array in self.weights.items()
            if not _is_finite(array)
        ]
        if bad and strict:
            raise CheckpointError("\n  ".join(bad))
        return bad


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
