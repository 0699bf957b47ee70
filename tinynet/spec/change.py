"""What a changed spec means for a run that goes on with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from tinynet.errors import CheckpointMismatchError
from tinynet.text.document import join_pointer

Effect = Literal["safe", "incompatible"]

_SAFE = re.compile(
    r"/name"
    r"|/training/(epochs|steps|early_stopping|checkpoint|log_every_steps|schedule)(/.*)?"
    r"|/training/optimizer/(learning_rate|clip_norm|weight_decay)"
    r"|/network/input_shape(/.*)?"
)
"""What may change under way: it decides how the run goes on, not what its state means."""


@dataclass(frozen=True)
class Change:
    """One value that differs between two resolved specs.

    Attributes:
        pointer: Where.
        old: What it was; None where it was not said.
        new: What it is; None where it is not said.
        effect: What it means for a run: ``"safe"``, or ``"incompatible"`` with its state.
    """

    pointer: str
    old: JsonValue
    new: JsonValue
    effect: Effect

    def __str__(self) -> str:
        return f"{self.pointer}: {self.old!r} -> {self.new!r}"


def compare(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> list[Change]:
    """Every value that differs between two resolved specs."""
    return list(_compare(dict(old), dict(new), []))


def _compare(old: JsonValue, new: JsonValue, path: list[str]) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _compare(old.get(key), new.get(key), [*path, key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _compare(a, b, [*path, str(index)])
    elif old != new:
        pointer = join_pointer(path)
        yield Change(pointer, old, new, "safe" if _SAFE.fullmatch(pointer) else "incompatible")


def require_safe(changes: list[Change]) -> None:
    """Refuse changes that a run's state cannot survive.

    Raises:
        CheckpointMismatchError: listing them all.
    """
    if bad := [change for change in changes if change.effect == "incompatible"]:
        listed = "\n  ".join(map(str, bad))
        raise CheckpointMismatchError(
            f"a run cannot go on with these changes; start a new one for them:\n  {listed}"
        )
