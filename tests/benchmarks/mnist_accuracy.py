"""The accuracy of `models/mnist_cnn.json` on MNIST's test images, over several seeds.

Run it: `python tests/benchmarks/mnist_accuracy.py --data-root ../shared/data`.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import tinynet

SPEC = Path(__file__).parents[2] / "models" / "mnist_cnn.json"
GOAL = 0.990


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-root", default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--threads", type=int, help="default: one for each core")
    args = parser.parse_args()
    settings = {"data_root": args.data_root, "threads": args.threads}
    lowest = 1.0
    for seed in args.seeds:
        with TemporaryDirectory() as folder:
            overrides = {"training.seed": seed}
            run = tinynet.train(SPEC, Path(folder) / "run", overrides=overrides, **settings)
            evaluation = run.evaluate("test", **settings)
        accuracy = evaluation.metrics["accuracy"]
        lowest = min(lowest, accuracy)
        print(
            f"seed {seed}: accuracy {accuracy:.4f} of {evaluation.samples:,} images after"
            f" {run.epoch} epochs and {run.seconds:.1f} s; checkpoint of step {evaluation.step:,}"
        )
    print(f"lowest {lowest:.4f}; the goal is {GOAL:.3f}: {'met' if lowest >= GOAL else 'missed'}")


if __name__ == "__main__":
    main()
