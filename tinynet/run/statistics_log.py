"""The statistics of a run: one JSON object per line, for each step that has them."""

import json
import math
import os
from pathlib import Path

from pydantic import JsonValue

from tinynet.errors import CheckpointCorruptError, explaining_io
from tinynet.files.atomic import replacing
from tinynet.files.strict import APPEND, open_strictly
from tinynet.run.log import read_statistics
from tinynet.training.events import Statistics


class StatisticsLog:
    """The file ``statistics.jsonl`` of a run, which need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def cut(self, step: int) -> None:
        """Remove the lines after a step, and one that was cut short: a resumed run repeats them.

        Raises:
            CheckpointCorruptError: if the file was changed.
            CheckpointIOError: if it cannot be read or written.
        """
        if not os.path.lexists(self._path):
            return
        try:
            kept = [_line(found) for found in read_statistics(self._path) if found.step <= step]
        except CheckpointCorruptError as error:
            raise CheckpointCorruptError(f"{error}; move the file away to continue") from error
        with explaining_io(self._path), replacing(self._path) as write_at:
            write_at(0, b"".join(kept))

    def append(self, statistics: Statistics) -> None:
        """Append a line."""
        with explaining_io(self._path), open(open_strictly(self._path, APPEND), "ab") as file:
            file.write(_line(statistics))


def _line(statistics: Statistics) -> bytes:
    record: dict[str, JsonValue] = {"step": statistics.step, "epoch": statistics.epoch}
    for section in ("parameters", "gradients", "outputs"):
        record[section] = {
            name: {key: v if math.isfinite(v) else None for key, v in summary.items()}
            for name, summary in getattr(statistics, section).items()
        }
    return json.dumps(record, allow_nan=False).encode() + b"\n"
