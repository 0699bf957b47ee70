"""Digests of every network in `models/` after some training steps, to compare two source trees.

    python tests/benchmarks/digests.py --threads 1 > digests.txt

Each line is a spec's name and the SHA-256 of its parameters and buffers. The kernels are those that
tinynet chooses. The program uses the public interface only, so it runs on older source trees too.
"""

import argparse
import hashlib
from pathlib import Path

import tinynet

MODELS = Path(__file__).parents[2] / "models"


def digest(trainer: tinynet.Trainer) -> str:
    """Return the SHA-256 of the names and bytes of all parameters and buffers, in sorted order."""
    total = hashlib.sha256()
    for kind in (trainer.network.params, trainer.network.buffers):
        for name in sorted(kind):
            total.update(name.encode() + b"\0" + kind[name].tobytes())
    return total.hexdigest()


def train(spec: Path, data_root: Path, threads: int, steps: int) -> tinynet.Trainer:
    """Train until `steps` steps are done, or the training that the spec declares has ended."""
    loaded = tinynet.load_spec(spec)
    root = data_root if "mnist/" in spec.read_text(encoding="utf-8") else spec.parent
    trainer = tinynet.Trainer(loaded, root=root, threads=threads)
    events = trainer.run()
    while trainer.step < steps and next(events, None):
        pass
    events.close()
    return trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="specs in models/; default: all")
    parser.add_argument("--threads", type=int, default=1, help="default: 1")
    parser.add_argument("--steps", type=int, default=50, help="training steps; default: 50")
    parser.add_argument("--data-root", type=Path, default=Path(__file__).parents[3] / "shared/data")
    options = parser.parse_args()
    for name in options.names or sorted(path.stem for path in MODELS.glob("*.json")):
        try:
            trainer = train(
                MODELS / f"{name}.json", options.data_root, options.threads, options.steps
            )
            print(f"{name:24}step {trainer.step:4}  {digest(trainer)}", flush=True)
        except tinynet.errors.TinynetError as error:
            print(f"{name:24}{type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
