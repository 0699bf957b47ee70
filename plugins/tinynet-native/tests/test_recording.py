"""Recorded calls of kernels: made again, they give the bits of the calls themselves."""

import gc
import weakref

import numpy as np
import pytest
from tinynet_native import NativeKernels, _kernels

import tinynet

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def recorded(*calls):
    recording = _kernels.Recording()
    recording.start()
    for function, *args in calls:
        function(*args)
    recording.stop()
    return recording


def test_recorded_calls_use_the_arrays_as_they_are_then():
    x, weight, hidden, y = normal(4, 5), normal(5, 3), np.empty((4, 3), "f"), np.empty((4, 3), "f")
    recording = recorded(
        (_kernels.dense, x, weight, None, hidden, False), (_kernels.relu, hidden, y)
    )
    x[...], expected = normal(4, 5), np.empty((4, 3), "f")
    _kernels.dense(x, weight, None, expected, True)
    y.fill(7)
    recording.run()
    np.testing.assert_array_equal(y, expected)


def test_calls_after_the_end_and_on_other_threads_are_not_recorded():
    x, y, z = normal(3), np.empty(3, "f"), np.empty(3, "f")
    recording = recorded((_kernels.relu, x, y))
    _kernels.relu(x, z)
    y.fill(7)
    z.fill(7)
    recording.run()
    assert (z == 7).all()
    np.testing.assert_array_equal(y, np.maximum(x, 0))


def test_a_new_recording_ends_the_one_before():
    """An interrupt may come before `stop`."""
    x, y, z = normal(3), np.empty(3, "f"), np.empty(3, "f")
    first, second = _kernels.Recording(), _kernels.Recording()
    first.start()
    _kernels.relu(x, y)
    second.start()
    _kernels.relu(x, z)
    second.stop()
    second.stop()
    y.fill(7)
    z.fill(7)
    first.run()
    assert (z == 7).all()
    assert (y != 7).all()


def test_arrays_live_as_long_as_the_recording():
    x, y = normal(3), np.empty(3, "f")
    alive = weakref.ref(y)
    recording = recorded((_kernels.relu, x, y))
    del y
    gc.collect()
    recording.run()
    assert alive() is not None
    del recording
    gc.collect()
    assert alive() is None


def test_calls_with_copied_arguments_are_not_faithful():
    """The copy is freed after the call."""
    strided, y = normal(8)[::2], np.empty(4, "f")
    recording = recorded((_kernels.relu, strided, y))
    assert not recording.faithful
    with pytest.raises(RuntimeError, match="had a copy of its argument"):
        recording.run()


def test_a_call_that_fails_its_checks_is_not_recorded():
    recording, y = _kernels.Recording(), np.full(4, 7, "f")
    recording.start()
    with pytest.raises(ValueError, match="do not fit"):
        _kernels.relu(normal(3), y)
    recording.stop()
    recording.run()
    assert (y == 7).all()


class Unrecorded(NativeKernels):
    recording = None


CONV = {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"}
IMAGES = [
    CONV,
    {"type": "batch_norm"},
    {"type": "relu"},
    {"type": "depthwise_conv2d", "kernel_size": 3},
    {"type": "group_norm", "groups": 2},
    {"type": "relu"},
    {"type": "max_pool2d"},
    {"type": "flatten"},
    {"type": "dropout", "rate": 0.4},
    {"type": "layer_norm"},
    {"type": "dense", "units": 9},
    {"type": "rms_norm"},
    {"type": "relu"},
    {"type": "dense", "units": 3},
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shards", [None, 3])
@pytest.mark.usefixtures("level")
def test_replayed_training_has_the_same_bits(dtype, threads, shards):
    spec = {
        "tinynet": 1,
        "name": "replayed",
        "network": {"input_shape": [9, 8, 2], "layers": IMAGES, "dtype": dtype},
        "training": {
            "epochs": 1,
            "batch_size": 12,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            **({} if shards is None else {"shards": shards}),
        },
    }
    results = []
    for kernels in (NativeKernels(), Unrecorded()):
        trainer = tinynet.Trainer(spec, threads=threads, kernels=kernels)
        rng, losses = np.random.default_rng(1), []
        for size in (12, 12, 5, 12, 12, 12, 5, 12, 5, 5, 5, 12):
            x, y = rng.normal(size=(size, 9, 8, 2)), rng.integers(0, 3, size)
            losses.append(trainer.train_step(x.astype(dtype), y))
        results.append((losses, {k: array.tobytes() for k, array in trainer.state().items()}))
    assert results[0] == results[1]
