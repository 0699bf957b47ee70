"""The end of the last process that trained a run, where the run is not finished after it.

    {"state": "diverged", "message": "the loss is not finite at step 12: ...", "step": 11, ...}

The file ``ending.json`` is a convenience for `tinynet runs` and reports: no training depends on it,
and a folder that cannot be written gets none. A resumed run removes it, so there is none after a
process was killed.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import Signals
from typing import Literal, TypeAlias, get_args

from tinynet.errors import CheckpointError, DivergedError
from tinynet.files.atomic import replacing
from tinynet.files.strict import READ, open_strictly
from tinynet.run.interrupts import Interrupted
from tinynet.run.record_log import is_count
from tinynet.text.wording import cause

EndState: TypeAlias = Literal["stopped", "diverged", "failed"]

NAME = "ending.json"

_MAX_FILE = 2**16
"""The most bytes of the file that are read."""

_MAX_MESSAGE = 2000
"""The most characters of a message that are kept."""


@dataclass(frozen=True)
class Ending:
    """The end of a process that trained a run.

    Attributes:
        state: ``"stopped"`` by an observer or a signal, ``"diverged"``, or ``"failed"``.
        message: The reason; it may be empty.
        step: Updates done.
        by_observer: True if an observer raised `StopTraining`.
    """

    state: EndState
    message: str
    step: int
    by_observer: bool = False


@contextmanager
def recorded_ending(
    run: Path, step: Callable[[], int], stop: Callable[[], str | None]
) -> Iterator[None]:
    """Record how the block ends, best-effort; a finished run has no record.

    Args:
        run: The run folder.
        step: Function that returns the updates done.
        stop: Function that returns the reason of an observer that stopped the run; else None.
    """
    path = run / NAME
    _remove(path)
    try:
        yield
    except Interrupted as error:
        _write(path, Ending("stopped", f"interrupted by {_name(error.signal)}", step()))
        raise
    except KeyboardInterrupt:
        _write(path, Ending("stopped", "interrupted", step()))
        raise
    except DivergedError as error:
        _write(path, Ending("diverged", str(error), step()))
        raise
    except Exception as error:
        _write(path, Ending("failed", cause(error), step()))
        raise
    reason = stop()
    if reason is not None:
        _write(path, Ending("stopped", reason, step(), True))


def read_ending(run: Path) -> Ending | None:
    """Return the record; None without one, and for one that is damaged."""
    with suppress(OSError, CheckpointError, ValueError, RecursionError):
        with open(open_strictly(run / NAME, READ), "rb") as file:
            record = json.loads(file.read(_MAX_FILE))
        if isinstance(record, dict):
            state = next((name for name in get_args(EndState) if name == record.get("state")), None)
            message, step = record.get("message"), record.get("step")
            if state is not None and isinstance(message, str) and is_count(step):
                by_observer = record.get("by_observer") is True
                return Ending(state, message[:_MAX_MESSAGE], step, by_observer)
    return None


def _name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def _write(path: Path, ending: Ending) -> None:
    record = {**asdict(ending), "message": ending.message[:_MAX_MESSAGE]}
    with suppress(OSError, CheckpointError), replacing(path) as write_at:
        write_at(0, json.dumps(record).encode() + b"\n")


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
