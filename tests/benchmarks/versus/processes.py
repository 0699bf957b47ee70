"""Whole processes, from start to end: commands that take turns, and the time of starting."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

from versus.names import NATIVE, NUMPY, TORCH
from versus.quiet import Watch
from versus.results import Result, Verdict
from versus.sides import SIDES
from versus.worker import environment

HELP_GOAL_MS, IMPORT_GOAL = 150.0, 1.1

Command = tuple[str, ...]

TINYNET = (sys.executable, "-c", "from tinynet_cli.main import main; main()")
"""The command `tinynet`, run by this interpreter."""

KERNELS = {NUMPY: "numpy", NATIVE: "native"}
"""The option `--kernels` of each side of tinynet."""

HELP, IMPORT, IMPORT_NUMPY = "tinynet --help", "import tinynet", "import numpy"
FIRST_USE = "import tinynet and its Network"


def kernels_present(result: Result) -> dict[str, str]:
    """Return the kernels to measure by side; add the reasons of absent ones to the result."""
    missing = {name: reason for name in KERNELS if (reason := SIDES[name].missing)}
    result.skipped |= missing
    return {name: kernels for name, kernels in KERNELS.items() if name not in missing}


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
        take_turns(
            {name: partial(only_seconds, line) for name, line in commands.items()}, pairs, result
        )
    if HELP in result.values:
        times = [1e3 * value for value in result.values[HELP]]
        result.verdicts.append(Verdict(result.title, HELP, "time", times, " ms", HELP_GOAL_MS))
    if {IMPORT, IMPORT_NUMPY} <= result.values.keys():
        ratios = result.ratios(IMPORT, IMPORT_NUMPY)
        measure = f"ratio to {IMPORT_NUMPY}"
        result.verdicts.append(Verdict(result.title, IMPORT, measure, ratios, goal=IMPORT_GOAL))
    return result


def only_seconds(command: Command) -> float:
    """Return the time of a command."""
    return seconds(command)[0]


def _python(code: str) -> Command:
    return (sys.executable, "-c", code)


def take_turns(sides: dict[str, Callable[[], float]], pairs: int, result: Result) -> None:
    """Time the commands alternately, after one run that fills the disk cache."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    watch = Watch([])
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
        result.others = max(result.others, watch.others())
    result.values |= times
