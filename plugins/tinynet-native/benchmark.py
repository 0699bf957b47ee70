"""Time each native kernel beside NumPy's.

    python benchmark.py [--level avx2] [--samples 16] [--only conv] [--threads 2]

The shapes are those of one shard of the Keras MNIST convnet, and some more. The two take turns, and
the table shows medians, so that a busy machine slows both. Beside convolutions and dense layers
stands the time of a bare np.matmul of as many operations, which is what BLAS could do at best.
NumPy and BLAS run on one thread; with ``--threads``, native kernels run on so many as well as on
one.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from tinynet_native import NativeKernels, _kernels

from tinynet.kernels import Window
from tinynet.kernels.memory import Workspace
from tinynet.kernels.numpy import NumpyKernels
from tinynet.types import Array

CONVOLUTION = Window((3, 3))
POOL = Window((2, 2), (2, 2))
RNG = np.random.default_rng(0)
X_ALONE, WEIGHT_ALONE = (True, False, False), (False, True, True)


class Case(NamedTuple):
    """One row of the table.

    Attributes:
        name: The measured operation.
        call: Run it with these kernels, and memory from this source.
        product: (m, k, n) of a matrix product with as many operations, if it is one.
    """

    name: str
    call: Callable[[Any, Any], Any]
    product: tuple[int, int, int] | None = None


def normal(*shape: int) -> Array:
    """Random numbers."""
    return RNG.standard_normal(shape).astype(np.float32)


def convolution(name: str, samples: int, size: int, channels: int, filters: int) -> Iterator[Case]:
    """Forward and backward of a 3 x 3 convolution."""
    x, weight = normal(samples, size, size, channels), normal(3, 3, channels, filters)
    dy, bias = normal(samples, size - 2, size - 2, filters), normal(filters)
    rows = samples * (size - 2) ** 2
    forward = (rows, 9 * channels, filters)

    def backward(needs: tuple[bool, bool, bool]) -> Callable[[Any, Any], Any]:
        saved = {
            kernels: kernels().conv2d(x, weight, bias, CONVOLUTION, np.empty, True)[1]
            for kernels in (NumpyKernels, NativeKernels)
        }
        return lambda kernels, empty: kernels.conv2d_backward(
            dy, saved[type(kernels)], weight, CONVOLUTION, empty, needs
        )

    yield Case(
        f"{name} forward",
        lambda kernels, empty: kernels.conv2d(x, weight, bias, CONVOLUTION, empty, True),
        forward,
    )
    if channels > 1:
        yield Case(f"{name} dx", backward(X_ALONE), (rows, filters, 9 * channels))
    yield Case(f"{name} dweight, dbias", backward(WEIGHT_ALONE), (9 * channels, rows, filters))


def pooling(name: str, samples: int, size: int, channels: int) -> Iterator[Case]:
    """Max pooling by 2 x 2."""
    x = normal(samples, size, size, channels)
    dy = normal(samples, size // 2, size // 2, channels)
    saved = {
        kernels: kernels().max_pool2d(x, POOL, np.empty, True)[1]
        for kernels in (NumpyKernels, NativeKernels)
    }
    yield Case(f"{name} forward", lambda kernels, empty: kernels.max_pool2d(x, POOL, empty, True))
    yield Case(
        f"{name} dx",
        lambda kernels, empty: kernels.max_pool2d_backward(dy, saved[type(kernels)], POOL, empty),
    )


def dense(name: str, rows: int, inputs: int, units: int) -> Iterator[Case]:
    """Forward and backward of a dense layer."""
    x, weight, bias = normal(rows, inputs), normal(inputs, units), normal(units)
    dy = normal(rows, units)
    yield Case(
        f"{name} forward",
        lambda kernels, empty: kernels.dense(x, weight, bias, empty),
        (rows, inputs, units),
    )
    yield Case(
        f"{name} dx",
        lambda kernels, empty: kernels.dense_backward(dy, x, weight, empty, X_ALONE),
        (rows, units, inputs),
    )
    yield Case(
        f"{name} dweight, dbias",
        lambda kernels, empty: kernels.dense_backward(dy, x, weight, empty, WEIGHT_ALONE),
        (inputs, rows, units),
    )


def normalization(name: str, *shape: int) -> Iterator[Case]:
    """Batch norm and layer norm, in all their parts."""
    x, dy = normal(*shape), normal(*shape)
    gamma, beta, mean = normal(shape[-1]), normal(shape[-1]), normal(shape[-1])
    variance = np.ones_like(mean)
    batch = {
        kernels: kernels().batch_norm(x, mean, variance, gamma, beta, 1e-5, np.empty, True)[1]
        for kernels in (NumpyKernels, NativeKernels)
    }
    rows = {
        kernels: kernels().layer_norm(x, gamma, beta, 1e-5, np.empty, True)[1]
        for kernels in (NumpyKernels, NativeKernels)
    }
    yield Case(f"{name} moments", lambda kernels, empty: kernels.moments(x, empty))
    yield Case(
        f"{name} batch norm",
        lambda kernels, empty: kernels.batch_norm(
            x, mean, variance, gamma, beta, 1e-5, empty, True
        ),
    )
    yield Case(
        f"{name} batch norm sums",
        lambda kernels, empty: kernels.batch_norm_sums(dy, batch[type(kernels)], empty),
    )
    yield Case(
        f"{name} batch norm dx",
        lambda kernels, empty: kernels.batch_norm_backward(
            dy, batch[type(kernels)], gamma, (mean, beta), empty
        ),
    )
    yield Case(
        f"{name} layer norm",
        lambda kernels, empty: kernels.layer_norm(x, gamma, beta, 1e-5, empty, True),
    )
    yield Case(
        f"{name} layer norm backward",
        lambda kernels, empty: kernels.layer_norm_backward(
            dy, rows[type(kernels)], gamma, empty, (True, True, True)
        ),
    )


def elementwise(samples: int) -> Iterator[Case]:
    """Return the workloads of elementwise kernels, and of the loss."""
    x, y = normal(samples, 26, 26, 32), normal(samples, 26, 26, 32)
    uniform = RNG.random(x.shape, np.float32)
    yield Case("relu 26x26x32", lambda kernels, empty: kernels.relu(x, empty))
    yield Case("relu dx 26x26x32", lambda kernels, empty: kernels.relu_backward(x, y, empty))
    yield Case("dropout 26x26x32", lambda kernels, empty: kernels.dropout(x, uniform, 0.5, empty))
    logits, labels = normal(samples, 10), RNG.integers(10, size=samples)
    yield Case(
        "softmax cross-entropy, 10 classes",
        lambda kernels, empty: kernels.softmax_cross_entropy(logits, labels, 0.0, empty),
    )
    many, wide_labels = normal(samples, 1000), RNG.integers(1000, size=samples)
    yield Case(
        "softmax cross-entropy, 1,000 classes",
        lambda kernels, empty: kernels.softmax_cross_entropy(many, wide_labels, 0.0, empty),
    )


def optimizers() -> Iterator[Case]:
    """Updates of the convnet's parameters."""
    param, grad, first, second = (normal(34_826) for _ in range(4))
    second *= second
    yield Case(
        "adam, 34,826 parameters",
        lambda kernels, empty: kernels.adam(
            param, grad, first, second, 0.9, 0.999, 1e-8, 0.0, False, 10, 1e-3
        ),
    )
    yield Case(
        "sgd with momentum",
        lambda kernels, empty: kernels.sgd(param, grad, first, 0.9, False, 0.0, 1e-3),
    )
    yield Case(
        "rmsprop",
        lambda kernels, empty: kernels.rmsprop(
            param, grad, second, None, None, 0.9, 0.0, 1e-8, 0.0, 1e-3
        ),
    )


def cases(samples: int) -> Iterator[Case]:
    """All rows of the table."""
    yield from convolution("conv 28x28x1, 32 filters", samples, 28, 1, 32)
    yield from pooling("max pool 26x26x32", samples, 26, 32)
    yield from convolution("conv 13x13x32, 64 filters", samples, 13, 32, 64)
    yield from pooling("max pool 11x11x64", samples, 11, 64)
    yield from dense("dense 1600 -> 10", samples, 1600, 10)
    yield from dense("dense 784 -> 256", samples, 784, 256)
    yield from dense("dense 2048 -> 2048", samples, 2048, 2048)
    yield from normalization("26x26x32", samples, 26, 26, 32)
    yield from elementwise(samples)
    yield from optimizers()


def timer(call: Callable[[Any], Any]) -> Callable[[], float]:
    """A function that gives the microseconds of one call, the mean of some."""
    workspace = Workspace()

    def run(repeat: int) -> float:
        start = time.perf_counter()
        for _ in range(repeat):
            call(workspace.empty)
            workspace.reset()
        return (time.perf_counter() - start) / repeat * 1e6

    run(3)
    repeat = max(1, int(2_000 / run(3)))
    return lambda: run(repeat)


def rivals(case: Case, threads: int) -> Iterator[Callable[[Any], Any]]:
    """The native kernel, NumPy's, the native one on several threads, and the bare product."""
    native, reference = NativeKernels(), NumpyKernels()
    yield lambda empty: case.call(native, empty)
    yield lambda empty: case.call(reference, empty)
    if threads > 1:

        def call(empty: Any) -> None:
            with native.on_threads(threads):
                case.call(native, empty)

        yield call
    if case.product:
        m, k, n = case.product
        a, b, c = normal(m, k), normal(k, n), normal(m, n)
        yield lambda empty: np.matmul(a, b, out=c)


def row(case: Case, turns: int, threads: int) -> str:
    """The row of one case: medians, and the medians of ratios turn by turn."""
    timers = [timer(call) for call in rivals(case, threads)]
    turns_of = [[run() for run in timers] for _ in range(turns)]
    native, reference, *others = (median(times) for times in zip(*turns_of, strict=True))

    def ratio(a: int, b: int) -> float:
        return median(times[a] / times[b] for times in turns_of)

    text = f"{case.name:36} {native:9.1f} {reference:9.1f} {ratio(0, 1):6.2f}"
    if threads > 1:
        text += f" {others.pop(0):9.1f} {ratio(0, 2):8.2f}"
    if case.product:
        m, k, n = case.product
        gflops = 2 * m * k * n / native / 1e3
        text += f" {others[0]:9.1f} {ratio(0, -1):6.2f} {gflops:9.1f}"
    return text


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time the native kernels.")
    parser.add_argument("--level", choices=_kernels.levels(), default=_kernels.level())
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--threads", type=int, default=1, help="of native kernels (default 1)")
    options = parser.parse_args()
    _kernels.use_level(options.level)
    with threadpool_limits(1):
        blas = ", ".join(str(lib.get("architecture")) for lib in threadpool_info())
        print(f"{options.samples} samples, native: {options.level}, BLAS: {blas}")
        print(f"{'microseconds':36} {'native':>9} {'numpy':>9} {'ratio':>6}", end="")
        if options.threads > 1:
            print(f" {options.threads:>2} threads speed-up", end="")
        print(f" {'matmul':>9} {'ratio':>6} {'GFLOP/s':>9}")
        for case in cases(options.samples):
            if options.only in case.name:
                print(row(case, options.turns, options.threads), flush=True)


if __name__ == "__main__":
    main()
