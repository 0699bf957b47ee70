"""The speed of `conv2d`, compared with four nested Python loops.

Run it: `python tests/benchmarks/conv2d_loops.py`.

The forward pass of 32 filters of 3x3 over a batch of 32 images of 28x28x1, float32. The loops run
over samples, rows, columns and filters; each step multiplies and sums one window with NumPy.
"""

from statistics import median
from time import perf_counter

import numpy as np

from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.layer import Array, Build, Context
from tinynet.registry import default

SAMPLES, SIZE, FILTERS, KERNEL = 32, 28, 32, 3
PAIRS = 3
PASSES = 50


def by_loops(x: Array, weight: Array) -> Array:
    out = SIZE - KERNEL + 1
    y = np.zeros((SAMPLES, out, out, FILTERS), x.dtype)
    for n in range(SAMPLES):
        for i in range(out):
            for j in range(out):
                for f in range(FILTERS):
                    window = x[n, i : i + KERNEL, j : j + KERNEL]
                    y[n, i, j, f] = np.sum(window * weight[..., f])
    return y


def main() -> None:
    config = Conv2D.Config(filters=FILTERS, kernel_size=KERNEL, use_bias=False)
    layer = Conv2D(config, ((SIZE, SIZE, 1),), Build(create=default().create))
    x = np.random.default_rng(0).random((SAMPLES, SIZE, SIZE, 1), np.float32)
    ratios = []
    for _ in range(PAIRS):
        start = perf_counter()
        expected = by_loops(x, layer.params["weight"])
        loops = perf_counter() - start
        start = perf_counter()
        for _ in range(PASSES):
            y, _ = layer.forward(Context(training=True), x)
        ours = (perf_counter() - start) / PASSES
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
        ratios.append(loops / ours)
        print(
            f"loops {loops * 1e3:9.1f} ms   conv2d {ours * 1e3:6.3f} ms   {ratios[-1]:8.0f} times"
        )
    print(f"conv2d is {median(ratios):.0f} times faster (median of {PAIRS} pairs)")


if __name__ == "__main__":
    main()
