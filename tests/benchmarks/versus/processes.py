"""Whole processes, from start to end: a training job, and the time of starting."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from versus.results import Result, Verdict
from versus.sides import SIDES
from versus.worker import environment
from versus.workloads import CHANNELS_LAST, TORCH

ACCURACY, MOST_EPOCHS = 0.98, 10
JOB_GOAL = 0.5
HELP_GOAL_MS, IMPORT_GOAL = 150.0, 1.1

Command = tuple[str, ...]

TINYNET = (sys.executable, "-c", "from tinynet_cli.main import main; main()")
"""The command `tinynet`, run by this interpreter."""

SPEC = Path(__file__).parents[3] / "models" / "mnist_cnn.json"
HELP, IMPORT, IMPORT_NUMPY = "tinynet --help", "import tinynet", "import numpy"
FIRST_USE = "import tinynet and its Network"
TRAIN = "tinynet train"


class JobError(Exception):
    """The failure of a command, with its reason."""


def seconds(command: Command) -> tuple[float, str]:
    """Return the time of a command, and its output.

    Raises:
        JobError: if it fails.
    """
    start = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    elapsed = perf_counter() - start
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise JobError(last[0][:200])
    return elapsed, done.stdout


def job(data_root: Path, threads: int, pairs: int) -> Result:
    """Measure `tinynet train` of `mnist_cnn` to 0.98 test accuracy, and the same job in torch."""
    result = Result(f"mnist_cnn, from process start to {ACCURACY} test accuracy")
    folder = data_root / "mnist"
    if not folder.is_dir():
        result.skipped[TRAIN] = f"MNIST's files are not in {folder}"
        return result
    script: Command = (sys.executable, str(Path(__file__).with_name("torch_job.py")), str(folder))
    script += ("--threads", str(threads), "--goal", str(ACCURACY))
    script += ("--most-epochs", str(MOST_EPOCHS))
    sides: dict[str, Callable[[], float]] = {TRAIN: partial(_tinynet_job, data_root, threads)}
    if missing := SIDES[TORCH].missing:
        result.skipped[TORCH] = missing
    else:
        sides |= {
            TORCH: partial(_only_seconds, script),
            CHANNELS_LAST: partial(_only_seconds, (*script, "--channels-last")),
        }
    with environment(threads):
        _take_turns(sides, pairs, result)
    fastest = result.least((TORCH, CHANNELS_LAST))
    if fastest and TRAIN in result.values:
        ratios = result.ratios(TRAIN, fastest)
        result.verdicts.append(
            Verdict(result.title, TRAIN, f"ratio to {fastest}", ratios, goal=JOB_GOAL)
        )
    return result


def _tinynet_job(data_root: Path, threads: int) -> float:
    """Return the seconds of as many epochs as the accuracy needs.

    Raises:
        JobError: if the accuracy is not reached.
    """
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        values = {"--run": f"{folder}/run", "--data-root": data_root, "--threads": threads}
        options = [str(word) for option in values.items() for word in option]
        for epochs in range(1, MOST_EPOCHS + 1):
            last = ("--set", f"training.epochs={epochs}")
            elapsed, printed = seconds(
                (*TINYNET, "train", str(SPEC), "--resume", "--json", *options, *last)
            )
            total += elapsed
            if json.loads(printed)["metrics"]["test/accuracy"] >= ACCURACY:
                return total
    raise JobError(f"{ACCURACY} is not reached in {MOST_EPOCHS} epochs")


def start(threads: int, pairs: int) -> Result:
    """Measure `tinynet --help`, and `import tinynet` against `import numpy`."""
    commands = {
        HELP: (*TINYNET, "--help"),
        IMPORT: _python("import tinynet"),
        FIRST_USE: _python("import tinynet; tinynet.Network"),
        IMPORT_NUMPY: _python("import numpy"),
    }
    if SIDES[TORCH].missing is None:
        commands["import torch"] = _python("import torch")
    result = Result("process start")
    with environment(threads):
        _take_turns(
            {name: partial(_only_seconds, line) for name, line in commands.items()}, pairs, result
        )
    if HELP in result.values:
        times = [1e3 * value for value in result.values[HELP]]
        result.verdicts.append(Verdict(result.title, HELP, "time", times, " ms", HELP_GOAL_MS))
    if {IMPORT, IMPORT_NUMPY} <= result.values.keys():
        ratios = result.ratios(IMPORT, IMPORT_NUMPY)
        measure = f"ratio to {IMPORT_NUMPY}"
        result.verdicts.append(Verdict(result.title, IMPORT, measure, ratios, goal=IMPORT_GOAL))
    return result


def _only_seconds(command: Command) -> float:
    return seconds(command)[0]


def _python(code: str) -> Command:
    return (sys.executable, "-c", code)


def _take_turns(sides: dict[str, Callable[[], float]], pairs: int, result: Result) -> None:
    """Time the commands alternately, after one run that fills the disk cache."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-1, pairs):
        for name in list(times)[:: 1 if number % 2 == 0 else -1]:
            try:
                elapsed = sides[name]()
            except JobError as error:
                result.skipped[name] = str(error)
                del times[name]
                continue
            if number >= 0:
                times[name].append(elapsed)
    result.values |= times
