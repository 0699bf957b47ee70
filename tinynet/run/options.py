"""Options of a run that are not part of its spec."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypedDict

from tinynet.text.warning import warn
from tinynet.training.events import RunEvent, Warned

Observer: TypeAlias = Callable[[RunEvent], None]


class Settings(TypedDict, total=False):
    """Options of training and of using a network; each has a default.

    Attributes:
        data_root: The folder that relative data paths start in; by default the spec's, or the one
            that the run recorded.
        threads: The number of threads, by default one per core; it does not affect the result.
        observer: Called with every event; by default warnings become Python warnings.
        lock: False trains without a lock where the file system offers none.
        max_params: Elements of parameters and buffers that may be allocated.
        kernels: Name of the numerical kernels; by default the fastest that are installed.
        strict_finite: Refuse a trained network that holds NaN or infinity, instead of warning.
        verify_data: Read data files from end to end, also large ones whose sizes and times are
            those of an earlier reading.
    """

    data_root: str | Path | None
    threads: int | None
    observer: Observer | None
    lock: bool
    max_params: int
    kernels: str | None
    strict_finite: bool
    verify_data: bool


def data_root(settings: Settings, default: Path) -> Path:
    """Return the folder that relative data paths start in."""
    root = settings.get("data_root")
    return default if root is None else Path(root).resolve()


def observer(settings: Settings) -> Observer:
    """Return the function that is called with every event."""
    return settings.get("observer") or _warn


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warn(event.message)
