"""Whole jobs on tables, from process start, beside the same jobs in scikit-learn.

All sides read the same CSV file, train the same network on the same rows, and evaluate it on the
same other rows. The tables are those that scikit-learn contains.
"""

import csv
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from versus.goals import TABLES as GOAL
from versus.measuring import add_ratios
from versus.names import OURS, SKLEARN
from versus.networks import LEARNING_RATE
from versus.processes import TINYNET, Command, kernels_present, seconds, take_turns
from versus.results import Result
from versus.sides import SIDES
from versus.worker import environment

UNITS, BATCH, EPOCHS = 100, 64, 100
"""As `tinynet init` writes them for tables of this size; 100 units are scikit-learn's default."""

TEST_SHARE = 5
"""One row in so many is for the test."""

TOLERANCE = 0.03
"""Most by which the median accuracy or R² of tinynet may be below that of scikit-learn."""


@dataclass(frozen=True)
class Table:
    """A table of scikit-learn.

    Attributes:
        loader: The function of `sklearn.datasets`.
        classes: The number of classes of its target; None for a target of numbers.
    """

    loader: str
    classes: int | None


TABLES = {
    "digits": Table("load_digits", 10),
    "breast_cancer": Table("load_breast_cancer", 2),
    "wine": Table("load_wine", 3),
    "diabetes": Table("load_diabetes", None),
}


def measure(name: str, threads: int, pairs: int) -> Result:
    """Measure `tinynet train` on a table, and the same job in scikit-learn."""
    result = Result(f"{name}, {EPOCHS} epochs from process start")
    if missing := SIDES[SKLEARN].missing:
        result.skipped[SKLEARN] = missing
        return result
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.csv")
        test = write_table(TABLES[name], path)
        spec = path.with_suffix(".json")
        spec.write_text(json.dumps(spec_of(name, path, test), indent=1))
        scores: dict[str, list[float]] = {}
        sides: dict[str, Callable[[], float]] = {
            side: partial(_tinynet_job, spec, threads, kernels, scores.setdefault(side, []))
            for side, kernels in kernels_present(result).items()
        }
        sides[SKLEARN] = partial(
            _sklearn_job, TABLES[name], path, test, scores.setdefault(SKLEARN, [])
        )
        with environment(threads):
            take_turns(sides, pairs, result)
    for side in OURS:
        if reason := worse(scores.get(side, []), scores[SKLEARN]):
            result.skipped[side] = reason
    result.drop_skipped()
    if SKLEARN in result.values:
        add_ratios(result, OURS, SKLEARN, GOAL)
    return result


def write_table(table: Table, path: Path) -> int:
    """Write a table in a random order of its rows; return the number of rows for the test."""
    from sklearn import datasets

    bunch = getattr(datasets, table.loader)()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    names = [*(f"feature_{number}" for number in range(bunch.data.shape[1])), "target"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for row in order:
            writer.writerow([*bunch.data[row].tolist(), bunch.target[row].item()])
    return len(order) // TEST_SHARE


def spec_of(name: str, path: Path, test: int) -> dict[str, Any]:
    """Return the spec of a job; the last rows of the file are for the test."""
    classes = TABLES[name].classes
    scaled = "input" if classes else ["input", "target"]
    data = {
        "type": "csv",
        "path": path.name,
        "target": "target",
        **({"target_type": "class"} if classes else {}),
        "split": {"order": "as_is", "validation": 0, "test": test},
        "transforms": [{"type": "standardize", "on": scaled}],
    }
    layers = [
        {"type": "dense", "units": UNITS},
        {"type": "relu"},
        {"type": "dense", "units": classes or 1},
    ]
    training = {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "loss": "softmax_cross_entropy" if classes else "mse",
        "metrics": ["accuracy" if classes else "r2"],
        "optimizer": {"type": "adam", "learning_rate": LEARNING_RATE},
        "checkpoint": {"every_epochs": 10},
    }
    network = {"layers": layers}
    return {"tinynet": 1, "name": name, "data": data, "network": network, "training": training}


def worse(ours: list[float], theirs: list[float]) -> str | None:
    """Return the reason not to compare the times, if the networks of a side are worse."""
    if not ours or not theirs or median(ours) >= median(theirs) - TOLERANCE:
        return None
    return f"reaches only {median(ours):.3f}, scikit-learn {median(theirs):.3f}; not compared"


def _tinynet_job(spec: Path, threads: int, kernels: str, scores: list[float]) -> float:
    """Return the seconds of a job, and append the score of its test."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--run", f"{folder}/run", "--threads", str(threads), "--kernels", kernels)
        seed = ("--set", f"training.seed={len(scores)}", "--json")
        elapsed, printed = seconds((*TINYNET, "train", str(spec), *options, *seed))
    metrics = json.loads(printed)["metrics"]
    scores.append(metrics.get("test/accuracy", metrics.get("test/r2")))
    return elapsed


def _sklearn_job(table: Table, path: Path, test: int, scores: list[float]) -> float:
    """Return the seconds of a job, and append the score of its test."""
    script: Command = (sys.executable, str(Path(__file__).with_name("sklearn_job.py")), str(path))
    script += ("--kind", "classes" if table.classes else "numbers", "--test", str(test))
    script += ("--units", str(UNITS), "--batch", str(BATCH), "--epochs", str(EPOCHS))
    script += ("--learning-rate", str(LEARNING_RATE), "--seed", str(len(scores)))
    elapsed, printed = seconds(script)
    scores.append(float(printed))
    return elapsed
