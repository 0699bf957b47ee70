"""Comparison of two commits of tinynet, pair by pair.

    python tests/benchmarks/regression.py OLD [NEW] [--workloads convnet,mlp] [--fail]

OLD and NEW are revisions of git; NEW is the working tree by default. Each is installed with its
native kernels in an environment in a temporary folder; all other packages, and the programs of the
benchmark, are those of this interpreter and this tree. Both versions run the same steps in separate
processes that take turns with blocks of steps, as in `versus.py`, and must agree to 1e-4.

The program prints the CPU time of a step with one thread, the elapsed time with all threads, and
the ratio NEW / OLD: the median over the rounds and its quartiles. A measurement whose quartiles are
both above 1.03 is marked as slower. The addresses of arrays change the speed of a process by
several percent, so each version is launched several times. With --fail the exit code is 1 if a
measurement is slower, or if only NEW cannot run a workload.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from versus import machine, report, trees, two_trees
from versus.names import NATIVE, NUMPY
from versus.pairing import BLOCK
from versus.quiet import QUIET
from versus.workloads import CASES

KERNELS = {"native": NATIVE, "numpy": NUMPY}

DEFAULT = (
    *("convnet", "small_conv", "mlp", "batch_1", "fashion_norm", "resnet20", "inference"),
    *("lstm", "gru", "tcn"),
)
"""Workloads with short steps of every kind of layer."""


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", metavar="OLD", help="a revision of git")
    parser.add_argument("new", metavar="NEW", nargs="?", help="default: the working tree")
    parser.add_argument(
        "--workloads",
        default=",".join(DEFAULT),
        metavar="NAMES",
        help=f"separated by commas, of {', '.join(CASES)}; default: {','.join(DEFAULT)}",
    )
    parser.add_argument("--kernels", choices=(*KERNELS, "both"), default="both")
    parser.add_argument("--threads", type=int, default=2, help="of the elapsed time; default: 2")
    parser.add_argument("--launches", type=int, default=5, help="of each version; default: 5")
    parser.add_argument("--pairs", type=int, default=6, help="rounds in each launch; default: 6")
    parser.add_argument(
        "--block", type=float, default=BLOCK, help=f"seconds of a block; default: {BLOCK}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--fail", action="store_true", help="exit with 1 if NEW is slower")
    args = parser.parse_args()
    args.workloads = list(filter(None, args.workloads.split(",")))
    if unknown := [name for name in args.workloads if name not in CASES]:
        parser.error(f"no workload {unknown[0]!r}; there are {', '.join(CASES)}")
    if min(args.threads, args.pairs, args.launches) < 1 or args.block <= 0:
        parser.error("--threads, --pairs and --launches are at least 1, --block is above 0")
    return args


def main() -> None:
    args = parsed()
    with tempfile.TemporaryDirectory(prefix="tinynet-regression-") as temporary:
        folder = Path(temporary)
        pythons, names = {}, {}
        for version, revision in ((two_trees.OLD, args.old), (two_trees.NEW, args.new)):
            try:
                names[version] = trees.check_out(revision, folder / version)
                print(f"{version}: {names[version]}", flush=True)
                pythons[version] = trees.install(folder / version, folder / f"{version}-python")
            except trees.TreeError as error:
                sys.exit(f"error: {error}")
        sys.exit(compared(args, pythons, names))


def compared(args: argparse.Namespace, pythons: dict[str, Path], names: dict[str, str]) -> int:
    """Measure and print every case; return the exit code."""
    facts = machine.described(args.threads)
    print(f"{facts['processor']}, {facts['cores']} cores, load {facts['load']}")
    print(f"{report.speed(facts['gflops'])}\n\n{two_trees.HEAD}", flush=True)
    chosen = KERNELS.values() if args.kernels == "both" else [KERNELS[args.kernels]]
    rounds = args.pairs, args.launches, args.block
    rows, disturbed, failed = [], [], []
    for case in (case for workload in args.workloads for case in CASES[workload]):
        for kernels in chosen:
            result = two_trees.measure(case, kernels, pythons, args.threads, rounds)
            own = two_trees.rows_of(result, kernels, args.threads)
            rows += own
            failed += [f"{case.title}, {line}" for line in two_trees.broken(result.skipped)]
            if result.others > QUIET:
                disturbed.append(f"{case.title}, {kernels}")
            print(two_trees.formatted(result, own), flush=True)
            if args.json:
                content = {**facts, **names, "rows": [asdict(row) for row in rows]}
                args.json.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\n{two_trees.summary(rows, disturbed, failed)}")
    slower = any(row.verdict == "slower" for row in rows)
    return int(args.fail and (slower or bool(failed)))


if __name__ == "__main__":
    main()
