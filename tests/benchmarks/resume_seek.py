"""Resuming takes the same time at step 10 and at step 1,000,000: it replays no step.

    python tests/benchmarks/resume_seek.py

Two runs are made from the checkpoint of a short run. They differ only in the position, and in the
log, which has a line for every epoch up to the position. The measured time is that of
`tinynet.resume` up to its first step: it opens the data, builds the network, and reads and
verifies the checkpoint and the log. The runs alternate in one process.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from xxhash import xxh3_128_hexdigest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run.folder import RunFolder
from tinynet.training.events import RunEvent, Saved, StepDone

SPEC = Path(__file__).parents[2] / "models" / "digits_cnn.json"
EARLY, LATE = 10, 1_000_000
OVERRIDES = {"training.epochs": 1_000_000, "training.checkpoint.every_steps": EARLY}


class Stop(Exception):  # noqa: N818
    """The first step has begun."""


def make_start(path: Path) -> Checkpoint:
    """Return the checkpoint of a run after its first steps."""

    def observe(event: RunEvent) -> None:
        if isinstance(event, Saved) and event.step == EARLY:
            raise Stop

    try:
        tinynet.train(SPEC, path, overrides=OVERRIDES, observer=observe)
    except Stop:
        return Checkpoint.read(RunFolder(path).checkpoint(EARLY))
    raise AssertionError("the run ended")


def make_run(path: Path, start: Checkpoint, step: int, steps_per_epoch: int) -> RunFolder:
    """Write a run whose only checkpoint is ``start``, moved to ``step``."""
    folder = RunFolder(path)
    folder.checkpoints.mkdir(parents=True)
    epoch, position = divmod(step, steps_per_epoch)
    figures = {f"{split}/{kind}": 0.123456789 for split in ("train", "val") for kind in "ab"}
    wall = {"seconds": 12345.678, "time": "2026-01-01T00:00:00+00:00"}
    lines = [
        json.dumps({"step": (number + 1) * steps_per_epoch, "epoch": number + 1, **figures})
        for number in range(epoch)
    ]
    log = "".join(f"{line[:-1]}, {json.dumps({'wall': wall})[1:]}\n" for line in lines).encode()
    folder.log.write_bytes(log)
    progress = replace(start.progress, step=step, epoch=epoch, position=position)
    mark = replace(start.log, length=len(log), digest=xxh3_128_hexdigest(log))
    replace(start, progress=progress, log=mark).write(folder.checkpoint(step))
    return folder


def seconds_to_resume(folder: RunFolder, step: int) -> float:
    """Return the time from the call to the first step."""
    first: list[Any] = []

    def observe(event: RunEvent) -> None:
        if isinstance(event, StepDone):
            first.append((perf_counter() - start, event))
            raise Stop

    start = perf_counter()
    try:
        tinynet.resume(folder.path, data_root=SPEC.parent, observer=observe)
    except Stop:
        ((seconds, event),) = first
        assert event.step == step + 1, asdict(event)
        return float(seconds)
    raise AssertionError("the run ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="measurements of each")
    rounds = parser.parse_args().rounds
    steps_per_epoch = tinynet.Trainer(tinynet.load_spec(SPEC)).steps_per_epoch
    with tempfile.TemporaryDirectory() as parent:
        start = make_start(Path(parent) / "start")
        runs = {
            step: make_run(Path(parent) / str(step), start, step, steps_per_epoch)
            for step in (EARLY, LATE)
        }
        times: dict[int, list[float]] = {step: [] for step in runs}
        for number in range(rounds + 1):
            for step, folder in runs.items():
                seconds = seconds_to_resume(folder, step)
                if number:  # the first time of each run warms up
                    times[step].append(seconds)
        for step, folder in runs.items():
            print(
                f"step {step:9,}: {median(times[step]) * 1e3:7.2f} ms to the first step"
                f" (log of {folder.log.stat().st_size:,} bytes)"
            )
    ratios = [late / early for early, late in zip(times[EARLY], times[LATE], strict=True)]
    print(
        f"ratio of step {LATE:,} to step {EARLY}: {median(ratios):.3f} (median of {rounds} pairs)"
    )


if __name__ == "__main__":
    main()
