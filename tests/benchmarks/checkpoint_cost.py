"""The cost of a checkpoint every 100 steps in the training of `models/mnist_cnn.json`.

    python tests/benchmarks/checkpoint_cost.py --data-root ../shared/data

One session trains segment after segment of 300 steps. Every second segment saves its three
checkpoints, each at least 50 steps before the segment ends, so that the save has finished by then;
the other segments skip them. The cost is the median over pairs of neighbors, in elapsed time, and
in CPU time of all threads, which depends less on other processes. The pause is the time that the
training thread waits for a save: for the snapshot, and for the previous save if it still runs.

`checkpoint_share.py` measures a short job on a table, whose saves are close together.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, thread_time
from typing import ClassVar, TypeVar

import tinynet
from tinynet.run import saver, session
from tinynet.training.events import RunEvent, Saved, StepDone
from tinynet.types import Array

SPEC = Path(__file__).parents[2] / "models" / "mnist_cnn.json"
EVERY, SEGMENT = 100, 300
SHIFT = EVERY // 2
"""Steps between the start of a segment and its first checkpoint."""

T = TypeVar("T")


class Switched(saver.Saver[T]):
    """A saver that can be switched off, and that measures the pauses of training."""

    on: ClassVar[bool] = True
    pauses: ClassVar[list[float]] = []
    work: ClassVar[list[float]] = []

    def start(self, arrays: Mapping[str, Array], save: Callable[[dict[str, Array]], T]) -> list[T]:
        if not self.on:
            return []

        def measured(snapshot: dict[str, Array]) -> T:
            begun = thread_time()
            result = save(snapshot)
            self.work.append(thread_time() - begun)
            return result

        begun = perf_counter()
        finished = super().start(arrays, measured)
        self.pauses.append(perf_counter() - begun)
        return finished


class Clock:
    """An observer that records the start of each segment, and switches the saver."""

    def __init__(self) -> None:
        self.starts: list[tuple[float, float]] = []
        self.saved = 0
        self.bytes = 0

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, Saved):
            self.saved += 1
            self.bytes = event.path.stat().st_size
        elif isinstance(event, StepDone) and event.step % SEGMENT == SHIFT:
            self.starts.append((perf_counter(), process_time()))
            Switched.on = len(self.starts) % 2 == 1

    def report(self) -> None:
        """Print the medians over the pairs of segments, without the first, which warms up."""
        for kind, which in (("the clock", 0), ("processor time", 1)):
            segments = [(b - a) * 1e3 / SEGMENT for a, b in pairwise(s[which] for s in self.starts)]
            pairs = list(zip(segments[2::2], segments[3::2], strict=True))
            costs = sorted(100 * (saving / without - 1) for saving, without in pairs)
            saving, without = (median(column) for column in zip(*pairs, strict=True))
            print(
                f"by {kind:15}{saving:7.3f} ms a step with checkpoints, {without:7.3f} without:"
                f" {median(costs):+.2f} % ({costs[0]:+.2f} to {costs[-1]:+.2f})"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-root", default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--pairs", type=int, default=12, help="of segments")
    parser.add_argument("--threads", type=int, help="default: one for each core")
    args = parser.parse_args()
    overrides = {
        "training.epochs": None,
        "training.steps": (2 * args.pairs + 2) * SEGMENT + SHIFT,
        "training.checkpoint": {"every_steps": EVERY},
        # An evaluation in only one of two neighbors would count as a cost or a gain.
        "data.split": {"validation": 0},
    }
    session.Saver = Switched
    clock = Clock()
    settings = {"data_root": args.data_root, "threads": args.threads, "observer": clock}
    with tempfile.TemporaryDirectory() as folder:
        tinynet.train(SPEC, Path(folder) / "run", overrides=overrides, **settings)
    print(f"{args.pairs} pairs of segments of {SEGMENT} steps, a checkpoint every {EVERY} steps")
    print(f"{clock.saved} checkpoints of {clock.bytes:,} bytes; load {os.getloadavg()[0]:.1f}")
    clock.report()
    pauses = [1e3 * pause for pause in Switched.pauses[4:]]
    work = [1e3 * work for work in Switched.work[4:]]
    print(
        f"a save takes {median(work):.3f} ms of a processor on its thread (most {max(work):.3f} ms)"
    )
    print(f"training waits {median(pauses):.3f} ms for a save (longest {max(pauses):.3f} ms)")


if __name__ == "__main__":
    main()
