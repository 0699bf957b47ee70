"""Times of one process, measured on this machine: of its shard, and of the objects it gathers."""

import pickle
from collections.abc import Callable
from functools import cache
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from versus.networks import LEARNING_RATE

import tinynet
from tests.benchmarks.fleets.network import HEAD
from tinynet import registry
from tinynet.builtin.layers.batch_norm import BatchNorm, Moments
from tinynet.layer import Build, Context
from tinynet.training.metric_shares import MetricShare

HIGHEST = pickle.HIGHEST_PROTOCOL
REPEATS = 7

CHANNELS = 64
"""Channels of the batch norms."""


def timed(run: Callable[[], Any], seconds: float = 0.02) -> float:
    """Return the median seconds of a call, of some blocks about that long."""
    run()
    start = perf_counter()
    run()
    count = max(1, round(seconds / max(perf_counter() - start, 1e-7)))
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        for _ in range(count):
            run()
        times.append((perf_counter() - start) / count)
    return median(times)


@cache
def shard_step(widths: tuple[int, ...], samples: int) -> float:
    """Return the seconds of a training step with one shard on one thread, Adam included.

    Args:
        widths: Inputs and units of the dense layers; the convnet of Keras if empty.
        samples: Samples of the shard.
    """
    layers: list[dict[str, Any]] = []
    shape: tuple[int, ...] = (28, 28, 1)
    if widths:
        shape = (widths[0],)
        for units in widths[1:]:
            layers += [{"type": "dense", "units": units}, {"type": "relu"}]
        del layers[-1]
    else:
        for filters in (32, 64):
            layers += [
                {"type": "conv2d", "filters": filters, "kernel_size": 3, "padding": "valid"},
                {"type": "relu"},
                {"type": "max_pool2d", "pool_size": 2},
            ]
        layers += [{"type": "flatten"}, {"type": "dense", "units": 10}]
    spec = {
        "tinynet": 1,
        "name": "model",
        "network": {"input_shape": list(shape), "layers": layers},
        "training": {
            "epochs": 1,
            "batch_size": samples,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": LEARNING_RATE},
        },
    }
    trainer = tinynet.Trainer(spec, threads=1)
    draw = np.random.default_rng(0)
    x, y = draw.random((samples, *shape), np.float32), draw.integers(0, 10, samples)
    return timed(lambda: trainer.train_step(x, y), 0.1)


class Objects(NamedTuple):
    """The costs of the objects that processes gather.

    Attributes:
        nbytes: Length of a pickled object.
        pickling: Seconds to pickle one.
        unpickling: Seconds to unpickle one.
        using: Seconds to use one more, in each process.
    """

    nbytes: int
    pickling: float
    unpickling: float
    using: float = 0.0


def costs_of(item: Any, using: float = 0.0) -> Objects:
    """Return the costs of an object like this one.

    `ProcessGroup` pickles it, and `tinynet-mpi` cuts the bytes of all processes from one array.
    """
    data = pickle.dumps(item, HIGHEST)
    slot = HEAD.pack(len(data), False) + data

    def unpickle() -> Any:
        length, _ = HEAD.unpack_from(slot)
        return pickle.loads(slot[HEAD.size : HEAD.size + length])

    return Objects(len(data), timed(lambda: pickle.dumps(item, HIGHEST)), timed(unpickle), using)


@cache
def step_results() -> Objects:
    """Return the costs of the losses, sums of metrics and requests of a process in one step."""
    losses = [{"logits": 2.302585}]
    states = {"accuracy": {"correct": np.array(17), "count": np.array(64)}}
    return costs_of(((losses, MetricShare(states, [])), None))


@cache
def summaries(backward: bool) -> Objects:
    """Return the costs of the summary of a process at a batch norm.

    Its use is measured as the difference between the layer's work with many summaries and with
    one, on a shard of few samples.
    """
    many, ctx = 64, Context(training=True)
    layer = BatchNorm(BatchNorm.Config(), ((CHANNELS,),), Build(create=registry.default().create))
    x = np.random.default_rng(0).random((8, CHANNELS), np.float32)
    summary: Any = layer.summarize(ctx, x)
    assert isinstance(summary, Moments)
    if not backward:
        using = [timed(lambda n=n: layer.forward_with(ctx, [summary] * n, x)) for n in (1, many)]
    else:
        _, cache = layer.forward_with(ctx, [summary], x)
        summary, _ = layer.summarize_gradient(ctx, cache, x)
        using = [
            timed(lambda n=n: layer.backward_with(ctx, cache, [summary] * n, x)) for n in (1, many)
        ]
    return costs_of([summary], max(using[1] - using[0], 0.0) / (many - 1))
