"""Training on a file larger than memory: time and bytes per step, peak memory, time to resume.

    python tests/benchmarks/large_data.py                   # 4 GiB under a limit of 1 GiB
    python tests/benchmarks/large_data.py --gib 0.5 --limit-gib 0.25

A file x.npy of random rows is written, and dropped from the page cache. Then the same job runs in
processes of their own: from the file under the limit, and on the array in memory without a limit.
The limit is that of a control group (version 1 or 2), which counts the page cache too; it needs
the permission to make one. Without it, ``RLIMIT_DATA`` limits the allocated memory alone, and only
the bytes that are read from the disk tell whether pages are read again and again.

The batch of a step is read in the background while the step before is computed. ``rchar`` and
``read_bytes`` of /proc/self/io count the bytes that were asked for, and those that came from the
disk. So the program runs on Linux alone. The files are deleted at the end.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

GIB = 1 << 30
FEATURES, CLASSES, BATCH = 1024, 10, 256
ROW = 4 * FEATURES
WARM_UP = 20
"""Steps that are not measured."""

_LIMIT_FILES = {
    "memory.max": "memory.peak",
    "memory.limit_in_bytes": "memory.max_usage_in_bytes",
}
"""The file of the highest use by that of the limit, of both versions of control groups."""


def spec(steps: int) -> dict[str, Any]:
    """Return the job: a perceptron, whose step takes some milliseconds."""
    return {
        "tinynet": 1,
        "name": "large",
        "data": {
            "type": "npy",
            "inputs": "x.npy",
            "targets": "y.npy",
            "order": {"type": "blocks"},
            "split": {"validation": 0, "test": 0},
        },
        "network": {
            "layers": [
                {"type": "dense", "units": 256},
                "relu",
                {"type": "dense", "units": CLASSES},
            ]
        },
        "training": {
            "steps": steps,
            "batch_size": BATCH,
            "loss": "softmax_cross_entropy",
            "optimizer": "sgd",
            "checkpoint": {"every_steps": steps},
        },
    }


# The files ------------------------------------------------------------------------------------


def write_files(folder: Path, rows: int) -> None:
    """Write x.npy, (rows, FEATURES) float32, and y.npy, and drop them from the page cache."""
    draw = np.random.default_rng(0)
    x = np.lib.format.open_memmap(
        folder / "x.npy", mode="w+", dtype=np.float32, shape=(rows, FEATURES)
    )
    start = x.offset
    del x
    with open(folder / "x.npy", "r+b") as file:
        file.seek(start)
        for first in range(0, rows, 1 << 14):
            part = draw.random((min(1 << 14, rows - first), FEATURES), np.float32)
            file.write(part.data)
    np.save(folder / "y.npy", draw.integers(0, CLASSES, rows))
    drop_cached(folder)


def drop_cached(folder: Path) -> None:
    """Drop the pages of the files from the page cache, so that the next read is one of the disk."""
    for name in ("x.npy", "y.npy"):
        descriptor = os.open(folder / name, os.O_RDWR)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


# The limit ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """A control group for one process, or None in place of its folder."""

    folder: Path | None
    peak_file: str = ""

    @property
    def peak(self) -> int:
        """The most bytes that were in use, with the page cache."""
        return 0 if self.folder is None else int((self.folder / self.peak_file).read_text())


@contextmanager
def control_group(limit: int) -> Iterator[Group]:
    """Make a group with a limit on memory inside of the own one, if that is permitted."""
    from tinynet.files.available_memory import _group_folders

    for parent, _ in _group_folders(Path("/")):
        folder = parent / f"tinynet-benchmark-{os.getpid()}"
        for limit_file, peak_file in _LIMIT_FILES.items():
            try:
                folder.mkdir()
                (folder / limit_file).write_text(str(limit))
            except OSError:
                with suppress(OSError):
                    folder.rmdir()
                continue
            try:
                yield Group(folder, peak_file)
            finally:
                folder.rmdir()
            return
    yield Group(None)


def run_process(words: list[str], limit: int | None) -> dict[str, Any]:
    """Run a part of the benchmark in a process of its own, and return what it reports."""
    command = [sys.executable, __file__, *words]
    if limit is None:
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    with control_group(limit) as group:

        def enter() -> None:
            if group.folder is None:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
            else:
                (group.folder / "cgroup.procs").write_text(str(os.getpid()))

        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, preexec_fn=enter)
        return {**json.loads(done.stdout), "group_peak": group.peak}


# The parts that run in processes of their own ----------------------------------------------------


def io_counts() -> tuple[int, int]:
    """Return the bytes that this process has asked for, and those that came from the disk."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["rchar"]), int(lines["read_bytes"])


def train(folder: Path, steps: int, in_memory: bool) -> dict[str, Any]:
    """Train, and report the times of the steps and the bytes that were read for them."""
    import tinynet
    from tinynet.checkpoint.checkpoint import Checkpoint
    from tinynet.training.events import RunEvent, StepDone

    marks: list[tuple[float, int, int]] = []

    def observe(event: RunEvent) -> None:
        if isinstance(event, StepDone):
            marks.append((perf_counter(), *io_counts()))

    start = perf_counter()
    settings: dict[str, Any] = {"data_root": folder, "observer": observe}
    if in_memory:
        arrays = np.load(folder / "x.npy"), np.load(folder / "y.npy")
        settings = {"data": arrays, "observer": observe}
    run = tinynet.train(spec(steps), folder / ("memory" if in_memory else "run"), **settings)
    (_, *first), (_, *last) = marks[WARM_UP], marks[-1]
    times = np.diff([mark[0] for mark in marks[WARM_UP:]])
    tensors = Checkpoint.read(run.checkpoints[-1]).tensors
    return {
        "seconds_to_open": marks[0][0] - start,
        "steps": len(times),
        "median": median(times),
        "mean": float(times.mean()),
        "asked": (last[0] - first[0]) / len(times),
        "from_disk": (last[1] - first[1]) / len(times),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "sum": float(sum(np.abs(array.astype(np.float64)).sum() for array in tensors.values())),
    }


def move(folder: Path, step: int, position: int) -> Path:
    """Return a run whose only checkpoint is that of the finished run, moved in its epoch."""
    from tinynet.checkpoint.checkpoint import Checkpoint
    from tinynet.run.folder import RunFolder

    start = Checkpoint.read(RunFolder(folder / "run").checkpoint(step))
    moved = RunFolder(folder / f"at-{position}")
    moved.checkpoints.mkdir(parents=True)
    moved.log.write_bytes((folder / "run" / "metrics.jsonl").read_bytes())
    progress = replace(start.progress, step=position, epoch=0, position=position)
    replace(start, progress=progress).write(moved.checkpoint(position))
    return moved.path


def resume(folder: Path, run: Path) -> dict[str, Any]:
    """Resume a run up to its first step, and report the time of that."""
    import tinynet
    from tinynet.training.events import RunEvent, StepDone

    class Stop(Exception):  # noqa: N818
        """The first step is done."""

    def observe(event: RunEvent) -> None:
        if isinstance(event, StepDone):
            raise Stop

    before, start = io_counts(), perf_counter()
    with suppress(Stop):
        tinynet.resume(run, data_root=folder, observer=observe, overrides={"training.steps": 10**9})
    return {
        "seconds": perf_counter() - start,
        "from_disk": io_counts()[1] - before[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


# The report -----------------------------------------------------------------------------------


def report_steps(limited: dict[str, Any], memory: dict[str, Any], limit: int) -> None:
    """Print the figures of the two jobs."""
    for name, job in (("from the file", limited), ("in memory", memory)):
        print(
            f"{name:14} {job['median'] * 1e3:6.2f} ms per step (median of {job['steps']:,};"
            f" mean {job['mean'] * 1e3:.2f} ms), {job['seconds_to_open']:5.1f} s to the first step"
        )
    ratio, mean = (limited[key] / memory[key] for key in ("median", "mean"))
    print(f"time per step: {ratio:.2f} x that in memory (of the means: {mean:.2f}; goal: 2)")
    batch = BATCH * (ROW + 8)
    print(
        f"bytes per step: {limited['asked'] / batch:.2f} x the batch are asked for,"
        f" {limited['from_disk'] / batch:.2f} x come from the disk (goal: 8)"
    )
    print(
        f"peak memory: {limited['peak'] / 2**20:,.0f} MiB resident;"
        f" {limited['group_peak'] / 2**20:,.0f} MiB with the page cache, of"
        f" {limit / 2**20:,.0f} MiB; in memory: {memory['peak'] / 2**20:,.0f} MiB"
    )
    print(f"same bits as in memory: {limited['sum'] == memory['sum']}")


def benchmark(folder: Path, rows: int, limit: int, steps: int, rounds: int) -> None:
    """Write the files, run all parts, and print the report."""
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    start = perf_counter()
    write_files(folder, rows)
    epoch = -(-rows // BATCH)
    print(
        f"{rows * ROW / GIB:.2f} GiB, {rows:,} rows of {ROW:,} bytes, {epoch:,} steps of {BATCH}"
        f" rows in an epoch, written in {perf_counter() - start:.0f} s;"
        f" load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    with control_group(limit) as group:
        kind = "RLIMIT_DATA, without the page cache" if group.folder is None else "a control group"
        print(f"limit: {limit / GIB:.2f} GiB by {kind}")
    words = ["--folder", str(folder), "--steps", str(steps), "--part"]
    limited = run_process([*words, "train"], limit)
    memory = run_process([*words, "train-in-memory"], None)
    report_steps(limited, memory, limit)
    for position in (1, epoch // 2, epoch - 1):
        run = move(folder, steps, position)
        results = []
        for _ in range(rounds):
            drop_cached(folder)
            results.append(run_process([*words, "resume", "--run", str(run)], limit))
        seconds = median(result["seconds"] for result in results)
        print(
            f"resume at step {position:7,} of the epoch: {seconds:.2f} s to the first step,"
            f" {results[0]['from_disk'] / 2**20:,.1f} MiB from the disk,"
            f" {max(r['peak'] for r in results) / 2**20:,.0f} MiB resident"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gib", type=float, default=4, help="size of the file")
    parser.add_argument("--limit-gib", type=float, default=1, help="limit on memory")
    parser.add_argument("--steps", type=int, default=500, help="steps of each job")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each resume")
    parser.add_argument("--folder", type=Path, help="where to write [default: a temporary folder]")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "resume":
        print(json.dumps(resume(options.folder, options.run)))
    elif options.part is not None:
        in_memory = options.part == "train-in-memory"
        print(json.dumps(train(options.folder, options.steps, in_memory)))
    else:
        rows, limit = (int(size * GIB) for size in (options.gib / ROW, options.limit_gib))
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            benchmark(Path(folder), rows, limit, options.steps, options.rounds)


if __name__ == "__main__":
    main()
