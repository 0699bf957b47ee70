"""The whole job of training on MNIST, beside the same job in torch."""

import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from versus.goals import MNIST_JOB
from versus.measuring import add_ratios
from versus.names import CHANNELS_LAST, OURS, TORCH
from versus.processes import (
    TINYNET,
    Command,
    JobError,
    kernels_present,
    only_seconds,
    seconds,
    take_turns,
)
from versus.results import Result
from versus.sides import SIDES
from versus.worker import environment

ACCURACY, MOST_EPOCHS = 0.98, 10

SPEC = Path(__file__).parents[3] / "models" / "mnist_cnn.json"


def measure(data_root: Path, threads: int, pairs: int) -> Result:
    """Measure `tinynet train` of `mnist_cnn` to 0.98 test accuracy, and the same job in torch."""
    result = Result(f"mnist_cnn, from process start to {ACCURACY} test accuracy")
    folder = data_root / "mnist"
    if not folder.is_dir():
        result.skipped["tinynet train"] = f"MNIST's files are not in {folder}"
        return result
    script: Command = (sys.executable, str(Path(__file__).with_name("torch_job.py")), str(folder))
    script += ("--threads", str(threads), "--goal", str(ACCURACY))
    script += ("--most-epochs", str(MOST_EPOCHS))
    sides: dict[str, Callable[[], float]] = {
        name: partial(_tinynet_job, data_root, threads, kernels)
        for name, kernels in kernels_present(result).items()
    }
    if missing := SIDES[TORCH].missing:
        result.skipped[TORCH] = missing
    else:
        sides |= {
            TORCH: partial(only_seconds, script),
            CHANNELS_LAST: partial(only_seconds, (*script, "--channels-last")),
        }
    with environment(threads):
        take_turns(sides, pairs, result)
    if fastest := result.least((TORCH, CHANNELS_LAST)):
        add_ratios(result, OURS, fastest, MNIST_JOB)
    return result


def _tinynet_job(data_root: Path, threads: int, kernels: str) -> float:
    """Return the seconds of as many epochs as the accuracy needs.

    Raises:
        JobError: if the accuracy is not reached.
    """
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        values = {"--run": f"{folder}/run", "--data-root": data_root, "--threads": threads}
        values["--kernels"] = kernels
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
