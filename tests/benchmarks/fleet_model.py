"""A model of a training step with 16, 128 and 1,024 processes, each with one shard.

    python -m tests.benchmarks.fleet_model
    python -m tests.benchmarks.fleet_model --latency 20e-6 --bandwidth 1.25e9 [--shard-time 5e-3]

Without ``--latency`` and ``--bandwidth`` the messages between two processes of MPI are measured on
this machine; to measure a network, run ``mpiexec -n 2 -hosts a,b python -m
tests.benchmarks.fleets.link`` and pass its figures. The messages of the sum are those of the code:
`GradientSum` of every process runs with a group that records its calls. The times of a shard, of
additions, and of pickling are measured on this machine. The other assumptions are printed.

``--rule`` prints the faster algorithm of the sum for other numbers of processes, and the loss by
the one that tinynet chooses.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.benchmarks.fleets import costs, facts
from tests.benchmarks.fleets.groups import missing
from tests.benchmarks.fleets.launching import output_under_mpi
from tests.benchmarks.fleets.network import Network
from tests.benchmarks.fleets.rounds import seconds
from tests.benchmarks.fleets.schedule import ITEM, local_work, moving
from tinynet.engine import summary_tree
from tinynet.engine.gradient_sum import choose_algorithm

ALGORITHMS = ("direct", "halving")


class Model(NamedTuple):
    """A network of which a step is modeled.

    Attributes:
        title: A short description.
        length: Elements of all parameters.
        widths: Inputs and units of its dense layers; none for the convnet.
    """

    title: str
    length: int
    widths: tuple[int, ...] = ()


MODELS = (
    Model("35k, the MNIST convnet", 34_826),
    Model("1M, dense 784-682-682-10", 1_007_992, (784, 682, 682, 10)),
    Model("10M, dense 784-2800-2800-10", 10_068_810, (784, 2800, 2800, 10)),
)

RULE_SIZES = (2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 100, 128, 256, 500, 1024)


def assumptions(network: Network, source: str, args: argparse.Namespace) -> str:
    """Return the assumptions, a line each."""
    shard = "given" if args.shard_time else f"measured: {args.samples} samples, 1 thread, and Adam"
    return "\n".join(
        [
            f"Network ({source}): {seconds(network.latency)} for a small message,"
            f" {network.bandwidth / 1e9:.2f} GB/s in each direction,",
            f"  {seconds(network.overhead)} of processor time per message at either end; messages"
            f" above {network.eager_bytes >> 10} KiB first ask.",
            "Each process has a link of its own, as with one process on each machine; the network"
            " between the links",
            "  never limits, no message is late, and all processes start each step at once.",
            "Collective calls are those of MPICH: messages to all at once (all-to-all); doubling,"
            " Bruck's, or a ring (all-gather).",
            f"Objects are gathered as by tinynet-mpi, in slots of {network.slot} bytes by Bruck's"
            " algorithm.",
            f"Each process has one shard ({shard}); work beside",
            "  the messages is measured here, one process at a time, and overlaps with none.",
        ]
    )


def sum_time(network: Network, size: int, algorithm: str, length: int) -> tuple[float, float]:
    """Return the seconds of messages and of local work of a sum."""
    return (
        moving(network, size, size, algorithm, length),
        local_work(size, size, algorithm, length),
    )


def sums(network: Network, sizes: Sequence[int], lengths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table of sums."""
    yield "The sum of the gradients: messages + local work"
    yield f"  {'float32':>12}{'processes':>11}  " + "".join(
        f"{name:28}" for name in (*ALGORITHMS, "MPI_Allreduce, without adding")
    )
    for length in lengths:
        for size in sizes:
            chosen = choose_algorithm(size, size, "tree")
            cells = []
            for algorithm in ALGORITHMS:
                parts = sum_time(network, size, algorithm, length)
                mark = " *" if algorithm == chosen else ""
                cells.append(f"{' + '.join(map(seconds, parts))}{mark}")
            cells.append(seconds(network.allreduce(size, ITEM * length)))
            yield f"  {length:12,}{size:11,}  " + "".join(f"{cell:28}" for cell in cells).rstrip()
    yield "  *: chosen by tinynet"


def gather_time(network: Network, size: int, item: costs.Objects) -> float:
    """Return the seconds of a gather of objects, and of their use."""
    each = item.unpickling + item.using
    return item.pickling + network.gather_objects(size, item.nbytes) + size * each


def merge_time(network: Network, size: int, item: costs.Objects) -> float:
    """Return the seconds of summaries that processes merge along the tree.

    In each round process 0 receives a summary, which has been pickled, and joins it with its own.
    As many rounds return the result. The gather before the first merge of a step is left out: it
    is one for all layers.
    """
    rounds = (size - 1).bit_length()
    message = network.message(max(item.nbytes + summary_tree.LENGTH, summary_tree.FRAME))
    up = item.pickling + message + item.unpickling + 2 * item.using
    return rounds * (up + message) + item.unpickling + item.using


def steps(
    network: Network, sizes: Sequence[int], models: Sequence[Model], args: argparse.Namespace
) -> Iterator[str]:
    """Yield the lines of the table of steps."""
    yield "A step: the shard alone, the gather of losses and requests, the sum; and the efficiency"
    yield (
        f"  {'network':30}{'processes':>10}{'shard':>11}{'gather':>11}{'sum':>11}{'step':>11}"
        f"{'efficiency':>12}"
    )
    for model in models:
        shard = args.shard_time or costs.shard_step(model.widths, args.samples)
        for size in sizes:
            algorithm = choose_algorithm(size, size, "tree")
            gather = gather_time(network, size, costs.step_results())
            adding = sum(sum_time(network, size, algorithm, model.length))
            step = shard + gather + adding
            cells = "".join(f"{seconds(time):>11}" for time in (shard, gather, adding, step))
            yield f"  {model.title:30}{size:10,}{cells}{shard / step:12.0%}"


def gathers(network: Network, sizes: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table of gathered objects."""
    step = costs.step_results()
    forward, backward = costs.summaries(backward=False), costs.summaries(backward=True)
    yield "Gathers of pickled objects, and summaries that are merged along the tree instead"
    heads = ("bytes", "messages", "unpickling", "use", "gathered", "merged")
    yield f"  {'':32}{'processes':>10}" + "".join(f"{head:>11}" for head in heads)
    for title, items in (
        ("losses and requests of a step", (step,)),
        (f"batch norm of {costs.CHANNELS}, both passes", (forward, backward)),
    ):
        for size in sizes:
            parts = (
                sum(network.gather_objects(size, item.nbytes) for item in items),
                sum(item.pickling + size * item.unpickling for item in items),
                sum(size * item.using for item in items),
            )
            times = [*parts, sum(parts)]
            if len(items) > 1:
                times.append(sum(merge_time(network, size, item) for item in items))
            cells = "".join(f"{seconds(time):>11}" for time in times)
            yield f"  {title:32}{size:10,}{sum(item.nbytes for item in items):11,}{cells}"


def rule(network: Network, sizes: Sequence[int], lengths: Sequence[int]) -> Iterator[str]:
    """Yield the faster algorithm for other numbers of processes."""
    yield "The faster algorithm of the sum, and its part of the time of the other"
    yield f"  {'processes':>11}  chosen   " + "".join(f"{f'{length:,}':>20}" for length in lengths)
    for size in sizes:
        chosen, cells = choose_algorithm(size, size, "tree"), []
        for length in lengths:
            direct, halving = (sum(sum_time(network, size, a, length)) for a in ALGORITHMS)
            faster = "direct" if direct < halving else "halving"
            share = min(direct, halving) / max(direct, halving)
            cells.append(f"{faster} {share:.2f}{' ' if faster == chosen else '!'}")
        yield f"  {size:11,}  {chosen:9}" + "".join(f"{cell:>20}" for cell in cells)
    yield "  !: the other one is chosen by tinynet"


def network_of(args: argparse.Namespace) -> tuple[Network, str]:
    """Return the network that is given, or that between two processes of this machine."""
    if args.latency is not None:
        network = Network(args.latency, args.bandwidth, args.overhead, slot=args.slot)
        return network, "given"
    if line := missing("mpi4py"):
        sys.exit(f"a package is missing: {line}; or give --latency and --bandwidth")
    figures = json.loads(output_under_mpi(2, "tests.benchmarks.fleets.link", args.mpiexec))
    return Network(**figures, slot=args.slot), "measured between two processes of this machine"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--latency", type=float, help="seconds of a small message, one way")
    parser.add_argument("--bandwidth", type=float, help="bytes per second in each direction")
    parser.add_argument("--overhead", type=float, default=1e-6, help="seconds; default: 1e-6")
    parser.add_argument("--slot", type=int, default=512, help="bytes; default: 512")
    parser.add_argument("--shard-time", type=float, help="seconds; default: measured")
    parser.add_argument("--samples", type=int, default=64, help="samples of a shard; default: 64")
    parser.add_argument("--processes", type=int, nargs="+", default=[16, 128, 1024])
    parser.add_argument("--rule", action="store_true", help="print the table of algorithms only")
    parser.add_argument("--mpiexec", help="launcher; default: that of this environment")
    parser.add_argument("--quick", action="store_true", help="few processes, to try the program")
    return parser


def main() -> None:
    options = parser()
    args = options.parse_args()
    if (args.latency is None) != (args.bandwidth is None):
        options.error("--latency and --bandwidth belong together")
    if min(args.processes) < 1:
        options.error("--processes are at least 1")
    network, source = network_of(args)
    sizes = [3, 4] if args.quick else args.processes
    models = MODELS[:1] if args.quick else MODELS
    lengths = [model.length for model in models]
    print(facts.machine(), flush=True)
    print(f"\n{assumptions(network, source, args)}", flush=True)
    tables = [
        sums(network, sizes, lengths),
        steps(network, sizes, models, args),
        gathers(network, sizes),
    ]
    if args.rule:
        tables = [rule(network, [2, 3] if args.quick else RULE_SIZES, lengths)]
    for table in tables:
        print(flush=True)
        for line in table:
            print(line, flush=True)


if __name__ == "__main__":
    main()
