"""Fine-tuning: a new run that starts from a checkpoint of another run, or a file of weights."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.layouts.names import Layout
from tinynet.checkpoint.layouts.plan import plan_layout_transfer
from tinynet.checkpoint.layouts.recognition import layout_advice
from tinynet.checkpoint.transfer import (
    TransferPlan,
    TransferRefusedError,
    apply_transfer,
    plan_transfer,
)
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.checkpoint.weight_transfer import as_tensors, plan_weight_transfer, required_arrays
from tinynet.dataset import Field
from tinynet.errors import CheckpointMismatchError, DataError, UsageError, explaining_io
from tinynet.files.array_header import ArrayHeader
from tinynet.files.weights import (
    WeightFile,
    is_weight_file,
    open_weights,
    refuse_foreign,
)
from tinynet.run.carried_names import carried_names, note, refusal
from tinynet.run.lookup import find_checkpoint
from tinynet.run.start_request import StartRequest
from tinynet.spec.models import Spec
from tinynet.text.printing import counted
from tinynet.text.wording import path_text
from tinynet.training.trainer import Trainer
from tinynet.types import Array


def file_origin(path: Path) -> dict[str, JsonValue]:
    """Return the name and the digest of a file, for a lineage."""
    with explaining_io(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path_text(path), "sha256": digest}


@dataclass(frozen=True, eq=False)
class FineTuning:
    """A checkpoint that a new run starts from, its file, and the rules of the transfer."""

    path: Path
    checkpoint: Checkpoint
    rules: TransferRules
    origin: dict[str, JsonValue]  # the `file_origin` of the path

    def fitted(self, spec: Spec) -> Mapping[str, Array] | None:
        """Return the state of the fitted transforms that is kept; None if they are fitted again.

        Raises:
            CheckpointMismatchError: if the checkpoint has other transforms than the spec.
        """
        if not self.rules.keep_preprocessing:
            return None
        before, after = _transforms(self.checkpoint.spec), _transforms(spec.resolved())
        if before != after:
            raise CheckpointMismatchError(
                "--keep-preprocessing needs a spec with the checkpoint's transforms; its"
                f" data.transforms is {json.dumps(before)}, here it is {json.dumps(after)}"
            )
        return self.checkpoint.transforms

    def plan(self, trainer: Trainer) -> TransferPlan:
        """Plan the transfer into the trainer's network; change nothing.

        Raises:
            TransferRefusedError: listing everything that the rules do not allow, and features and
                classes whose weights would be carried over to others.
        """
        notes = self._data_notes(trainer.data.raw)
        try:
            plan = plan_transfer(trainer.network, self.checkpoint, self.rules)
        except TransferRefusedError as error:
            noted = replace(error.plan, notes=(*error.plan.notes, *notes))
            raise TransferRefusedError(noted, self.path) from None
        found = carried_names(trainer, self.checkpoint, plan)
        notes += [note(names) for names in found if not names.moved and names.replaced]
        plan = replace(plan, notes=(*plan.notes, *notes))
        kept = self.rules.keep_preprocessing
        wrong = [refusal(n, trainer, self.checkpoint, kept=kept) for n in found if n.moved]
        if wrong:
            raise TransferRefusedError(replace(plan, refusals=tuple(wrong)), self.path)
        return plan

    def apply(self, plan: TransferPlan, trainer: Trainer) -> None:
        """Copy the planned values into a trainer that is at step 0.

        Raises:
            CheckpointMismatchError: if a value is too large for the network's dtype.
        """
        apply_transfer(plan, trainer.network, self.checkpoint.weights)
        trainer.renew_slots()

    def lineage(self, plan: TransferPlan) -> tuple[dict[str, JsonValue], ...]:
        """Return the lineage of the new run, oldest first."""
        origin: dict[str, JsonValue] = {
            "run_id": self.checkpoint.run_id,
            "step": self.checkpoint.progress.step,
            "transfer": _transfer(self.origin, plan, self.rules),
        }
        return (*self.checkpoint.lineage, origin)

    def _data_notes(self, fields: Mapping[str, Field]) -> list[str]:
        """Describe how preprocessing, classes and features differ from the checkpoint's."""
        notes = []
        if self.checkpoint.transforms:
            notes.append(
                "preprocessing is kept: it uses the statistics of the checkpoint's data"
                if self.rules.keep_preprocessing
                else "preprocessing is fitted to the new data; --keep-preprocessing uses the"
                " statistics of the checkpoint's data"
            )
        for name, after in fields.items():
            before = self.checkpoint.data.raw.get(name)
            if before is None:
                continue
            for kind, old, new in (
                ("classes", before.classes, after.classes),
                ("features", before.names, after.names),
            ):
                if old != new:
                    notes.append(f"{name!r} has other {kind}: {_shorten(old)} -> {_shorten(new)}")
        return notes


@dataclass(frozen=True, eq=False)
class WeightFileStart:
    """A file of weights that a new run starts from, and the rules of the transfer.

    Attributes:
        path: The file.
        file: Its arrays.
        rules: The rules.
        origin: The `file_origin` of the path.
        layout: The framework whose layout the file has; None for that of `tinynet export`.
    """

    path: Path
    file: WeightFile
    rules: TransferRules
    origin: dict[str, JsonValue]
    layout: Layout | None = None

    @classmethod
    def open(
        cls, path: Path, rules: TransferRules, layout: Layout | None = None
    ) -> "WeightFileStart":
        """Open a file; `DataError` if it is not a file of weights."""
        refuse_foreign(path)
        file = open_weights(path)
        file.headers()  # the error for a missing file is that of weights
        return cls(path, file, rules, file_origin(path), layout)

    def fitted(self, spec: Spec) -> None:
        """Return None: the transforms are fitted to the new data.

        Raises:
            CheckpointMismatchError: for ``keep_preprocessing``, which needs a checkpoint.
        """
        if self.rules.keep_preprocessing:
            raise CheckpointMismatchError(
                f"{self.path} has no preprocessing; --keep-preprocessing needs a run or checkpoint"
            )

    def plan(self, trainer: Trainer) -> TransferPlan:
        """Plan the transfer into the trainer's network; change nothing.

        Raises:
            DataError: if the file cannot be read.
            TransferRefusedError: listing everything that the rules do not allow.
            CheckpointMismatchError: for wrong names in ``map``.
        """
        headers = self.file.headers()
        advice = layout_advice(headers, self.layout)
        try:
            plan = self._plan(trainer, headers)
        except TransferRefusedError as error:
            noted = _with_conversions(error.plan)
            raise TransferRefusedError(_advised(noted, advice), self.path) from None
        except CheckpointMismatchError as error:
            raise CheckpointMismatchError(
                f"{advice}\n  {error}" if advice else str(error)
            ) from None
        warned = (advice,) if advice and not _carries(plan) else ()
        return replace(_with_conversions(plan), warnings=(*warned, *plan.warnings))

    def _plan(self, trainer: Trainer, headers: Mapping[str, ArrayHeader]) -> TransferPlan:
        network, name = trainer.network, self.path.name
        if self.layout is None:
            return plan_weight_transfer(network, headers, self.rules, name)
        in_order = self.path.suffix.lower() == ".npz"
        return plan_layout_transfer(
            network, headers, self.layout, self.rules, name, in_order=in_order
        )

    def apply(self, plan: TransferPlan, trainer: Trainer) -> None:
        """Copy the planned values into a trainer that is at step 0.

        Raises:
            DataError: if the file cannot be read, or a value is not finite.
            CheckpointMismatchError: if a value is too large for the network's dtype.
        """
        arrays = self.file.read(required_arrays(plan))
        require_finite_arrays(self.path, arrays)
        apply_transfer(plan, trainer.network, as_tensors(arrays))
        trainer.renew_slots()

    def lineage(self, plan: TransferPlan) -> tuple[dict[str, JsonValue], ...]:
        """Return the lineage of the new run."""
        return ({"weights": self.record(plan)},)

    def record(self, plan: TransferPlan) -> dict[str, JsonValue]:
        """Return the file, the rules, and the number of tensors of each action."""
        transfer = _transfer(self.origin, plan, self.rules)
        if self.layout is not None:
            transfer["layout"] = self.layout
        return transfer


def conversion_notes(plan: TransferPlan) -> list[str]:
    """Return a note for each dtype of the file that is converted."""
    pairs = [
        (m.source.dtype, m.target.dtype) for m in plan.moves if m.source and m.target and m.fits
    ]
    notes = []
    for (before, after), count in Counter(pairs).items():
        if before != after:
            is_exact = _BITS[before] < _BITS.get(after, 0)
            how = "exactly" if is_exact else "rounded"
            notes.append(f"{counted(count, 'array')} of {before} converted to {after}, {how}")
    return notes


_BITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}
"""The bits of the significand of each dtype."""


def _carries(plan: TransferPlan) -> bool:
    return any(move.action in ("carried", "overlapped") for move in plan.moves)


def _with_conversions(plan: TransferPlan) -> TransferPlan:
    """Return a plan, perhaps a refused one, with the notes of its conversions."""
    return replace(plan, notes=(*plan.notes, *conversion_notes(plan)))


def _advised(plan: TransferPlan, advice: str) -> TransferPlan:
    """Return a refused plan with the layout that the file needs first.

    Options that would drop all arrays of the file are left out then.
    """
    if not advice:
        return plan
    if _carries(plan):
        return replace(plan, refusals=(advice, *plan.refusals))
    return replace(plan, refusals=(advice,), options=())


def open_start(request: StartRequest, warn: Callable[[str], None]) -> FineTuning | WeightFileStart:
    """Return the start from a file of weights, or from a run or checkpoint.

    Raises:
        UsageError: for a layout with a run or checkpoint.
        CheckpointError: for a run without a usable checkpoint.
        DataError: for a file that cannot be read.
    """
    assert request.source is not None
    path = Path(request.source)
    refuse_foreign(path)
    if is_weight_file(path):
        return WeightFileStart.open(path, request.rules, request.layout)
    if request.layout is not None:
        raise UsageError(
            f"layout={request.layout!r} (--layout) is for files of weights, .npz or .safetensors,"
            f" but {path} is not one: leave it out, or save the weights as such a file"
        )
    path, checkpoint = find_checkpoint(request.source, warn=warn)
    return FineTuning(path, checkpoint, request.rules, file_origin(path))


def require_finite_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Raise a `DataError` if an array of a file of weights holds a NaN or an infinity."""
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise DataError(f"{path} holds values that are not finite, in {', '.join(bad)}")


def _transfer(
    origin: dict[str, JsonValue], plan: TransferPlan, rules: TransferRules
) -> dict[str, JsonValue]:
    return {
        **origin,
        "tensors": {str(action): number for action, number in plan.counts().items()},
        "rules": to_jsonable_python(rules),
    }


def _transforms(spec: Mapping[str, Any]) -> Any:
    data = spec.get("data")
    return data.get("transforms") if isinstance(data, Mapping) else None


def _shorten(names: tuple[str, ...] | None) -> str:
    """Return the first few names."""
    if names is None:
        return "none"
    return ", ".join(names[:8]) + (f", ... ({len(names)})" if len(names) > 8 else "")
