"""The event files of TensorBoard."""

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinynet.errors import explaining_io
from tinynet.extras import importing
from tinynet.files.strict import APPEND, open_strictly, require_folder
from tinynet.logger import LoggedRun, LoggerConfig, RunState

_FOLDER = "tensorboard"

_VERSION = "brain.Event:2"
"""The version of the format in which a start event hides the later steps of earlier files."""


class TensorBoard:
    """Event files of TensorBoard in the folder ``tensorboard`` of the run folder.

    ``tensorboard --logdir runs`` shows the figures of all runs as scalars, under their names. Steps
    that a resumed run repeats are shown once. Needs the package ``tensorboardX``.
    """

    family = "dashboards"

    class Config(LoggerConfig):
        """No options."""

    def __init__(self, config: Config) -> None:
        with importing("tensorboard", "the logger tensorboard"):
            from tensorboardX.proto.event_pb2 import Event, SessionLog
            from tensorboardX.proto.summary_pb2 import Summary
            from tensorboardX.record_writer import masked_crc32c
        self._event, self._session, self._summary = Event, SessionLog, Summary
        self._checksum = masked_crc32c
        self._last: dict[str, int] = {}

    def start(self, run: LoggedRun) -> None:
        earlier = self._new_file(run)
        # Events at the step itself are written again: only the history tells which of them the
        # earlier process recorded before its checkpoint.
        first, now = run.step if earlier else 0, time.time()
        start = self._session(status=self._session.START)
        self._append(
            self._event(wall_time=now, file_version=_VERSION),
            self._event(wall_time=now, step=first, session_log=start),
            *(
                self._scalars(record.step, record.figures, record.time)
                for record in (*run.history, *run.statistics, *run.tests)
                if record.step >= first
            ),
        )

    def log(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self._append(self._scalars(step, figures, time.time()))

    def statistics(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.log(step, epoch, figures)

    def log_test(self, run: LoggedRun, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        if self._new_file(run):
            # Without a start event, which would hide the later steps of earlier files.
            self._append(self._event(wall_time=time.time(), file_version=_VERSION))
        else:
            self.start(run)
        self.log(step, epoch, figures)

    def finish(self, state: RunState, figures: Mapping[str, float]) -> None:
        pass

    def _new_file(self, run: LoggedRun) -> list[str]:
        """Choose a file for the events; return the names of the earlier ones."""
        folder = run.folder / _FOLDER
        with explaining_io(folder):
            folder.mkdir(exist_ok=True)
            require_folder(folder)
            earlier = sorted(path.name for path in folder.glob("events.out.tfevents.*"))
        self._path = _next_path(folder, earlier)
        return earlier

    def _scalars(self, step: int, figures: Mapping[str, float], now: float) -> Any:
        # The learning rate of a step is a figure of its evaluation, too.
        new = {name: value for name, value in figures.items() if self._last.get(name) != step}
        self._last |= dict.fromkeys(new, step)
        values = [self._summary.Value(tag=name, simple_value=v) for name, v in new.items()]
        return self._event(wall_time=now, step=step, summary=self._summary(value=values))

    def _append(self, *events: Any) -> None:
        """Append events as records: length and bytes, each with a checksum.

        Everything is with the system when this returns, so that a killed process loses no event.
        """
        parts: list[bytes] = []
        for event in events:
            data: bytes = event.SerializeToString()
            for part in (struct.pack("<Q", len(data)), data):
                parts += (part, struct.pack("<I", self._checksum(part)))
        with explaining_io(self._path), open(open_strictly(self._path, APPEND), "ab") as file:
            file.write(b"".join(parts))


def _next_path(folder: Path, earlier: list[str]) -> Path:
    """Return a file that sorts after the earlier ones: TensorBoard reads them in this order."""
    parts = [name.split(".")[3] for name in earlier]
    newest = max((int(part) for part in parts if part.isdecimal()), default=0)
    second = max(int(time.time()), newest + 1)
    return folder / f"events.out.tfevents.{second:010d}.{os.uname().nodename}"
