"""Fine-tuning: a new run that starts from a checkpoint of another run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.transfer import (
    TransferPlan,
    TransferRefusedError,
    TransferRules,
    apply_transfer,
    plan_transfer,
)
from tinynet.dataset import Field
from tinynet.errors import CheckpointMismatchError, explaining_io
from tinynet.spec.models import Spec
from tinynet.text.wording import path_text
from tinynet.training.trainer import Trainer
from tinynet.types import Array


class FineTuning:
    """A checkpoint that a new run starts from.

    Attributes:
        path: The checkpoint's file.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint, rules: TransferRules) -> None:
        """Load the checkpoint.

        Args:
            path: The checkpoint's file.
            checkpoint: Its content.
            rules: The allowed differences.

        Raises:
            CheckpointIOError: if the file cannot be read.
        """
        self.path = path
        self._checkpoint = checkpoint
        self._rules = rules
        with explaining_io(path), path.open("rb") as file:
            self._digest = hashlib.file_digest(file, "sha256").hexdigest()

    def fitted(self, spec: Spec) -> Mapping[str, Array] | None:
        """Return the state of fitted transforms for the new run; None if they must be fitted.

        Raises:
            CheckpointMismatchError: if it must be kept, but the checkpoint has other transforms.
        """
        if not self._rules.keep_preprocessing:
            return None
        before, after = (_transforms(part) for part in (self._checkpoint.spec, spec.resolved()))
        if before != after:
            raise CheckpointMismatchError(
                "--keep-preprocessing needs a spec with the checkpoint's transforms; its"
                f" data.transforms is {json.dumps(before)}, here it is {json.dumps(after)}"
            )
        return self._checkpoint.transforms

    def plan(self, trainer: Trainer) -> TransferPlan:
        """Plan the transfer of tensors to the trainer's network; nothing is changed.

        Raises:
            TransferRefusedError: listing everything that the rules do not allow.
        """
        try:
            plan = plan_transfer(trainer.network, self._checkpoint, self._rules)
        except TransferRefusedError as error:
            raise TransferRefusedError(self._noted(error.plan, trainer), self.path) from None
        return self._noted(plan, trainer)

    def _noted(self, plan: TransferPlan, trainer: Trainer) -> TransferPlan:
        notes = self._data_notes(trainer.data.raw)
        return replace(plan, notes=(*plan.notes, *notes))

    def apply(self, plan: TransferPlan, trainer: Trainer) -> None:
        """Load the planned tensors into a trainer before its first step.

        Raises:
            CheckpointMismatchError: if a value is too large for the network's dtype.
        """
        apply_transfer(plan, trainer.network, self._checkpoint)
        trainer.renew_slots()

    def lineage(self, plan: TransferPlan) -> tuple[dict[str, JsonValue], ...]:
        """Return the origins of the new run, oldest first."""
        transfer: dict[str, JsonValue] = {
            "file": path_text(self.path),
            "sha256": self._digest,
            "tensors": {str(action): number for action, number in plan.counts().items()},
            "rules": to_jsonable_python(self._rules),
        }
        origin: dict[str, JsonValue] = {
            "run_id": self._checkpoint.run_id,
            "step": self._checkpoint.progress.step,
            "transfer": transfer,
        }
        return (*self._checkpoint.lineage, origin)

    def _data_notes(self, fields: Mapping[str, Field]) -> list[str]:
        """Yield notes about data that differ from those of the checkpoint, a line each."""
        notes = []
        if self._checkpoint.transforms:
            notes.append(
                "preprocessing is kept: it uses what it learned from the checkpoint's data"
                if self._rules.keep_preprocessing
                else "preprocessing is fitted to the new data; --keep-preprocessing uses what it"
                " learned from the checkpoint's"
            )
        for name, after in fields.items():
            before = self._checkpoint.data.raw.get(name)
            if before is None:
                continue
            if before.classes != after.classes:
                change = f"{_listed(before.classes)} -> {_listed(after.classes)}"
                notes.append(f"{name!r} has other classes: {change}")
            if before.names != after.names:
                change = f"{_listed(before.names)} -> {_listed(after.names)}"
                notes.append(f"{name!r} has other features: {change}")
        return notes


def _transforms(spec: Mapping[str, Any]) -> Any:
    data = spec.get("data")
    return data.get("transforms") if isinstance(data, Mapping) else None


def _listed(names: tuple[str, ...] | None) -> str:
    """Return the first few names, separated by commas."""
    if names is None:
        return "none"
    return ", ".join(names[:8]) + (f", ... ({len(names)})" if len(names) > 8 else "")
