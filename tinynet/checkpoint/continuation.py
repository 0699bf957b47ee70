"""What it takes to go on with a checkpoint: what changed since, and what that means."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import JsonValue

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.environment import differences
from tinynet.checkpoint.plugin_lock import check_types, recorded_names, respell_types, types_of
from tinynet.checkpoint.revisions import NEWEST, changes_since
from tinynet.checkpoint.sections import DataFacts
from tinynet.engine.tensor_names import FIGURES, SLOTS
from tinynet.errors import CheckpointMismatchError, CheckpointVersionError
from tinynet.spec.change import STATES, State, compare, require_survivable
from tinynet.spec.models import Spec
from tinynet.spec.training_spec import EarlyStoppingSpec, KeepBestSpec
from tinynet.training.progress import Progress
from tinynet.types import Array

_PREFIXES: dict[State, str] = {"optimizer": SLOTS, "figures": FIGURES}
"""Names of the arrays that make up a state."""


@dataclass(frozen=True)
class ResumeRules:
    """What may have changed since a checkpoint was made.

    Attributes:
        exact: Nothing that may change a bit of the result: neither what computes, nor the data.
        allow_data_change: The data, too.
        allow_reset: Parts of the spec that make some of the state start anew, too.
    """

    exact: bool = False
    allow_data_change: bool = False
    allow_reset: bool = False


class Continuation:
    """A checkpoint that a run goes on from.

    Attributes:
        checkpoint: The checkpoint.
        changes: How the spec differs from the checkpoint's.
        reasons: Why the run may not end as one that was never stopped, the spec aside, a line each.
    """

    def __init__(self, checkpoint: Checkpoint, spec: Spec, rules: ResumeRules) -> None:
        """Compare the spec and the plugins.

        Args:
            checkpoint: The checkpoint.
            spec: What is to go on.
            rules: What may have changed.

        Raises:
            CheckpointMismatchError: for changes that the state cannot survive, as far as the rules
                go, and for a plugin of another major version.
            PluginError: if a type is not installed any more.
        """
        self.checkpoint = checkpoint
        # Both "relu" and "tinynet-core:relu" may stand for the same type.
        before, here = (recorded_names(types) for types in (checkpoint.types, types_of(spec)))
        self._before = respell_types(dict(checkpoint.spec), spec.resolved(), before, here)
        self.changes = compare(self._before, spec.resolved())
        self._spec = spec
        self._rules = rules
        if checkpoint.revision > NEWEST:
            raise CheckpointVersionError(
                f"the run was trained by a newer tinynet (revision {checkpoint.revision} of the"
                f" computation; this one has {NEWEST}): upgrade tinynet-core"
            )
        require_survivable(self.changes, allow_reset=rules.allow_reset)
        versions = check_types(checkpoint.types)
        if versions.major:
            raise CheckpointMismatchError(
                "a run cannot go on with another major version of a plugin; install the one that"
                " it began with:\n  " + "\n  ".join(versions.major)
            )
        self.reasons = versions.minor

    def check(
        self, environment: Mapping[str, str], data: DataFacts, *, weighted: bool = False
    ) -> None:
        """Compare what computes, and the data.

        Args:
            environment: What computes here.
            data: What is known of the data here.
            weighted: Whether the data have sample weights.

        Raises:
            CheckpointMismatchError: naming what changed, as far as the rules go.
        """
        changed = self.checkpoint.data.changes(data)
        if changed and not self._rules.allow_data_change:
            raise CheckpointMismatchError(
                "\n  ".join([*changed, "add --allow-data-change to resume with the new data"])
            )
        self._data_changes = changed
        found = [
            *changes_since(self.checkpoint.revision, self._spec, weighted=weighted),
            *differences(self.checkpoint.environment, environment),
            *changed,
        ]
        # A plugin that is part of tinynet itself changes with it, and is told once.
        self.reasons = list(dict.fromkeys([*self.reasons, *found]))
        if self.reasons and self._rules.exact:
            listed = "\n  ".join(self.reasons)
            raise CheckpointMismatchError(f"the run cannot be resumed exactly:\n  {listed}")

    @property
    def warnings(self) -> Iterable[str]:
        """What a user should know, though the run goes on."""
        for state in sorted(self._resets):
            yield f"{STATES[state]} starts anew"
        if self.reasons:
            listed = "\n  ".join(self.reasons)
            yield f"the result may differ from that of an uninterrupted run:\n  {listed}"

    @property
    def _resets(self) -> set[State]:
        resets = {change.resets for change in self.changes if change.resets is not None}
        training = self._spec.training
        if self._redefines(training.checkpoint.keep_best):
            resets.add("best")
        if self._redefines(training.early_stopping):
            resets.add("early stopping")
        return resets

    def _redefines(self, watcher: KeepBestSpec | EarlyStoppingSpec | None) -> bool:
        """Whether what is watched is computed in another way, so that its best means nothing."""
        if watcher is None:
            return False
        label = watcher.metric.partition("/")[2]
        after: Any = self._spec.resolved()
        known = self._before["training"].get("metrics")
        named = zip(self._spec.training.metrics, after["training"]["metrics"], strict=True)
        return any(
            metric.label == label and not (isinstance(known, list) and value in known)
            for metric, value in named
        )

    def tensors(self, fresh: Mapping[str, Array]) -> dict[str, Array]:
        """The checkpoint's arrays, but for those that start anew.

        Args:
            fresh: The arrays of a run that has not begun.
        """
        anew = tuple(_PREFIXES[state] for state in self._resets if state in _PREFIXES)
        kept = self.checkpoint.tensors.items()
        return {
            **{name: array for name, array in kept if not name.startswith(anew)},
            **{name: array for name, array in fresh.items() if name.startswith(anew)},
        }

    @property
    def renews_optimizer(self) -> bool:
        """Whether the optimizer's state starts anew."""
        return "optimizer" in self._resets

    @property
    def progress(self) -> Progress:
        """Where the run goes on."""
        progress, resets = replace(self.checkpoint.progress), self._resets
        if "optimizer" in resets:
            progress.optimizer_start = progress.step
        if "best" in resets:
            progress.best = None
        if "early stopping" in resets:
            progress.best_for_stopping, progress.stale = None, 0
        return progress

    @property
    def lineage(self) -> tuple[dict[str, JsonValue], ...]:
        """Where the run comes from, oldest first."""
        changes: list[JsonValue] = [asdict(change) for change in self.changes]
        origin: dict[str, JsonValue] = {
            "run_id": self.checkpoint.run_id,
            "step": self.checkpoint.progress.step,
            "changes": changes,
            "data_changes": list(self._data_changes),
            "exact": not self.reasons,
            "reasons": list(self.reasons),
        }
        return (*self.checkpoint.lineage, origin)
