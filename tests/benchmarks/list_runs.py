"""CPU time of listing and comparing twenty runs, process start included.

    python tests/benchmarks/list_runs.py [--runs 20] [--repeat 5]

The runs are those of a small network with a line of the log for each of 1,000 steps. The time is
that of all threads in user and system mode, the least of several processes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tinynet

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits"},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "steps": 1000,
        "evaluate_every_steps": 50,
        "log_every_steps": 1,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.003},
        "metrics": ["accuracy"],
    },
}

COMMAND = [sys.executable, "-c", "from tinynet_cli.main import main; main()"]


def cpu_seconds(words: list[str]) -> float:
    """Return the CPU time of a command."""
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"tinynet {' '.join(words)} failed")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the times of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder, "runs")
        for number in range(1, options.runs + 1):
            path = runs / f"small-{number:03}"
            if number > 2:
                shutil.copytree(runs / f"small-{1 + number % 2:03}", path)
            else:
                rate = {"training.optimizer.learning_rate": 0.001 * number}
                tinynet.train(SPEC, path, overrides=rate)
        for words in (["runs"], ["compare"]):
            times = [cpu_seconds([*words, str(runs)]) for _ in range(options.repeat)]
            print(f"tinynet {words[0]}: {min(times):.2f} s of CPU time for {options.runs} runs")


if __name__ == "__main__":
    main()
