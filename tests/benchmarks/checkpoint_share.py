"""The share of a short job on a table that checkpoints take: 660 steps on scikit-learn's diabetes.

    python tests/benchmarks/checkpoint_share.py [--pairs 10] [--kernels numpy] [--keep-best]

`tinynet init` writes the spec, so checkpoints are saved as users have them. Jobs with checkpoints
and jobs that skip all saves take turns in one process, and the share is the median over the pairs,
in elapsed time and in CPU time of all threads. The program also prints where the time of the saves
goes: the waits of the training thread, syncs, and computation. The goal is 5% of the elapsed time.
"""

import argparse
import csv
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, thread_time
from typing import Any, ClassVar, TypeVar

import tinynet
from tinynet.commands.init.new_spec import new_spec
from tinynet.files import atomic
from tinynet.run import saver, session
from tinynet.types import Array

STEPS, GOAL = 660, 0.05

WAITS, SNAPSHOTS = "training waits for a save", "training copies arrays for a save"
SAVES, COMPUTING = "saves", "CPU time of saves"
SYNCS, OWN_SYNCS = "syncs on the thread of saves", "syncs on the training thread"

T = TypeVar("T")


class Measured(saver.Saver[T]):
    """A saver that can be switched off, and that measures the waits of training and its work.

    Attributes:
        on: True to save.
        spent: Seconds of each measured part, one value for each of its occurrences.
    """

    on: ClassVar[bool] = True
    spent: ClassVar[dict[str, list[float]]] = {}

    @classmethod
    def add(cls, part: str, seconds: float) -> None:
        if cls.on:
            cls.spent.setdefault(part, []).append(seconds)

    def start(self, arrays: Mapping[str, Array], save: Callable[[dict[str, Array]], T]) -> list[T]:
        if not self.on:
            return []

        def timed(snapshot: dict[str, Array]) -> T:
            begun, busy = perf_counter(), thread_time()
            result = save(snapshot)
            self.add(SAVES, perf_counter() - begun)
            self.add(COMPUTING, thread_time() - busy)
            return result

        begun, waited = perf_counter(), sum(self.spent.get(WAITS, ()))
        finished = super().start(arrays, timed)
        waited = sum(self.spent.get(WAITS, ())) - waited
        self.add(SNAPSHOTS, perf_counter() - begun - waited)
        return finished

    def wait(self) -> list[T]:
        if self._running is None:
            return super().wait()
        begun = perf_counter()
        finished = super().wait()
        self.add(WAITS, perf_counter() - begun)
        return finished


class TimedSystem:
    """The module `os` as the writing of files uses it, with the time of each sync."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        begun = perf_counter()
        os.fsync(descriptor)
        ours = threading.current_thread() is threading.main_thread()
        Measured.add(OWN_SYNCS if ours else SYNCS, perf_counter() - begun)


def write_spec(folder: Path) -> Path:
    """Write the table, and the spec that `tinynet init` writes for it."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    path, spec = folder / "diabetes.csv", folder / "diabetes.json"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, "progression"])
        writer.writerows(zip(*bunch.data.T.tolist(), bunch.target.tolist(), strict=True))
    new_spec(path, spec, targets=["progression"])
    return spec


def job(spec: Path, settings: dict[str, Any], *, saving: bool) -> tuple[float, float]:
    """Return the elapsed and the CPU seconds of a job."""
    Measured.on = saving
    with tempfile.TemporaryDirectory(dir=spec.parent) as folder:
        begun, busy = perf_counter(), process_time()
        tinynet.train(spec, Path(folder) / "run", **settings)
        return perf_counter() - begun, process_time() - busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10, help="of jobs; default: 10")
    parser.add_argument("--kernels", help="default: the native ones if they are installed")
    parser.add_argument("--threads", type=int, help="default: one for each core")
    parser.add_argument("--keep-best", action="store_true", help="add a rule that keeps the best")
    parser.add_argument(
        "--folder", type=Path, help="on the disk to measure; default: the one of temporary files"
    )
    args = parser.parse_args()
    overrides: dict[str, Any] = {"training.epochs": None, "training.steps": STEPS}
    if args.keep_best:
        overrides["training.checkpoint.keep_best"] = {"metric": "val/loss"}
    settings = {"overrides": overrides, "kernels": args.kernels, "threads": args.threads}
    session.Saver = Measured
    atomic.os = TimedSystem()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        spec = write_spec(Path(folder))
        for saving in (True, False):  # imports and caches
            job(spec, settings, saving=saving)
        Measured.spent.clear()
        pairs = [
            (job(spec, settings, saving=True), job(spec, settings, saving=False))
            for _ in range(args.pairs)
        ]
    report(pairs)


def report(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    """Print the share of the checkpoints, and its parts."""
    print(f"{len(pairs)} pairs of jobs of {STEPS} steps; load {os.getloadavg()[0]:.1f}")
    for number, kind in enumerate(("elapsed", "CPU time")):
        both = [(saving[number], without[number]) for saving, without in pairs]
        shares = sorted(1 - without / saving for saving, without in both)
        saving, without = (1e3 * median(column) for column in zip(*both, strict=True))
        words = f"{saving:.0f} ms with checkpoints, {without:.0f} ms without"
        print(f"{kind + ':':10}{words}: {median(shares):.1%} ({shares[0]:.1%} - {shares[-1]:.1%})")
        if number == 0:
            met = "met" if median(shares) <= GOAL else "not met"
            print(f"goal: checkpoints take at most {GOAL:.0%} of the elapsed time: {met}")
    print("\nin a job with checkpoints, also where they overlap with training:")
    for part, times in Measured.spent.items():
        each, total = len(times) / len(pairs), 1e3 * sum(times) / len(pairs)
        print(f"  {part:36}{total:8.1f} ms, {each:5.1f} times {1e3 * median(times):.2f} ms")


if __name__ == "__main__":
    main()
