"""Size of the code that one training step runs, and of the whole source tree.

    python tests/benchmarks/step_counts.py

Prints the files, functions and calls of tinynet that a warmed-up step of `models/digits_mlp.json`
enters; the frames from `main` of `tinynet train` to the dense kernel; and files and lines of the
source. `PYTHONPATH` chooses another source tree.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import tinynet_cli

import tinynet
from tinynet.kernels.numpy import NumpyKernels

MODEL = Path(__file__).parents[2] / "models" / "digits_mlp.json"
PACKAGE = Path(tinynet.__file__).parent
ROOTS = (f"{PACKAGE}/", f"{Path(tinynet_cli.__file__).parent}/")

BATCH, WARM_UP = 32, 3
COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>")


def location(frame: FrameType) -> str | None:
    """Return ``package/file.py:function`` of a frame of tinynet, else None.

    Comprehensions do not count: since Python 3.12 they have no frame.
    """
    path = frame.f_code.co_filename
    if not path.startswith(ROOTS) or frame.f_code.co_name in (
        "<listcomp>",
        "<dictcomp>",
        "<setcomp>",
    ):
        return None
    name = Path(path).relative_to(PACKAGE) if path.startswith(ROOTS[0]) else Path(path).name
    return f"{name}:{frame.f_code.co_qualname}"


def calls_of_step() -> Counter[str]:
    """Count the calls of each function in one training step."""
    trainer = tinynet.Trainer(tinynet.load_spec(MODEL), threads=1, kernels=NumpyKernels())
    x = np.random.default_rng(0).random((BATCH, 8, 8, 1)).astype(np.float32)
    labels = np.arange(BATCH) % 10
    for _ in range(WARM_UP):
        trainer.train_step(x, labels)
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (name := location(frame)):
            calls[name] += 1

    sys.setprofile(count)
    trainer.train_step(x, labels)
    sys.setprofile(None)
    return calls


def frames_to_kernel() -> list[str]:
    """Return tinynet's frames from `main` of ``tinynet train`` to the dense kernel."""
    from tinynet_cli.main import main as tinynet_main

    original = NumpyKernels.dense
    stacks: Counter[tuple[str, ...]] = Counter()

    def dense(*args: Any, **options: Any) -> Any:
        frame: FrameType | None = sys._getframe(1)
        names = []
        while frame:
            names.append(location(frame))
            frame = frame.f_back
        stacks[tuple(name for name in reversed(names) if name)] += 1
        return original(*args, **options)

    NumpyKernels.dense = staticmethod(dense)  # type: ignore[method-assign]
    arguments = sys.argv
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["tinynet", "train", str(MODEL), "--run", f"{folder}/run", "--threads", "1"]
        sys.argv += ["--set", "training.epochs=1", "--kernels", "numpy"]
        with contextlib.suppress(SystemExit), _silence():
            tinynet_main()
    sys.argv = arguments
    NumpyKernels.dense = original  # type: ignore[method-assign]
    # Checks and evaluations call the kernel too, but less often than training steps.
    ((stack, _),) = stacks.most_common(1)
    return [*stack, "kernels/numpy.py:NumpyKernels.dense"]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def lines(paths: list[Path]) -> int:
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--details", action="store_true", help="list the functions and frames too")
    details = parser.parse_args().details
    calls, frames = calls_of_step(), frames_to_kernel()
    files = {name.partition(":")[0] for name in calls}
    core = [path for path in PACKAGE.rglob("*.py") if "testing" not in path.parts]
    running = [path for path in core if path.parent.name in ("engine", "network")]
    print(f"one step of {MODEL.name}: {len(files)} files, {len(calls)} functions", end="")
    print(f", {calls.total()} calls")
    print(f"frames from main to the dense kernel: {len(frames)}")
    print(f"engine/ and network/: {len(running)} files, {lines(running)} lines")
    print(f"tinynet/ without testing/: {len(core)} files, {lines(core)} lines")
    if details:
        print("", *(f"{count:5} {name}" for name, count in sorted(calls.items())), "", sep="\n")
        print(*frames, sep="\n")


if __name__ == "__main__":
    main()
