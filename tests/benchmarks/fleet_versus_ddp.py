"""A training step in one and in two processes: tinynet beside torch's DistributedDataParallel.

    pip install mpi4py mpich torch
    pip install ./plugins/tinynet-mpi
    python -m tests.benchmarks.fleet_versus_ddp [cnn mlp batch_norm] [--rounds 15] [--json FILE]

The four sides (each library with one process and with two) train the same network from the same
parameters on the same batches in float32, each process with one thread on a core of its own. They
alternate in one run, about half a second each, after a warm-up; a ratio is the median over the
rounds of the ratio within a round. Rounds in which other processes computed are repeated, up to
three times the requested number. Before timing, the losses of two steps must agree to 1e-4.

tinynet sends by MPI, and torch by gloo, which is its only choice without GPUs. In one machine MPI
copies through shared memory, and gloo through the loopback of TCP. A process that waits for MPI
asks again and again, without a pause at first: the CPU time of a step is that of all processes,
these waits included.

Batch norm differs in two processes: tinynet normalizes by the whole batch, as in one process, and
torch by the half of each process. (Its SyncBatchNorm needs GPUs.)
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks.fleets import facts
from tests.benchmarks.fleets.groups import LINES, missing
from tests.benchmarks.fleets.jobs import JOBS
from tests.benchmarks.fleets.launching import NO_LAUNCHER, crowding, find_mpiexec
from tests.benchmarks.fleets.rounds import Rounds, Times, disturbance, ratios, seconds, spread
from tests.benchmarks.fleets.sides import Running, Side, SideError, running

BLOCK = 0.5
"""Seconds of one timed block."""

TOLERANCE = 1e-4

DIFFERENT = "batch_norm"
"""The job whose losses differ in torch's two processes."""


def compare(job: str, libraries: list[str], rounds: int, block: float, mpiexec: str | None):
    """Return the times of the sides of a job, and the load by others, as (wall, CPU, others)."""
    sides = [Side(library, size) for library in libraries for size in (1, 2)]
    with ExitStack() as stack:
        made = {side.title: stack.enter_context(running(side, job, mpiexec)) for side in sides}
        for one in made.values():
            one.start()
        _check(job, made)
        measured = Rounds(rounds, [pid for one in made.values() for pid in one.pids])
        while not measured.complete:
            figures = {}
            for title in list(made)[:: -1 if measured.backward else 1]:
                done = made[title].block(block)
                figures |= {f"wall {title}": done.wall, f"cpu {title}": done.cpu}
            measured.add(figures)
    figures = measured.figures()
    wall, cpu = ({title: figures[f"{kind} {title}"] for title in made} for kind in ("wall", "cpu"))
    return wall, cpu, measured.others


def _check(job: str, made: dict[str, Running]) -> None:
    """Refuse sides that compute something else."""
    (first, reference), *others = [(one.side.title, one.losses) for one in made.values()]
    for title, losses in others:
        gap = max(abs(a - b) for a, b in zip(losses, reference, strict=True))
        if not gap <= TOLERANCE and (job, title) != (DIFFERENT, Side("torch", 2).title):
            sys.exit(f"{job}: the losses of {title} differ from those of {first} by {gap:.2g}")


def report(job: str, wall: Times, cpu: Times, others: float) -> str:
    """Format the times of a job, the speed-ups, and tinynet's ratios to torch."""
    described = JOBS[job]
    lines = [
        f"{described.title}, batch {described.batch}, {described.shards} shards"
        f"{disturbance(others)}",
        f"  {'':22}{'step':34}CPU time of a step",
    ]
    lines += [
        f"  {title:22}{spread(wall[title], seconds):34}{spread(cpu[title], seconds)}"
        for title in wall
    ]
    for library in ("tinynet", "torch"):
        one, two = Side(library, 1).title, Side(library, 2).title
        if one in wall:
            more = median(ratios(cpu, two, one))
            lines.append(
                f"  {library}: two processes are {spread(ratios(wall, one, two))} times as fast as"
                f" one, for {more:.2f} times the CPU time"
            )
    for size in (1, 2):
        ours, theirs = Side("tinynet", size).title, Side("torch", size).title
        if ours in wall and theirs in wall:
            lines.append(
                f"  tinynet / torch, {size} process{'es' if size > 1 else ''}:"
                f" {spread(ratios(wall, ours, theirs))} of the time,"
                f" {spread(ratios(cpu, ours, theirs))} of the CPU time"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"default: {' '.join(JOBS)}")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    parser.add_argument("--mpiexec", help="launcher; default: that of this environment")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--quick", action="store_true", help="one short round, to try the program")
    args = parser.parse_args()
    if unknown := [job for job in args.jobs if job not in JOBS]:
        parser.error(f"no job {unknown[0]!r}; there are {', '.join(JOBS)}")
    if line := missing(*LINES):
        sys.exit(f"a package is missing: {line}")
    if find_mpiexec(args.mpiexec) is None:
        sys.exit(NO_LAUNCHER)
    libraries = ["tinynet", "torch"] if facts.version_of("torch") else ["tinynet"]
    print(facts.machine("torch"), flush=True)
    if len(libraries) == 1:
        print("torch is not installed, so tinynet is compared with nothing")
    if remark := crowding(2):
        print(remark)
    written = {}
    for job in args.jobs or JOBS:
        rounds, block = (1, 0.05) if args.quick else (args.rounds, BLOCK)
        try:
            wall, cpu, others = compare(job, libraries, rounds, block, args.mpiexec)
        except SideError as error:
            sys.exit(str(error))
        print(f"\n{report(job, wall, cpu, others)}", flush=True)
        written[job] = {"wall": wall, "cpu": cpu, "others": others}
    if args.json:
        args.json.write_text(json.dumps({"machine": facts.machine("torch"), **written}, indent=1))


if __name__ == "__main__":
    main()
