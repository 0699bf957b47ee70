"""Kill a process that saves checkpoints thousands of times; no checkpoint may be lost.

    python tests/torture/kill_while_saving.py --count 10000

A child saves one checkpoint after the other as a run does (write, sync, rename, sync the folder,
acknowledge, prune), and is killed by SIGKILL at a random moment. Then the folder must hold the
newest acknowledged checkpoint, or a later one, complete and with the values of its step, and at
most one temporary file. The next child continues from there. The program prints how many kills
came in each phase.
"""

import argparse
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tinynet.archive import read, write
from tinynet.files import atomic
from tinynet.run.folder import RunFolder

PHASES = (
    "between two saves",
    "opening the temporary",
    "writing",
    "syncing the file",
    "renaming",
    "syncing the folder",
    "pruning",
)
WINDOW = PHASES[1:6]
"""The phases from opening the temporary file to syncing the folder."""

SHARED = struct.Struct("<Bq")
KEEP_LAST = 3


class Watched:
    """The operating system as `tinynet.files.atomic` sees it, showing the phase to the parent."""

    def __init__(self, shared: mmap.mmap) -> None:
        self._shared = shared
        self._folder: int | None = None
        self._file: int | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def enter(self, phase: str) -> None:
        self._shared[0] = PHASES.index(phase)

    def open(self, path: Path, flags: int, *mode: int) -> int:
        if flags & os.O_CREAT:
            self.enter("opening the temporary")
        descriptor = os.open(path, flags, *mode)
        if flags & os.O_CREAT:
            self._file = descriptor
            self.enter("writing")
        else:
            self._folder = descriptor
        return descriptor

    def fsync(self, descriptor: int) -> None:
        if descriptor not in (self._folder, self._file):
            os.fsync(descriptor)  # a write to the log, which is not part of a save
            return
        folder = descriptor == self._folder
        self.enter("syncing the folder" if folder else "syncing the file")
        os.fsync(descriptor)
        self.enter("between two saves" if folder else "renaming")


def tensors_of(step: int) -> dict[str, np.ndarray]:
    """Return the arrays of the checkpoint of ``step``, different for every step."""
    rng = np.random.default_rng(step)
    return {
        "params/dense_1/weight": rng.normal(size=(150, 80)).astype(np.float32),
        "slots/dense_1/weight/velocity": rng.normal(size=(150, 80)).astype(np.float32),
        "params/dense_1/bias": np.full(80, step, np.float64),
    }


def save_for_ever(folder: RunFolder, first: int, shared: mmap.mmap) -> None:
    """Save until the process is killed."""
    watched = Watched(shared)
    atomic.os = watched
    folder.clean()
    step = first
    while True:
        step += 1
        write(folder.checkpoint(step), {"step": step}, tensors_of(step), run_id="run", step=step)
        shared[1:9] = struct.pack("<q", step)
        watched.enter("pruning")
        folder.prune("run", KEEP_LAST, [])
        watched.enter("between two saves")


def check(folder: RunFolder, acknowledged: int) -> int:
    """Assert the promises after a kill, and return the newest step."""
    temporaries = atomic.leftovers(folder.checkpoints)
    assert len(temporaries) <= 1, f"{len(temporaries)} temporary files"
    steps = folder.steps()
    newest = max(steps, default=0)
    assert newest >= acknowledged, f"step {acknowledged} was acknowledged, the newest is {newest}"
    if newest:
        saved = read(folder.checkpoint(newest))
        assert saved.step == newest
        for name, array in tensors_of(newest).items():
            assert saved.tensors[name].tobytes() == array.tobytes(), f"{name} of step {newest}"
    return newest


def torture(count: int, seed: int, parent: Path) -> Counter[str]:
    """Kill ``count`` children; return the number of kills in each phase."""
    rng = random.Random(seed)
    folder = RunFolder(parent / "run")
    folder.checkpoints.mkdir(parents=True)
    shared = mmap.mmap(-1, SHARED.size)
    phases: Counter[str] = Counter()
    newest = 0
    for number in range(count):
        shared[0] = 0
        shared[1:9] = struct.pack("<q", newest)
        child = os.fork()
        if child == 0:
            try:
                save_for_ever(folder, newest, shared)
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"the child ended by itself: {status}"
        phases[PHASES[shared[0]]] += 1
        newest = check(folder, struct.unpack("<q", shared[1:9])[0])
        if sys.stderr.isatty() and number % 100 == 0:
            print(f"\r{number:,} kills", end="", file=sys.stderr)
    return phases


def main() -> None:
    """Run the torture and print the histogram."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="kills")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        phases = torture(arguments.count, arguments.seed, Path(parent))
    for phase in PHASES:
        share = phases[phase] / arguments.count
        print(f"{phase:24}{phases[phase]:7,}  {'#' * round(60 * share)}")
    inside = sum(phases[phase] for phase in WINDOW)
    print(f"{arguments.count:,} kills, {inside:,} of them between opening the temporary and the")
    print("sync of the folder; no acknowledged checkpoint was lost or wrong")


if __name__ == "__main__":
    main()
