"""Runs as a DataFrame: `tinynet.runs()`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinynet.commands.runs.listing import list_runs
from tinynet.extras import importing
from tinynet.text.warning import warn

_MOST = 2**63


def runs(folder: str | Path = "runs", *, filters: str | Sequence[str] = ()) -> Any:
    """Return the runs in a folder as a pandas DataFrame, one row per run.

    Its columns are facts (``name``, ``state``, ``best_epoch``, ``seconds``, ...), the figures of
    the best evaluation (``val/loss``, ...), test metrics of runs that were evaluated
    (``test/accuracy``), and the values of the specs that differ, by dotted path
    (``training.optimizer.learning_rate``). A run that cannot be read has the state ``unreadable``,
    and a warning;
    the integers that it lacks make a nullable column (``Int64``).

    Args:
        folder: A folder of runs, a study, or a run.
        filters: A condition, or several that all must hold: ``"val/accuracy>0.9"``,
            ``"name=digits*"``.

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
    kinds = {name: kind for name, cells in table.items() if (kind := _nullable(cells))}
    frame = {n: pandas.array(c, kinds[n]) if n in kinds else c for n, c in table.items()}
    return pandas.DataFrame(frame)


def _nullable(cells: Sequence[Any]) -> str | None:
    """Return the type of a column of integers or truth values that lacks some of them."""
    types = {type(cell) for cell in cells if cell is not None}
    if None not in cells:
        return None
    if types == {bool}:
        return "boolean"
    small = all(cell is None or abs(cell) < _MOST for cell in cells) if types == {int} else False
    return "Int64" if small else None


def _scalar(cell: Any) -> Any:
    """Return a list or an object as JSON text, so that rows can be grouped by it."""
    return json.dumps(cell) if isinstance(cell, list | dict) else cell
