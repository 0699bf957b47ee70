"""A call on several threads gives the bytes of a call on one.

Otherwise a run would depend on the machine it ran on.
"""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tinynet_native import NativeKernels, _kernels

from tinynet.kernels import Window

from .arrays import as_bytes, normal, poisoned

KERNELS = NativeKernels()
MORE_THREADS = (2, 3, 4, 8)
EVERY = (True, True, True)


def same_on_any_number_of_threads(call, case):
    """Require the same bytes from a call on one thread and on several."""
    with KERNELS.on_threads(1):
        expected = as_bytes(call())
    for count in MORE_THREADS:
        with KERNELS.on_threads(count):
            assert as_bytes(call()) == expected, (count, case)


def convolve(x, weight, bias, window, needs=EVERY):
    y, saved = KERNELS.conv2d(x, weight, bias, window, poisoned, True)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, *KERNELS.conv2d_backward(dy, saved, weight, window, poisoned, needs)


def some_window(rng):
    kernel, strides, dilation = (
        tuple(int(n) for n in rng.integers(1, most + 1, 2)) for most in (4, 3, 2)
    )
    padding = tuple(tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2))
    return Window(kernel, strides, padding, dilation)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("seed", range(12))
def test_convolutions(seed):
    rng = np.random.default_rng(seed)
    for case in range(4):
        window = some_window(rng)
        height, width = (int(n) for n in rng.integers(8, 40, 2))
        groups = int(rng.choice([1, 1, 1, 2]))
        channels, filters = groups * int(rng.integers(1, 30)), groups * int(rng.integers(1, 70))
        if case == 3:
            channels = filters = groups = int(rng.integers(1, 90))
        samples = int(rng.choice([0, 1, 1, 2, 9]))
        x, weight, bias = normal(
            rng,
            rng.choice(["float32", "float64"]),
            (samples, height, width, channels),
            (*window.kernel_size, channels // groups, filters),
            (filters,),
        )
        needs = EVERY if case % 2 else tuple(bool(n) for n in rng.integers(0, 2, 3))
        same_on_any_number_of_threads(
            lambda x=x, weight=weight, bias=bias, window=window, needs=needs: convolve(
                x, weight, bias, window, needs
            ),
            (x.shape, weight.shape, window, needs),
        )


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize(
    ("shape", "filters"),
    [((1, 13, 13, 32), 64), ((16, 5, 5, 40), 33), ((40, 1, 1, 64), 96), ((2, 40, 40, 3), 70)],
    ids=str,
)
def test_convolutions_of_common_shapes(shape, filters):
    """Few and many samples, images smaller than a tile, and few channels."""
    x, weight, bias = normal(
        np.random.default_rng(0), "float32", shape, (3, 3, shape[-1], filters), (filters,)
    )
    for padding, strides in ((1, 1), (1, 2), (2, 3)):
        window = Window((3, 3), (strides, strides), ((padding, padding), (padding, padding)))
        same_on_any_number_of_threads(
            lambda window=window: convolve(x, weight, bias, window), (shape, window)
        )


def pool(kind, x, window):
    y, saved = getattr(KERNELS, kind)(x, window, poisoned, True)
    light, _ = getattr(KERNELS, kind)(x, window, poisoned, False)
    dy = np.sin(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, light, getattr(KERNELS, f"{kind}_backward")(dy, saved, window, poisoned)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("kind", ["max_pool2d", "avg_pool2d"])
def test_pooling(kind):
    """Windows that overlap add to the same pixels: two threads must not."""
    rng = np.random.default_rng(1)
    windows = [
        Window((2, 2), (2, 2)),
        Window((3, 2), (3, 2)),
        Window((3, 3), (2, 2), ((1, 1), (1, 1))),
        Window((2, 3), (1, 1)),
        Window((2, 2), (3, 3), dilation=(2, 2)),
    ]
    for window in windows:
        for samples in (0, 1, 2, 7):
            height, width = (int(n) for n in rng.integers(30, 60, 2))
            (x,) = normal(rng, "float32", (samples, height, width, int(rng.integers(1, 40))))
            same_on_any_number_of_threads(
                lambda x=x, window=window: pool(kind, x, window), (x.shape, window)
            )


def dense(x, weight, bias, dy, needs):
    return (
        KERNELS.dense(x, weight, bias, poisoned),
        *KERNELS.dense_backward(dy, x, weight, poisoned, needs),
    )


@pytest.mark.usefixtures("level")
def test_dense_layers():
    rng = np.random.default_rng(2)
    sizes = [(0, 9, 9), (1, 700, 300), (1, 3000, 10), (4, 500, 130), (99, 300, 10), (130, 784, 256)]
    sizes += [tuple(int(n) for n in rng.integers(1, 400, 3)) for _ in range(15)]
    for rows, inputs, units in sizes:
        tensors = normal(
            rng,
            rng.choice(["float32", "float64"]),
            (rows, inputs),
            (inputs, units),
            (units,),
            (rows, units),
        )
        needs = EVERY if rng.random() < 0.7 else tuple(bool(n) for n in rng.integers(0, 2, 3))
        same_on_any_number_of_threads(
            lambda tensors=tensors, needs=needs: dense(*tensors, needs),
            (rows, inputs, units, needs),
        )


def normalize(x, gamma, beta):
    mean, squares = KERNELS.moments(x, poisoned)
    y, saved = KERNELS.batch_norm(x, mean, gamma * gamma, gamma, beta, 1e-5, poisoned, True)
    statistics = mean, gamma * gamma
    z, saved_z = KERNELS.batch_norm_relu(x, *statistics, gamma, beta, 1e-5, poisoned, True)
    rows, saved_rows = KERNELS.layer_norm(x, gamma, beta, 1e-5, poisoned, True)
    scaled, saved_scaled = KERNELS.rms_norm(x, gamma, 1e-5, poisoned, True)
    return (
        *(mean, squares, y, rows),
        *KERNELS.batch_norm_sums(x, saved, poisoned),
        KERNELS.batch_norm_backward(x, saved, gamma, (gamma, beta), poisoned),
        KERNELS.batch_norm_backward(x, saved, gamma, None, poisoned),
        z,
        *KERNELS.batch_norm_relu_sums(x, saved_z, poisoned),
        KERNELS.batch_norm_relu_backward(x, saved_z, gamma, (gamma, beta), poisoned),
        KERNELS.batch_norm_relu_backward(x, saved_z, gamma, None, poisoned),
        *KERNELS.layer_norm_backward(y, saved_rows, gamma, poisoned, EVERY),
        scaled,
        *KERNELS.rms_norm_backward(y, saved_scaled, gamma, poisoned, (True, True)),
    )


@pytest.mark.usefixtures("level")
def test_normalization():
    rng = np.random.default_rng(3)
    for rows, channels in ((5000, 7), (3001, 33), (400, 300), (129, 700), (1, 50_000), (900, 64)):
        tensors = normal(rng, "float32", (rows, channels), (channels,), (channels,))
        same_on_any_number_of_threads(lambda tensors=tensors: normalize(*tensors), (rows, channels))


def normalize_groups(x, gamma, beta, groups, relu):
    y, saved = KERNELS.group_norm(x, groups, gamma, beta, 1e-5, poisoned, True, relu)
    return y, *KERNELS.group_norm_backward(x, saved, gamma, poisoned, EVERY)


@pytest.mark.usefixtures("level")
def test_group_normalization():
    """Parts end between groups, within vectors: no part may read or write another's channels."""
    rng = np.random.default_rng(6)
    for case, (shape, groups) in enumerate(
        [
            ((1, 900, 64), 8),
            ((1, 400, 210), 70),
            ((3, 70, 300), 1),
            ((9, 31, 33), 33),
            ((0, 4, 8), 2),
        ]
    ):
        dtype = ("float32", "float64")[case % 2]
        tensors = normal(rng, dtype, shape, shape[-1:], shape[-1:])
        for relu in (False, True):
            same_on_any_number_of_threads(
                lambda tensors=tensors, groups=groups, relu=relu: normalize_groups(
                    *tensors, groups, relu
                ),
                (shape, groups, relu),
            )


def attend(query, key, value, causal, uniform):
    arguments = query, key, value, None, causal, 0.25, uniform, 0.2, poisoned, True
    y, saved = KERNELS.attention(*arguments)
    dy = np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)
    return y, *KERNELS.attention_backward(dy, saved, poisoned, EVERY)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal):
    """Heads that share keys add to the same gradient: two threads must not."""
    rng = np.random.default_rng(4)
    for samples, steps, length, heads, groups, size in (
        (0, 9, 9, 2, 1, 4),
        (1, 300, 290, 1, 1, 32),
        (1, 90, 110, 8, 1, 16),
        (7, 61, 70, 6, 3, 10),
    ):
        tensors = normal(
            rng,
            rng.choice(["float32", "float64"]),
            (samples, steps, heads, size),
            (samples, length, groups, size),
            (samples, length, groups, size + 3),
        )
        uniform = rng.random((samples, heads, steps, length), np.float32) if groups > 1 else None
        same_on_any_number_of_threads(
            lambda tensors=tensors, uniform=uniform: attend(*tensors, causal, uniform),
            [x.shape for x in tensors],
        )


@pytest.mark.usefixtures("level")
def test_rotation():
    x, cosines, sines = normal(
        np.random.default_rng(5), "float32", (3, 200, 5, 40), (200, 20), (200, 20)
    )
    same_on_any_number_of_threads(lambda: [KERNELS.rotate(x, cosines, sines, poisoned)], "rotation")


def elementwise(x, dy, uniform):
    y = KERNELS.relu(x, poisoned)
    return (
        *(y, KERNELS.relu_backward(dy, y, poisoned)),
        *KERNELS.dropout(x, uniform, 0.3, poisoned),
        *KERNELS.gelu(x, False, poisoned, True),
        *KERNELS.gelu(x, True, poisoned, False),
    )


def updated(initial):
    """Return parameters and states after one step of every optimizer in every form."""
    results = []
    for decay in (0.0, 0.01):
        for slots in (1, 2):
            fresh = [[array.copy() for array in initial] for _ in range(13)]
            sgd, nesterov, adam, adamw, rmsprop, centered, *others = fresh
            KERNELS.sgd(*sgd[:2], sgd[2] if slots > 1 else None, 0.9, False, decay, 0.1)
            KERNELS.sgd(*nesterov[:3], 0.9, True, decay, 0.1)
            KERNELS.adam(*adam[:4], 0.9, 0.999, 1e-8, decay, False, 7, 0.01)
            KERNELS.adam(*adamw[:4], 0.9, 0.999, 1e-8, decay, True, 7, 0.01)
            velocity = rmsprop[4] if slots > 1 else None
            KERNELS.rmsprop(*rmsprop[:3], None, velocity, 0.9, 0.5, 1e-8, decay, 0.01)
            KERNELS.rmsprop(*centered[:4], velocity, 0.9, 0.5, 1e-8, decay, 0.01)
            amsgrad, adamax, nadam, radam, adagrad, adadelta, rprop = others
            KERNELS.amsgrad(*amsgrad[:5], 0.9, 0.999, 1e-8, decay, False, 7, 0.01)
            KERNELS.adamax(*adamax[:4], 0.9, 0.999, 1e-8, decay, 7, 0.01)
            KERNELS.nadam(*nadam[:4], 0.9, 0.999, 1e-8, decay, 0.7, 0.4, 7, 0.01)
            KERNELS.radam(*radam[:4], 0.9, 0.999, 1e-8, decay, 7 if slots > 1 else 3, 0.01)
            KERNELS.adagrad(*adagrad[:3], 1e-8, decay, 0.01)
            KERNELS.adadelta(*adadelta[:4], 0.9, 1e-6, decay, 0.01)
            KERNELS.rprop(*rprop[:4], 0.5, 1.2, 0.06, 0.12, 0.01)
            results += [array for arrays in fresh for array in arrays]
    return results


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("size", [0, 1, 40_000, 33_001, 300_007])
def test_elementwise_kernels_and_updates(size):
    rng = np.random.default_rng(size)
    x, dy = normal(rng, "float32", size, size)
    uniform = rng.random(size, np.float32)
    same_on_any_number_of_threads(lambda: elementwise(x, dy, uniform), size)
    initial = [np.abs(array) for array in normal(rng, "float32", *[size] * 5)]
    same_on_any_number_of_threads(lambda: updated(initial), size)


X, WEIGHT, BIAS = normal(np.random.default_rng(0), "float32", (64, 300), (300, 200), 200)


def forward():
    return KERNELS.dense(X, WEIGHT, BIAS, np.empty).tobytes()


def test_concurrent_calls_on_several_threads_return_the_same_bits():
    """One call gets the worker threads; the others must neither wait for them nor disturb it."""
    expected = forward()

    def work(_):
        with KERNELS.on_threads(4):
            return [forward() for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(work, range(8)):
            assert set(results) == {expected}


def test_a_call_uses_one_thread_by_default():
    """A program with threads of its own would find its processors taken."""
    assert _kernels.threads_in_use() == 1


def test_a_nested_number_of_threads_is_restored():
    with KERNELS.on_threads(3):
        with KERNELS.on_threads(2):
            assert _kernels.threads_in_use() == 2
        assert _kernels.threads_in_use() == 3
        with pytest.raises(KeyError), KERNELS.on_threads(5):
            raise KeyError
        assert _kernels.threads_in_use() == 3
    assert _kernels.threads_in_use() == 1


def test_repeated_and_unmatched_exits_do_no_harm():
    """After an interrupt the caller cannot know which of the two has run."""
    context = KERNELS.on_threads(3)
    context.__exit__(None, None, None)
    assert _kernels.threads_in_use() == 1
    context.__enter__()
    for _ in range(2):
        context.__exit__(None, None, None)
        assert _kernels.threads_in_use() == 1


def test_a_number_of_threads_holds_for_the_calling_thread_only():
    """Shards on threads of their own would each be spread over all processors."""
    with KERNELS.on_threads(4), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_kernels.threads_in_use).result() == 1


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_threads_below_one_is_an_error(count):
    with pytest.raises(ValueError, match="at least one"), KERNELS.on_threads(count):
        pass
    assert _kernels.threads_in_use() == 1


def test_more_threads_than_a_machine_can_have_are_no_error():
    with KERNELS.on_threads(10**12):
        assert forward()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_starts_its_own_worker_threads():
    """Otherwise a worker process of a data loader would wait for its parent's threads forever."""
    with KERNELS.on_threads(4):
        expected = forward()
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)

        def child():
            sender.send([forward() for _ in range(20)])

        for _ in range(3):
            process = context.Process(target=child)
            process.start()
            assert receiver.poll(30)
            assert set(receiver.recv()) == {expected}
            process.join()
            assert process.exitcode == 0
            assert forward() == expected
