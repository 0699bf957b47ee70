"""Runs as a DataFrame: `tinynet.runs()`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinynet.commands.runs.listing import list_runs
from tinynet.extras import importing
from tinynet.text.warning import warn


def runs(folder: str | Path = "runs", *, filters: Sequence[str] = ()) -> Any:
    """Return the runs in a folder as a pandas DataFrame, one row per run.

    Its columns are facts (``name``, ``state``, ``best_epoch``, ``seconds``, ...), the figures of
    the best evaluation (``val/loss``, ...), test metrics of runs that were evaluated
    (``test/accuracy``), and the values of the specs that differ, by dotted path
    (``training.optimizer.learning_rate``). A run that cannot be read has the state ``unreadable``,
    and a warning.

    Args:
        folder: A folder of runs, a study, or a run.
        filters: Conditions that all must hold, such as ``"val/accuracy>0.9"``, ``"name=digits*"``.

    Raises:
        CheckpointIOError: if the folder does not exist, or cannot be read.
        UsageError: for a wrong filter.
        MissingPackageError: if pandas is not installed.
    """
    with importing("pandas", "tinynet.runs"):
        import pandas
    listing = list_runs(folder, filters=filters)
    for problem in listing.problems:
        warn(problem)
    table = {name: [*map(_scalar, cells)] for name, cells in listing.table().items()}
    return pandas.DataFrame(table)


def _scalar(cell: Any) -> Any:
    """Return a list or an object as JSON text, so that rows can be grouped by it."""
    return json.dumps(cell) if isinstance(cell, list | dict) else cell
