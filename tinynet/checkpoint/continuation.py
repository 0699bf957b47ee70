"""Resuming a checkpoint: the changes since it was saved, and their effect on the state."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pydantic import JsonValue

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.environment import differences
from tinynet.checkpoint.plugin_lock import check_types, recorded_names, respell_types, types_of
from tinynet.checkpoint.revisions import NEWEST, changes_since
from tinynet.checkpoint.sections import DataFacts
from tinynet.engine.tensor_names import FIGURES, LOOKAHEAD, SCHEDULE, SLOTS, of_group
from tinynet.errors import CheckpointMismatchError, CheckpointVersionError
from tinynet.spec.change import STATES, State, compare, require_survivable
from tinynet.spec.models import Spec
from tinynet.spec.monitors import SCHEDULE_METRIC, monitored_figures
from tinynet.text.options import option
from tinynet.training.progress import Progress
from tinynet.types import Array

_GROUPS: dict[State, tuple[str, ...]] = {
    "optimizer": (SLOTS, LOOKAHEAD),
    "figures": (FIGURES,),
    "schedule": (SCHEDULE,),
}
"""The groups of the arrays of a state."""

_MONITORS: dict[str, State] = {
    "/training/checkpoint/keep_best/metric": "best",
    "/training/early_stopping/metric": "early stopping",
    SCHEDULE_METRIC: "schedule",
}
"""The state that depends on each monitored figure, by the JSON pointer to its name."""


@dataclass(frozen=True)
class ResumeRules:
    """Changes since a checkpoint that a run may be resumed with.

    Attributes:
        exact: Refuse every change that may change a bit of the result.
        allow_data_change: Allow changed data.
        allow_reset: Allow changes of the spec that reset part of the state.
    """

    exact: bool = False
    allow_data_change: bool = False
    allow_reset: bool = False


class Continuation:
    """A checkpoint, and the changes of the spec since it was saved.

    ``reasons`` are other differences that may change the result, a line each.
    """

    def __init__(self, checkpoint: Checkpoint, spec: Spec, rules: ResumeRules) -> None:
        """Compare the spec and the plugins.

        Raises:
            CheckpointMismatchError: for changes that the rules do not allow, and for a plugin of
                another major version.
            CheckpointVersionError: if a newer tinynet trained the run.
            PluginError: if a type is no longer installed.
        """
        self.checkpoint = checkpoint
        # "relu" and "tinynet-core:relu" can name the same type. The recorded spec may lack keys
        # that are newer than it, so it is resolved again.
        before, here = (recorded_names(types) for types in (checkpoint.types, types_of(spec)))
        recorded = checkpoint.load_spec().resolved()
        self._before = respell_types(recorded, spec.resolved(), before, here)
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
                "a run cannot be resumed with another major version of a plugin; install the"
                " version that it was started with:\n  " + "\n  ".join(versions.major)
            )
        self.reasons = versions.minor

    def check(
        self, environment: Mapping[str, str], data: DataFacts, *, weighted: bool = False
    ) -> None:
        """Compare environment and data with the current ones; ``weighted``: with sample weights.

        Raises:
            CheckpointMismatchError: listing the changes that the rules do not allow.
        """
        changed = self.checkpoint.data.changes(data)
        if changed and not self._rules.allow_data_change:
            allow = option("--allow-data-change", "allow_data_change=True")
            advice = f"add {allow} to resume with the new data"
            raise CheckpointMismatchError("\n  ".join([*changed, advice]))
        self._data_changes = changed
        reasons = [
            *self.reasons,
            *changes_since(self.checkpoint.revision, self._spec, weighted=weighted),
            *differences(self.checkpoint.environment, environment),
            *changed,
        ]
        # Built-in types have the version of tinynet, which the environment lists already.
        self.reasons = list(dict.fromkeys(reasons))
        if self.reasons and self._rules.exact:
            lines = "\n  ".join(self.reasons)
            raise CheckpointMismatchError(f"the run cannot be resumed exactly:\n  {lines}")

    @property
    def warnings(self) -> Iterable[str]:
        """Warnings to show when the run is resumed."""
        for state in sorted(self._resets):
            yield f"the changes reset {STATES[state]}"
        if self.reasons:
            lines = "\n  ".join(self.reasons)
            yield f"the result may differ from that of an uninterrupted run:\n  {lines}"

    @property
    def _resets(self) -> set[State]:
        resets = {change.resets for change in self.changes if change.resets is not None}
        figures = monitored_figures(self._spec.training)
        resets |= {state for at, state in _MONITORS.items() if self._redefines(figures.get(at))}
        another = any(change.pointer == "/training/schedule/type" for change in self.changes)
        if another and of_group(SCHEDULE, self.checkpoint.tensors):
            resets.add("schedule")
        return resets

    def _redefines(self, figure: str | None) -> bool:
        """Return True if a monitored metric has other options, so that its best is invalid."""
        if figure is None:
            return False
        label = figure.partition("/")[2]
        after: Any = self._spec.resolved()
        old = self._before["training"].get("metrics")
        metrics = zip(self._spec.training.metrics, after["training"]["metrics"], strict=True)
        return any(
            metric.label == label and not (isinstance(old, list) and value in old)
            for metric, value in metrics
        )

    def tensors(self, fresh: Mapping[str, Array]) -> dict[str, Array]:
        """Return the arrays to resume with; those of ``fresh``, a new run, where state is reset."""
        reset = tuple(group for state in self._resets for group in _GROUPS.get(state, ()))
        if not of_group(SCHEDULE, self.checkpoint.tensors):
            reset += (SCHEDULE,)  # a new schedule starts
        kept = self.checkpoint.tensors.items()
        return {
            **{name: array for name, array in kept if not name.startswith(reset)},
            **{name: array for name, array in fresh.items() if name.startswith(reset)},
        }

    @property
    def resets_optimizer(self) -> bool:
        """True if the optimizer's state is reset."""
        return "optimizer" in self._resets

    @property
    def progress(self) -> Progress:
        """The position to resume from."""
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
        """The checkpoints that the run was started or resumed from, oldest first."""
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
