"""Options of a run that are not part of its spec."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from tinynet.engine.process_group import ProcessGroup
from tinynet.events import StopTraining
from tinynet.fleet import Fleet
from tinynet.text.warning import warn
from tinynet.training.events import RunEvent, Warned

Observer: TypeAlias = Callable[[RunEvent], None]


class Settings(TypedDict, total=False):
    """Options of training and of using a network; each has a default.

    Attributes:
        data_root: The folder that relative data paths start in; by default the spec's, or the one
            that the run recorded.
        threads: The number of threads, by default one per core, or its share of the cores if
            several processes of a fleet run on one machine; it does not affect the result.
        observer: Called with every event of `tinynet.events`, or a list of such functions; by
            default warnings become Python warnings.
        loggers: Loggers besides those of the spec, each a name or an object like one in a spec;
            only for training.
        lock: False trains without a lock where the file system offers none.
        max_params: Elements of parameters and buffers that may be allocated.
        kernels: Name of the numerical kernels; by default the fastest that are installed.
        fleet: Name of the plugin that connects the processes that a launcher started, or an object
            like it, or "none" to let each process work by itself; by default the installed one, if
            the launcher started several.
        fleet_timeout: Seconds that a process of a fleet waits for the others before it ends the
            job; by default 600.
        strict_finite: Refuse a trained network that holds NaN or infinity, instead of warning.
        verify_data: Read data files from end to end, also large ones whose sizes and times are
            those of an earlier reading.
        profile: Record the time of some steps, and write it to the run folder: True, or the number
            of steps; only for training.
        keep_data: Keep the opened data in the result of training, so that its `evaluate` need not
            read their files again; they take memory as long as it exists.
    """

    data_root: str | Path | None
    threads: int | None
    observer: Observer | Sequence[Observer] | None
    loggers: Sequence[str | Mapping[str, Any]]
    lock: bool
    max_params: int
    kernels: str | None
    fleet: str | Fleet | None
    fleet_timeout: float
    strict_finite: bool
    verify_data: bool
    profile: bool | int | None
    keep_data: bool


def data_root(settings: Settings, default: Path) -> Path:
    """Return the folder that relative data paths start in."""
    root = settings.get("data_root")
    return default if root is None else Path(root).resolve()


def threads(settings: Settings, group: ProcessGroup | None) -> int | None:
    """Return the number of threads; None for the number of cores."""
    number = settings.get("threads")
    return group.threads if number is None and group is not None else number


def observer(settings: Settings) -> Observer:
    """Return the function that is called with every event."""
    given = settings.get("observer") or _warn
    return given if callable(given) else _Several(tuple(given))


@contextmanager
def shown_progress(progress: bool, settings: Settings) -> Iterator[None]:
    """Add a display to the observers, in front of the others, if ``progress`` is True."""
    if not progress:
        yield
        return
    from tinynet.progress.display import Display

    given = settings.get("observer") or ()
    with Display() as display:
        settings["observer"] = [display, *([given] if callable(given) else given)]
        yield


@dataclass(frozen=True)
class _Several:
    """Several observers, called in order; a request to stop is raised after the last one."""

    observers: tuple[Observer, ...]

    def __call__(self, event: RunEvent) -> None:
        stop: StopTraining | None = None
        for observe in self.observers:
            try:
                observe(event)
            except StopTraining as request:
                stop = request if stop is None else stop
        if stop is not None:
            raise stop


def _warn(event: RunEvent) -> None:
    if isinstance(event, Warned):
        warn(event.message)
