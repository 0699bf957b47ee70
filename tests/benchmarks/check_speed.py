"""The time to load a spec and to build its network without memory.

    python tests/benchmarks/check_speed.py

The limits are 1 ms for each node of a network of 10,000 nodes, and 400 ms for ``tinynet check`` of
`digits_cnn` from the start of its process. The program ends with an error if either takes longer,
so it needs an idle machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

MODEL = Path(__file__).parents[2] / "models" / "digits_cnn.json"

PER_NODE, START = 1e-3, 0.4
"""Limit in seconds."""

SAME = {"kernel_size": 1, "padding": "same"}
STEP = [
    {"type": "conv2d", "filters": 4, **SAME},
    {"type": "batch_norm"},
    {"type": "relu"},
    {"type": "conv2d", "filters": 4, "weight_initializer": "he_normal", **SAME},
    {"type": "dropout", "rate": 0.1},
]
"""Typical nodes; a network is a chain of equal ones."""

BLOCK = {
    "params": {"filters": 4, "rate": None},
    "layers": [
        {**STEP[0], "filters": "$filters"},
        *STEP[1:3],
        {**STEP[3], "filters": "$filters"},
        {**STEP[4], "rate": "$rate"},
    ],
}


def plain(nodes: int) -> dict[str, Any]:
    return {"layers": STEP * (nodes // len(STEP))}


def with_blocks(nodes: int) -> dict[str, Any]:
    uses = nodes // len(STEP)
    half = [{"block": "step", "rate": 0.1}] * (uses // 2)
    repeated = {"block": "step", "rate": 0.1, "repeat": uses - len(half)}
    return {"blocks": {"step": BLOCK}, "layers": [*half, repeated]}


def seconds_per_node(network: dict[str, Any], nodes: int, folder: Path) -> float:
    """Return the time per node of reading a file and building its network without memory."""
    from tinynet.network.network import Network
    from tinynet.spec.reading import load_spec

    path = folder / "spec.json"
    training = {"steps": 1, "loss": "mse", "optimizer": "sgd"}
    path.write_text(
        json.dumps({"tinynet": 1, "name": "large", "network": network, "training": training})
    )
    began = perf_counter()
    built = Network(load_spec(path).network, (8, 8, 4), dry=True)
    taken = perf_counter() - began
    assert len(built.nodes) == nodes
    return taken / nodes


def seconds_to_check() -> float:
    """Return the time of the command, from the start of its process to its end."""
    command = [sys.executable, "-c", "from tinynet_cli.main import main; main()", "check", MODEL]
    began = perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=10, help="repetitions; the median is reported")
    times = parser.parse_args().times
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        seconds_per_node(plain(5), 5, Path(folder))  # imports and caches, once for each process
        for kind in (plain, with_blocks):
            for nodes in (1_000, 10_000):
                seconds = median(
                    seconds_per_node(kind(nodes), nodes, Path(folder)) for _ in range(times)
                )
                slow |= seconds > PER_NODE
                name = kind.__name__.replace("_", " ")
                print(f"{nodes:6,} nodes, {name:12} {seconds * 1e3:7.3f} ms per node", flush=True)
    seconds = median(seconds_to_check() for _ in range(times))
    slow |= seconds > START
    print(f"tinynet check {MODEL.name:14} {seconds * 1e3:7.0f} ms")
    sys.exit("slower than asked for" if slow else 0)


if __name__ == "__main__":
    main()
