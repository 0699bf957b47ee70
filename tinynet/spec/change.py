"""Changes of a spec, and their effect on the state of a run that is resumed with it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from tinynet.errors import CheckpointMismatchError
from tinynet.text.options import option
from tinynet.text.places import join_pointer

Effect = Literal["safe", "resets state", "incompatible"]
State = Literal["optimizer", "figures", "best", "early stopping", "schedule"]

_SAFE = (
    # Length, rate and logging of the rest of the run; nothing computed so far depends on these.
    r"/name",
    r"/training/(epochs|steps|shards|log_every_steps|log_statistics_every_steps|loggers)(/.*)?",
    # A schedule that sees the results of evaluations has a metric, and state.
    r"/training/schedule(/(?!metric$).*)?",
    r"/training/optimizer/(learning_rate|clip_norm|clip_value|weight_decay)",
    r"/training/optimizer/groups/\d+/(rate_factor|weight_decay)",
    r"/training/regularizers/\d+/.+",
    r"/network/layers/\d+/regularizer/.+",
    r"/training/constraints(/.*)?",
    r"/training/early_stopping/(patience|min_delta)",
    r"/training/checkpoint/(every_\w+|keep_last)",
    # These do not affect training, or are compared elsewhere with the shapes themselves.
    r"/data/test/.+",
    r"/network/input_shape(/.*)?",
)
"""JSON pointers of settings that affect the rest of a run, and not the meaning of its state."""

_RESETTING: tuple[tuple[str, State], ...] = (
    (r"/training/optimizer(/.*)?", "optimizer"),
    (r"/network/layers/\d+/trainable", "optimizer"),
    (r"/training/trainable(/.*)?", "optimizer"),
    (r"/training/metrics(/.*)?", "figures"),
    (r"/training/regularizers(/.*)?", "figures"),
    (r"/network/layers/\d+/regularizer", "figures"),
    (r"/training/evaluate_every_steps", "figures"),
    (r"/training/checkpoint/keep_best(/.*)?", "best"),
    (r"/training/early_stopping(/metric)?", "early stopping"),
    (r"/training/schedule/metric", "schedule"),
)
"""JSON pointers of settings, unless they are safe, that change the meaning of some state."""

# All else is incompatible: network and dtype (the parameters themselves), losses (with weights and
# targets) and class weights (what is minimized), seed, batch size, accumulation, data, split and
# transforms (the samples of a step, and their values).

_STARTS_EMPTY = (
    "/training/checkpoint/keep_best",
    "/training/early_stopping",
    "/training/schedule/metric",
    # The classes of the data are recorded, and others are reported as changed data.
    "/data/classes",
)
"""Settings that have no state until the spec has them: to add one is safe."""

STATES: dict[State, str] = {
    "optimizer": "the optimizer's state",
    "figures": "the training figures since the last evaluation",
    "best": "which checkpoint is the best",
    "early stopping": "the count of early stopping",
    "schedule": "the state of the learning-rate schedule",
}
"""State that a change may reset, in words."""


@dataclass(frozen=True)
class Change:
    """One value that differs between two resolved specs."""

    pointer: str  # JSON pointer to the value
    old: JsonValue  # None where it was not set
    new: JsonValue  # None where it is not set
    effect: Effect  # on the state of a run
    resets: State | None = None  # the state that it resets

    def __str__(self) -> str:
        return f"{self.pointer}: {_as_json(self.old)} -> {_as_json(self.new)}"


def _as_json(value: JsonValue) -> str:
    """Return a value as JSON, or "(not set)"."""
    return "(not set)" if value is None else json.dumps(value, ensure_ascii=False)


def compare(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> list[Change]:
    """Return every value that differs between two resolved specs."""
    return list(_compare(dict(old), dict(new), []))


def _compare(old: JsonValue, new: JsonValue, path: list[str]) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _compare(old.get(key), new.get(key), [*path, key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _compare(a, b, [*path, str(index)])
    elif old != new:
        yield _change(join_pointer(path), old, new)


def _change(pointer: str, old: JsonValue, new: JsonValue) -> Change:
    if pointer == "/training/schedule" and isinstance(old, dict) and "metric" in old:
        return Change(pointer, old, new, "resets state", "schedule")
    starts = old is None and pointer in _STARTS_EMPTY
    if starts or any(re.fullmatch(pattern, pointer, re.DOTALL) for pattern in _SAFE):
        return Change(pointer, old, new, "safe")
    for pattern, state in _RESETTING:
        if re.fullmatch(pattern, pointer, re.DOTALL):
            return Change(pointer, old, new, "resets state", state)
    return Change(pointer, old, new, "incompatible")


def require_survivable(changes: Iterable[Change], *, allow_reset: bool) -> None:
    """Raise CheckpointMismatchError, listing every change that does not fit the run's state."""
    changes = list(changes)
    effects = {change.effect for change in changes}
    if "incompatible" in effects:
        verdict = (
            "these changes do not fit the state of the run; start a new run with tinynet train"
        )
    elif "resets state" in effects and not allow_reset:
        allow = option("--allow-reset", "allow_reset=True")
        verdict = f"these changes reset part of the state; add {allow} to continue"
    else:
        return
    listed = "\n  ".join(
        f"{change} ({f'resets {STATES[change.resets]}' if change.resets else change.effect})"
        for change in changes
    )
    raise CheckpointMismatchError(f"{verdict}:\n  {listed}")
