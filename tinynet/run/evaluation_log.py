"""The evaluations of whole splits of a run's data: one JSON object per line.

    {"checkpoint": 1200, "split": "test", "samples": 359, "metrics": {"loss": 0.1}, "time": "..."}

``checkpoint`` is the step of the checkpoint. The file ``evaluations.jsonl`` is a convenience for
`tinynet runs` and reports: nothing depends on it, and a folder that cannot be written gets none.
"""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tinynet.errors import CheckpointError
from tinynet.files.strict import APPEND, open_strictly
from tinynet.run.folder import RunFolder
from tinynet.run.record_log import figures_in, is_count, parse_time, read_records

NAME = "evaluations.jsonl"

_SPLITS = ("train", "val", "test")


def append_evaluation(
    checkpoint: Path, step: int, split: str, samples: int, metrics: Mapping[str, float]
) -> bool:
    """Append an evaluation to the log of the run that the checkpoint file is in; True if it is new.

    A checkpoint that is not in a run folder, such as a copy, has no log. An evaluation that the log
    has already is not repeated.
    """
    folder = RunFolder(checkpoint.parent.parent)
    if folder.checkpoint(step) != checkpoint or not os.path.lexists(folder.lock):
        return False
    record = {
        "checkpoint": step,
        "split": split,
        "samples": samples,
        "metrics": {n: value if math.isfinite(value) else None for n, value in metrics.items()},
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    line = json.dumps(record, allow_nan=False).encode() + b"\n"
    with suppress(OSError, CheckpointError):
        if _content(_parse(record)) in map(_content, read_evaluations(folder.path)):
            return False
        descriptor = open_strictly(folder.path / NAME, APPEND)
        try:
            size = os.fstat(descriptor).st_size
            # The last line may have been cut short by a kill.
            cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            # A single write in append mode: lines of two processes never mix.
            os.write(descriptor, b"\n" * cut + line)
        finally:
            os.close(descriptor)
        return True
    return False


def read_evaluations(run: Path, problems: list[str] | None = None) -> list[dict[str, Any]]:
    """Return the evaluations of a run, oldest first; ``problems`` gets the faults of the file."""
    return read_records(run / NAME, _parse, [] if problems is None else problems)


def _content(evaluation: dict[str, Any] | None) -> str:
    """Return an evaluation without its time, in a form in which NaN equals NaN."""
    return json.dumps({**(evaluation or {}), "time": None}, sort_keys=True)


def _parse(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict) or not isinstance(metrics := value.get("metrics"), dict):
        return None
    if value.get("split") not in _SPLITS:
        return None
    if not (is_count(value.get("checkpoint")) and is_count(value.get("samples"))):
        return None
    time = value.get("time")
    return {
        "checkpoint": value["checkpoint"],
        "split": value["split"],
        "samples": value["samples"],
        "metrics": figures_in(metrics),
        "time": time if parse_time(time) is not None else None,
    }
