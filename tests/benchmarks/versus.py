"""Comparison of tinynet with the other installed libraries on this machine.

    python tests/benchmarks/versus.py convnet mlp --pairs 15 --json out.json --markdown

Each side computes the same network in float32, from the same parameters, in a separate process
with the same number of threads. The sides take turns, A B B A, and run a block of steps each time,
0.3 seconds long; the steps of the first 0.05 seconds after each switch don't count. A ratio is
the median over the rounds of tinynet's time divided by the peer's in the same round; below 1
tinynet is faster. Before timing, all sides must agree to 1e-4 on the losses of two steps, or on the
outputs. The bare matrix products of the network are timed in the same rounds, as the lower limit. A
round is repeated if other processes computed meanwhile, up to three times the requested number of
rounds; the report warns of cases that were disturbed nevertheless.

Whole jobs, from process start to the end, take turns in the same way. The report ends with the
table of the goals; of the cases with the same goal, it shows the one with the largest figure.

Peers: pip install -e '.[bench]'. The report lists those that are not installed.
`regression.py` compares two commits of tinynet.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from versus import machine, measuring, mnist_job, processes, report, table_jobs
from versus.pairing import BLOCK
from versus.results import Result
from versus.workloads import CASES, MEASURED_MEMORY, SCALING, WORKLOADS

JOB_PAIRS, MEMORY_PAIRS = 3, 3
"""Fewer pairs for slow or stable measurements: a job takes seconds, and memory hardly varies."""


def measured(args: argparse.Namespace) -> Iterator[Result]:
    """Yield each result as soon as it is complete."""
    threads, pairs, block = args.threads, args.pairs, args.block
    for workload in args.workloads or WORKLOADS:
        if workload in CASES:
            for case in CASES[workload]:
                yield measuring.side_by_side(case, threads, pairs, args.launches, block)
        elif workload == "gemm":
            for case in SCALING:
                yield measuring.scaling(case, threads, pairs, block)
        elif workload == "memory":
            for case in MEASURED_MEMORY:
                yield from measuring.memory(case, threads, min(pairs, MEMORY_PAIRS))
        elif workload == "job":
            yield mnist_job.measure(args.data_root, threads, min(pairs, JOB_PAIRS))
        elif workload == "tables":
            for name in table_jobs.TABLES:
                yield table_jobs.measure(name, threads, pairs)
        elif workload == "start":
            yield processes.start(threads, pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "workloads",
        nargs="*",
        metavar="WORKLOAD",
        help=f"default: all of them, {', '.join(WORKLOADS)}",
    )
    parser.add_argument("--threads", type=int, default=2, help="of every side; default: 2")
    parser.add_argument("--pairs", type=int, default=15, help="rounds; default: 15")
    parser.add_argument("--launches", type=int, default=1, help="of each side; default: 1")
    parser.add_argument(
        "--block", type=float, default=BLOCK, help=f"seconds of a block; default: {BLOCK}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--markdown", action="store_true", help="print the README's tables too")
    parser.add_argument("--data-root", type=Path, default=Path(__file__).parents[3] / "shared/data")
    args = parser.parse_args()
    if unknown := [name for name in args.workloads if name not in WORKLOADS]:
        parser.error(f"no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    if min(args.threads, args.pairs, args.launches) < 1 or args.block <= 0:
        parser.error("--threads, --pairs and --launches are at least 1, --block is above 0")
    facts = machine.described(args.threads) | {
        "pairs": args.pairs,
        "block": args.block,
        "date": date.today().isoformat(),
        "command": shlex.join(["python", "tests/benchmarks/versus.py", *sys.argv[1:]]),
    }
    print(report.header(facts), flush=True)
    results = []
    for result in measured(args):
        results.append(result)
        print(f"\n{report.case(result)}", flush=True)
        if args.json:
            args.json.write_text(json.dumps(report.as_json(facts, results), indent=1) + "\n")
    every = not args.workloads
    print(f"\n{report.goals(results)}")
    print(f"\n{report.goal_table(results, every=every)}")
    if args.markdown:
        print(f"\n{report.markdown(facts, results, every=every)}")


if __name__ == "__main__":
    main()
