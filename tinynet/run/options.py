"""The options of training and using a network that do not belong to the spec."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypedDict

from tinynet.prediction.inputs import warn
from tinynet.training.events import RunEvent, Warned

Observer: TypeAlias = Callable[[RunEvent], None]


class Settings(TypedDict, total=False):
    """The options of `train`, `resume`, `evaluate` and `load_model`.

    Attributes:
        data_root: Folder of relative data paths; by default the spec's folder, or the one that the
            run recorded.
        max_params: Most elements of parameters and buffers together.
        threads: Number of threads; by default the number of cores. Any number gives the same
            result.
        kernels: Name of the numerical kernels; by default the installed ones.
        observer: Called with every event; by default warnings become Python warnings.
        lock: False to train without a lock if the file system has none.
        strict_finite: Raise an error for a trained network with NaN or infinity, not a warning.
    """

    data_root: str | Path | None
    max_params: int
    threads: int | None
    kernels: str | None
    observer: Observer | None
    lock: bool
    strict_finite: bool


def data_root(settings: Settings, default: Path) -> Path:
    """Return the folder of relative data paths."""
    root = settings.get("data_root")
    return default if root is None else Path(root).resolve()


def observer(settings: Settings) -> Observer:
    """Return the function that is called with every event."""
    return settings.get("observer") or _warn


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warn(event.message)
