"""Saving and loading arrays: tinynet's archive and the other installed formats.

    python tests/benchmarks/checkpoint_speed.py --megabytes 1024 --rounds 5

Each round runs tinynet and the peer in turn, on the same arrays and disk; the file is removed
before it is saved, and in the page cache when it is loaded. A ratio is the median over the rounds
of tinynet's time by the peer's: below 1, tinynet is faster. tinynet computes and verifies its
digests throughout. Peak memory is what an action takes beyond what the process held before it,
measured in a separate process (Linux only).
"""

import argparse
import importlib.util
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinynet import archive
from tinynet.files import atomic
from tinynet.run.saver import Saver
from tinynet.types import Array


class Format(NamedTuple):
    """A way to save arrays and to load them."""

    save: Callable[[Path, dict[str, Array]], Any]
    load: Callable[[Path], Any]


def formats() -> dict[str, Format]:
    """Return the installed formats by name."""
    by_name = {
        "tinynet": Format(
            lambda path, arrays: archive.write(path, {}, arrays, run_id="bench", step=0),
            archive.read,
        ),
        "np.savez": Format(
            lambda path, arrays: np.savez(path, **arrays),
            lambda path: dict(np.load(path)),
        ),
    }
    if importlib.util.find_spec("safetensors"):
        from safetensors.numpy import load_file, save_file

        by_name["safetensors"] = Format(
            lambda path, arrays: save_file(arrays, path), lambda path: load_file(path)
        )
    if importlib.util.find_spec("torch"):
        import torch

        by_name["torch.save"] = Format(
            lambda path, arrays: torch.save(
                {name: torch.from_numpy(array) for name, array in arrays.items()}, path
            ),
            lambda path: torch.load(path, weights_only=True),
        )
    return by_name


def state(megabytes: int) -> dict[str, Array]:
    """Return random arrays of 16 MiB each, as the state of a network and its optimizer."""
    draw = np.random.default_rng(0)
    return {
        f"layer_{number}/weight": draw.random((2048, 2048), np.float32)
        for number in range(max(1, megabytes // 16))
    }


def sync(path: Path) -> None:
    """Make a file and its name durable."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def seconds(size: int, action: Callable[[], Any]) -> float:
    """Return the time of an action, with memory of this size already in use.

    On a virtual machine, memory that was unused for a while may cost far more than the action.
    """
    np.ones(size, np.uint8)
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def pairs(
    rounds: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[float, float, float]:
    """Return the medians of both, and of their ratio, over alternating measurements."""
    measured = [(ours(), theirs()) for _ in range(rounds)]
    return (
        statistics.median(mine for mine, _ in measured),
        statistics.median(other for _, other in measured),
        statistics.median(mine / other for mine, other in measured),
    )


def peak(action: Callable[[], Any]) -> int:
    """Return the bytes that an action takes beyond those held before it."""

    def highest() -> int:
        status = Path("/proc/self/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(match[1]) * 1024 if match else 0

    Path("/proc/self/clear_refs").write_text("5")
    before = highest()
    kept = action()
    del kept
    return highest() - before


def compare(folder: Path, megabytes: int, rounds: int) -> None:
    """Print the table of times and ratios."""
    arrays = state(megabytes)
    size = sum(array.nbytes for array in arrays.values())
    everyone = formats()
    ours = everyone.pop("tinynet")
    mine, other = folder / "tinynet.msgpack", folder / "other.npz"

    def saving(save: Callable[[Path, dict[str, Array]], Any], path: Path, synced: bool) -> float:
        path.unlink(missing_ok=True)
        return seconds(size, lambda: (save(path, arrays), synced and sync(path)))

    def save_unsynced(path: Path, arrays: dict[str, Array]) -> None:
        real, atomic.sync = atomic.sync, lambda descriptor: None
        try:
            ours.save(path, arrays)
        finally:
            atomic.sync = real

    print(f"{size / 1e9:.2f} GB in {len(arrays)} arrays, {rounds} rounds, medians")
    print(f"{'':13}{'action':28}{'tinynet s':>10}{'peer s':>10}{'ratio':>8}")
    for name, peer in everyone.items():
        rows = {
            "save, no fsync": pairs(
                rounds,
                lambda: saving(save_unsynced, mine, False),
                lambda peer=peer: saving(peer.save, other, False),
            ),
            "save, fsync": pairs(
                rounds,
                lambda: saving(ours.save, mine, False),
                lambda peer=peer: saving(peer.save, other, True),
            ),
            "load": pairs(
                rounds,
                lambda: seconds(size, lambda: ours.load(mine)),
                lambda peer=peer: seconds(size, lambda: peer.load(other)),
            ),
            "load (tinynet: mapped)": pairs(
                rounds,
                lambda: seconds(size, lambda: archive.read(mine, copy=False)),
                lambda peer=peer: seconds(size, lambda: peer.load(other)),
            ),
        }
        for action, (first, second, ratio) in rows.items():
            print(f"{name:13}{action:28}{first:10.3f}{second:10.3f}{ratio:8.2f}")


def report_memory(folder: Path, megabytes: int) -> None:
    """Print the peaks, each from a separate process."""
    if not Path("/proc/self/clear_refs").exists():
        return
    print("peak memory beyond what was held, as a multiple of the arrays' size")
    for name in formats():
        own = ("save in a run",) if name == "tinynet" else ()
        for action in ("save", "load", *own):
            command = [sys.executable, __file__, "--folder", str(folder)]
            command += ["--megabytes", str(megabytes), "--peak", name, action]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(f"{name:13}{action:28}{printed.strip()}")


def print_peak(folder: Path, megabytes: int, name: str, action: str) -> None:
    """Print one peak, for `report_memory`, which runs the save before the load."""
    chosen, path = formats()[name], folder / "peak.npz"
    if action == "save":
        arrays = state(megabytes)
        used = peak(lambda: chosen.save(path, arrays))
    elif action == "load":
        used = peak(lambda: chosen.load(path))
    else:
        arrays = state(megabytes)
        used = peak(lambda: save_in_a_run(lambda snapshot: chosen.save(path, snapshot), arrays))
    print(f"{used / (max(1, megabytes // 16) * 2**24):.2f}")


def save_in_a_run(save: Callable[[dict[str, Array]], Any], arrays: dict[str, Array]) -> None:
    """Save as training does: another thread writes a snapshot while the arrays may change."""
    with Saver[None]() as saver:
        saver.start(arrays, save)
        saver.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1024, help="size of the arrays together")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each pair")
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--peak", nargs=2, metavar=("FORMAT", "ACTION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.folder, options.megabytes, *options.peak)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        compare(Path(folder), options.megabytes, options.rounds)
        report_memory(Path(folder), options.megabytes)


if __name__ == "__main__":
    main()
