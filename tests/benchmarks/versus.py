"""Comparison of tinynet with the other installed libraries on this machine.

    python tests/benchmarks/versus.py convnet mlp --pairs 15 --json out.json --markdown

Each side computes the same network in float32, from the same parameters, in a separate process
with the same number of threads. The sides alternate, A B A B, about a tenth of a second each. A
ratio is the median over the rounds of tinynet's time divided by the peer's in the same round;
below 1 tinynet is faster. Before timing, all sides must agree to 1e-4 on the losses of two steps,
or on the outputs. The bare matrix products of the network are timed in the same rounds, as the
lower limit. A round is repeated if other processes computed meanwhile, up to three times the
requested number of rounds.

Peers: pip install -e '.[bench]'. The report lists those that are not installed.

With ``--before PYTHON`` an older tinynet replaces the peers: the one that is installed, with its
kernels, in the environment of that interpreter. Each side is then launched ten times.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from versus import machine, measuring, processes, report
from versus.results import Result
from versus.sides import compare_with_before
from versus.workloads import CASES, MEMORY, SCALING, WORKLOADS

JOB_PAIRS, MEMORY_PAIRS = 3, 3
"""Fewer pairs for slow or stable measurements: a job takes seconds, and memory hardly varies."""


def measured(args: argparse.Namespace) -> Iterator[Result]:
    """Yield each result as soon as it is complete."""
    threads, pairs = args.threads, args.pairs
    for workload in args.workloads or (CASES if args.before else WORKLOADS):
        if workload in CASES:
            for case in CASES[workload]:
                yield measuring.side_by_side(case, threads, pairs, args.launches)
        elif workload == "gemm":
            for case in SCALING:
                yield measuring.scaling(case, threads, pairs)
        elif workload == "memory":
            for case in MEMORY:
                yield from measuring.memory(case, threads, min(pairs, MEMORY_PAIRS))
        elif workload == "job":
            yield processes.job(args.data_root, threads, min(pairs, JOB_PAIRS))
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
    parser.add_argument(
        "--launches", type=int, help="of each side; default: 1, or 10 with --before"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--markdown", action="store_true", help="print the README's tables too")
    parser.add_argument("--before", metavar="PYTHON", help="compare with an older tinynet only")
    parser.add_argument("--data-root", type=Path, default=Path(__file__).parents[3] / "shared/data")
    args = parser.parse_args()
    if unknown := [name for name in args.workloads if name not in WORKLOADS]:
        parser.error(f"no workload {unknown[0]!r}; there are {', '.join(WORKLOADS)}")
    args.launches = args.launches or (10 if args.before else 1)
    if min(args.threads, args.pairs, args.launches) < 1:
        parser.error("--threads, --pairs and --launches are at least 1")
    if args.before and not set(args.workloads) <= CASES.keys():
        parser.error(f"--before compares {', '.join(CASES)}")
    if args.before:
        compare_with_before(args.before)
    facts = machine.described(args.threads) | {
        "pairs": args.pairs,
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
    print(f"\n{report.goals(results)}")
    if args.markdown:
        print(f"\n{report.markdown(facts, results)}")


if __name__ == "__main__":
    main()
