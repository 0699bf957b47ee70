"""Kill and resume runs repeatedly, and compare each with an uninterrupted run.

    python tests/torture/whole_runs.py --count 200

Every run is trained by one process after the other, each on one to four threads drawn at random.
Most of them are killed by SIGKILL: at an event of the loop (a step, a part of an evaluation, an
acknowledged checkpoint), at a stage of a save on the thread that saves, or by the clock. After a
kill the run must hold the newest acknowledged checkpoint. A finished run must equal the
uninterrupted one: every tensor, the loop's state, the best checkpoint, and the log except its
``"wall"``. The program prints how many kills came at each stage.

Processes are forked from one that has imported everything, so a run takes a fraction of a second.
Each starts its own threads, since threads do not survive a fork.
"""

import argparse
import contextlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kill_while_saving import PHASES, Watched
from small_specs import SPECS, complete, write_table

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.engine import sharding
from tinynet.files import atomic
from tinynet.run.folder import RunFolder
from tinynet.run.log import read_log
from tinynet.training.events import Evaluated, Evaluating, RunEvent, Saved, Started, StepDone

ACTS = ("starting", "in a step", "in an evaluation", "after an evaluation")
AFTER = {Started: 1, StepDone: 1, Evaluating: 2, Evaluated: 3}
"""The act that begins with an event of the loop."""

KINDS = ("event", "save", "clock")
MAX_KILLS = 6


@dataclass(frozen=True)
class Kill:
    """The moment of a kill: the number of an event or of a stage of a save, or seconds."""

    kind: str
    when: float


class Stage:
    """The state that parent and child share: the child's phase, and its acknowledgments."""

    LAYOUT = struct.Struct("<BBqqq")
    SAVE, ACT = 0, 1

    def __init__(self) -> None:
        self.shared = mmap.mmap(-1, self.LAYOUT.size)
        self.reset(-1)

    def reset(self, acknowledged: int) -> None:
        self.shared[:] = self.LAYOUT.pack(0, 0, acknowledged, 0, 0)

    def write(self, number: int, value: int) -> None:
        """Write the acknowledged step (0), the events (1) or the stages of saves (2) so far."""
        self.shared[2 + 8 * number : 10 + 8 * number] = struct.pack("<q", value)

    def read(self, number: int) -> int:
        step: int = struct.unpack_from("<q", self.shared, 2 + 8 * number)[0]
        return step

    @property
    def act(self) -> str:
        return ACTS[self.shared[self.ACT]]

    @property
    def save(self) -> str:
        return PHASES[self.shared[self.SAVE]]


class WatchedSaves(Watched):
    """The operating system, as `Watched`, but with a stage at which the process dies."""

    def __init__(self, stage: Stage, deadly: float) -> None:
        super().__init__(stage.shared)
        self._stage, self._deadly = stage, deadly
        self._entered = 0

    def enter(self, phase: str) -> None:
        super().enter(phase)
        self._entered += 1
        self._stage.write(2, self._entered)
        if self._entered == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def train(spec: str, run: Path, threads: int, kill: Kill | None, stage: Stage) -> None:
    """Start or resume the run, as a scheduler would repeatedly."""
    events = 0

    def observe(event: RunEvent) -> None:
        nonlocal events
        events += 1
        stage.write(1, events)
        if isinstance(event, Saved):
            stage.write(0, event.step)
        elif type(event) in AFTER:
            stage.shared[stage.ACT] = AFTER[type(event)]
        if kill is not None and kill.kind == "event" and events == kill.when:
            os.kill(os.getpid(), signal.SIGKILL)

    watched = WatchedSaves(stage, kill.when if kill and kill.kind == "save" else -1)
    atomic.os = watched
    prune = RunFolder.prune

    def watched_prune(*arguments: Any) -> None:
        watched.enter("pruning")
        prune(*arguments)
        watched.enter("between two saves")

    RunFolder.prune = watched_prune
    settings = {"data_root": run.parent, "threads": threads, "observer": observe}
    tinynet.train(complete(spec), run, resume=True, **settings)


def in_a_child(work: Callable[[], None], seconds: float | None) -> int:
    """Run ``work`` in a forked process, killed after ``seconds``; return its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@dataclass(frozen=True)
class Whole:
    """The uninterrupted run: its outcome, and its length."""

    outcome: dict[str, object]
    events: int
    stages: int
    seconds: float

    def draw_kill(self, draw: random.Random) -> Kill:
        """Draw a moment before the end, early enough that most processes are killed."""
        kind = draw.choice(KINDS)
        if kind == "clock":
            return Kill(kind, draw.uniform(0, 0.7 * self.seconds))
        return Kill(kind, draw.randint(1, (self.events if kind == "event" else self.stages) // 2))


def outcome(run: Path) -> dict[str, object]:
    """Return everything that must be equal, by name."""
    folder = RunFolder(run)
    last = Checkpoint.read(folder.checkpoint(folder.steps()[-1]))
    parts: dict[str, object] = {}
    assert last.progress.best is not None
    best = Checkpoint.read(folder.checkpoint(last.progress.best.step))
    for kind, checkpoint in (("last", last), ("best", best)):
        for name, array in checkpoint.arrays.items():
            parts[f"{kind}: {name}"] = (array.dtype, array.shape, array.tobytes())
        parts[f"{kind}: progress"] = checkpoint.progress
        parts[f"{kind}: spec"] = checkpoint.spec
        parts[f"{kind}: data"] = checkpoint.data
        parts[f"{kind}: types"] = checkpoint.types
        parts[f"{kind}: environment"] = checkpoint.environment
    for number, record in enumerate(read_log(folder.log), 1):
        del record["wall"]
        parts[f"metrics.jsonl, line {number}"] = json.dumps(record)
    return parts


def uninterrupted(spec: str, folder: Path, stage: Stage) -> Whole:
    """Train a run without a kill, on one thread."""
    run = folder / f"{spec}-whole"
    stage.reset(-1)
    start = time.perf_counter()
    assert in_a_child(lambda: train(spec, run, 1, None, stage), None) == 0
    seconds = time.perf_counter() - start
    return Whole(outcome(run), stage.read(1), stage.read(2), seconds)


class Torture:
    """Killed runs, and the counts and mismatches to report."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._draw = random.Random(seed)
        self._stage = Stage()
        self._whole = {spec: uninterrupted(spec, folder, self._stage) for spec in SPECS}
        self.kinds: Counter[str] = Counter()
        self.acts: Counter[str] = Counter()
        self.saves: Counter[str] = Counter()
        self.threads: Counter[int] = Counter()
        self.kills: list[int] = []
        self.mismatches: list[str] = []

    def one_run(self, number: int) -> None:
        """Kill a run several times, let it finish, and compare it."""
        spec = list(SPECS)[number % len(SPECS)]
        whole, run = self._whole[spec], self._folder / f"{spec}-{number}"
        acknowledged, kills = -1, 0
        planned = [whole.draw_kill(self._draw) for _ in range(self._draw.randint(2, MAX_KILLS))]
        for kill in (*planned, None):
            killed = self._one_process(spec, run, kill, acknowledged)
            if not killed:
                break
            kills += 1
            acknowledged = self._stage.read(0)
            steps = RunFolder(run).steps() if run.exists() else []
            newest = max(steps, default=-1)
            assert newest >= acknowledged, f"{run.name}: step {acknowledged} is lost"
            if newest >= 0:
                Checkpoint.read(RunFolder(run).checkpoint(newest))
        self.kills.append(kills)
        resumed = outcome(run)
        for name in sorted(resumed.keys() | whole.outcome.keys()):
            if resumed.get(name) != whole.outcome.get(name):
                self.mismatches.append(f"{run.name}: {name}")

    def _one_process(self, spec: str, run: Path, kill: Kill | None, acknowledged: int) -> bool:
        """Run one process of a run; return True if it was killed before the end."""
        threads = self._draw.randint(1, 4)
        self.threads[threads] += 1
        stage = self._stage
        stage.reset(acknowledged)
        seconds = kill.when if kill is not None and kill.kind == "clock" else None
        code = in_a_child(lambda: train(spec, run, threads, kill, stage), seconds)
        assert code in (0, -signal.SIGKILL), f"{run.name}: a process ended with {code}"
        if code == 0:
            return False
        assert kill is not None
        self.kinds[kill.kind] += 1
        self.acts[stage.act] += 1
        self.saves[stage.save] += 1
        return True

    def report(self) -> None:
        """Print the counts of kills and the mismatches."""
        runs, kills = len(self.kills), sum(self.kills)
        print(f"{runs:,} runs of {len(SPECS)} specs, {kills:,} kills ({min(self.kills)} to")
        print(f"{max(self.kills)} a run), by {_format_counts(self.kinds)}")
        print(f"processes by threads: {_format_counts(self.threads)}")
        for title, order, counts in (
            ("stage of the loop:", ACTS, self.acts),
            ("stage of the save:", PHASES, self.saves),
        ):
            print(title)
            for name in order:
                print(f"  {name:24}{counts[name]:6,}  {'#' * round(60 * counts[name] / kills)}")
        print(f"mismatches: {len(self.mismatches)}")
        for line in self.mismatches:
            print(f"  {line}")


def _format_counts(counts: Counter[Any]) -> str:
    return ", ".join(f"{name}: {counts[name]:,}" for name in sorted(counts))


def main() -> None:
    """Run the torture and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="runs")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of the kills")
    arguments = parser.parse_args()
    # Without these settings small networks fit into one shard, and use one thread.
    sharding.SHARD_FLOPS, sharding.MIN_FLOPS_PER_PARAM = 1, 0
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder))
        torture = Torture(Path(folder), arguments.seed)
        for number in range(arguments.count):
            torture.one_run(number)
            if sys.stderr.isatty():
                print(f"\r{number + 1:,} runs", end="", file=sys.stderr)
    torture.report()
    sys.exit(bool(torture.mismatches))


if __name__ == "__main__":
    main()
