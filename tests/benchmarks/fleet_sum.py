"""The sum of the gradients of several processes: tinynet beside MPI_Allreduce.

    pip install mpi4py mpich
    pip install ./plugins/tinynet-mpi
    python -m tests.benchmarks.fleet_sum [-n 2] [--sizes 35k 1M 10M] [--rounds 15] [--json FILE]

Starts itself with ``mpiexec``, each process on a core of its own. The ways to add alternate in one
run, in blocks of about a tenth of a second after a warm-up; a ratio is the median over the rounds
of the ratio within a round, and below 1 tinynet is faster. A block takes as long as its slowest
process. Rounds in which other processes computed are repeated, up to three times the requested
number.

Each process has one shard, whose gradients are divided among 8 parameters. tinynet places them in
a vector, adds in an order that does not depend on the number of processes, by either of its
algorithms, and returns arrays by parameter. MPI_Allreduce gets one contiguous array with the same
numbers, adds in any order, and returns one array; a program with 8 gradients would call it 8 times
or copy. All must agree to 1e-5, and the algorithms of tinynet in every bit.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks.fleets import facts
from tests.benchmarks.fleets.groups import LINES, missing, mpi_group
from tests.benchmarks.fleets.launching import (
    LIMIT,
    NO_LAUNCHER,
    ROOT,
    crowding,
    environment,
    find_mpiexec,
    hold_to_core,
    local_rank,
    mpi_command,
)
from tests.benchmarks.fleets.rounds import Rounds, Times, disturbance, ratios, seconds, spread
from tests.benchmarks.fleets.schedule import gradients_of, shapes_of

BLOCK, WARM_UP = 0.1, 0.03
"""Seconds of a timed block, and of the calls before it."""

PLAIN = "MPI_Allreduce"
TOLERANCE = 1e-5

Sum = Callable[[], Any]


def parse_size(text: str) -> int:
    """Return the number of elements of a text such as 35k or 10M."""
    factor = {"k": 10**3, "M": 10**6}.get(text[-1:], 1)
    try:
        number = int(text.rstrip("kM")) * factor
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size; write it as 35k or 10M"
        ) from None
    if number < 1:
        raise argparse.ArgumentTypeError("a size is at least 1")
    return number


def ways(comm: Any, group: Any, length: int) -> dict[str, Sum]:
    """Return the calls that add vectors of a length, after a check that they agree."""
    from tinynet.engine.gradient_sum import GradientSum, choose_algorithm, owned_shards
    from tinynet.engine.threads import ThreadPool

    size, pool = group.size, ThreadPool(1)
    shapes = shapes_of(length)
    parts = gradients_of(shapes, 1, group.rank)
    own = owned_shards(size, size, "tree")[group.rank]

    def tinynet(algorithm: Any) -> Sum:
        sums = GradientSum(shapes, np.float32, pool, group, algorithm)
        return lambda: sums.sum(parts, own, size, "tree")

    chosen = choose_algorithm(size, size, "tree")
    marks = {name: ", chosen" if name == chosen else "" for name in ("direct", "halving")}
    made = {f"tinynet {name}{mark}": tinynet(name) for name, mark in marks.items()}
    packed = np.concatenate([part.reshape(-1) for (part,) in parts.values()])
    total = np.empty_like(packed)
    made[PLAIN] = lambda: comm.Allreduce(packed, total)
    made[PLAIN]()
    answers = [
        np.concatenate([array.reshape(-1) for array in run().values()])
        for name, run in made.items()
        if name != PLAIN
    ]
    if len({answer.tobytes() for answer in answers}) > 1:
        sys.exit(f"the algorithms of tinynet differ for {length} elements")
    if not np.allclose(answers[0], total, rtol=TOLERANCE):
        sys.exit(f"the sums of tinynet and {PLAIN} differ for {length} elements")
    return made


def compare(comm: Any, made: dict[str, Sum], rounds: int, block: float) -> tuple[Times, float]:
    """Return the times of a call by name, and the load by others; in process 0 they count."""
    last = {name: _timed(comm, run, 2) for name, run in made.items()}
    measured = Rounds(rounds, comm.allgather(os.getpid()))
    while not comm.bcast(measured.complete):
        figures = {}
        for name in list(made)[:: -1 if comm.bcast(measured.backward) else 1]:
            _timed(comm, made[name], _count(comm, WARM_UP, last[name]))
            last[name] = _timed(comm, made[name], _count(comm, block, last[name]))
            figures[name] = last[name]
        measured.add(figures)
    times = measured.figures()
    return {name: times[name] for name in made}, measured.others


def _count(comm: Any, seconds: float, one: float) -> int:
    return comm.bcast(max(2, round(seconds / one)))


def _timed(comm: Any, run: Sum, count: int) -> float:
    """Return the seconds of a call in the slowest process."""
    comm.Barrier()
    start = perf_counter()
    for _ in range(count):
        run()
    return max(comm.allgather(perf_counter() - start)) / count


def report(length: int, times: Times, others: float) -> str:
    """Format the times of a length, and the ratios to MPI_Allreduce."""
    lines = [f"{length:,} float32{disturbance(others)}"]
    lines.append(f"  {'':26}{'time of a sum':36}ratio to {PLAIN}")
    for name, values in times.items():
        ratio = "" if name == PLAIN else spread(ratios(times, name, PLAIN))
        lines.append(f"  {name:26}{spread(values, seconds):36}{ratio}".rstrip())
    return "\n".join(lines)


def measure(args: argparse.Namespace) -> None:
    """Measure as one of the processes; process 0 prints."""
    described, remark = facts.machine(), crowding(args.processes)
    hold_to_core(local_rank())
    group = mpi_group()
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    first, written = comm.rank == 0, {}
    if first:
        print(f"{described}\n{comm.size} processes", flush=True)
        if remark:
            print(remark, flush=True)
    for length in args.sizes:
        rounds, block = (1, 0.01) if args.quick else (args.rounds, BLOCK)
        times, others = compare(comm, ways(comm, group, length), rounds, block)
        if first:
            print(f"\n{report(length, times, others)}", flush=True)
        written[length] = {"seconds": times, "others": others}
    if first and args.json:
        content = {"machine": described, "processes": comm.size, "sums": written}
        args.json.write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-n", "--processes", type=int, default=2, help="default: 2")
    parser.add_argument(
        "--sizes",
        type=parse_size,
        nargs="+",
        default=[34_826, 10**6, 10**7],
        metavar="SIZE",
        help="elements, such as 35k or 10M; default: 34826 (the convnet of Keras) 1M 10M",
    )
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    parser.add_argument("--mpiexec", help="launcher; default: that of this environment")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--quick", action="store_true", help="one short round, to try the program")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args)
        return
    if args.processes < 2 or args.rounds < 1:
        parser.error("-n is at least 2, and --rounds at least 1")
    if line := missing(*LINES):
        sys.exit(f"a package is missing: {line}")
    launcher = find_mpiexec(args.mpiexec)
    if launcher is None:
        sys.exit(NO_LAUNCHER)
    if args.json:
        sys.argv[sys.argv.index(str(args.json))] = str(args.json.resolve())
    command = ["-m", "tests.benchmarks.fleet_sum", "--measure", *sys.argv[1:]]
    done = subprocess.run(
        mpi_command(launcher, args.processes, command),
        cwd=ROOT,
        env=environment(),
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
