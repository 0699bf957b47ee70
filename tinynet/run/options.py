"""What whoever runs something may say, whatever the spec says."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypedDict

from tinynet.prediction.inputs import warn
from tinynet.training.events import RunEvent, Warned

Observer: TypeAlias = Callable[[RunEvent], None]


class Settings(TypedDict, total=False):
    """What whoever trains or uses a network may say; each has a default.

    Attributes:
        data_root: Where relative data paths start; by default the spec's folder, or where they
            started when the run began.
        max_params: Elements of parameters and buffers that may be allocated.
        threads: How many threads compute, by default one for each core; the result is the same
            for any number.
        kernels: Name of the numerical kernels to compute with; by default what is installed.
        observer: Told of everything that happens; by default warnings are Python's.
        lock: False trains without a lock where the file system offers none.
        strict_finite: Refuse a trained network that holds NaN or infinity, instead of warning.
    """

    data_root: str | Path | None
    max_params: int
    threads: int | None
    kernels: str | None
    observer: Observer | None
    lock: bool
    strict_finite: bool


def data_root(settings: Settings, default: Path) -> Path:
    """Where relative data paths start."""
    root = settings.get("data_root")
    return default if root is None else Path(root).resolve()


def observer(settings: Settings) -> Observer:
    """Whom to tell of everything that happens."""
    return settings.get("observer") or _warn


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warn(event.message)
