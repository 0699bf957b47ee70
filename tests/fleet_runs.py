"""Runs that several processes train together, here threads of one, and the jobs that they train."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.engine import sharding
from tinynet.errors import PeerFailure
from tinynet.layer import LayerConfig
from tinynet.network.kernel_choice import choose_kernels
from tinynet.run.log import read_log
from tinynet.testing.fleets import in_threads

CLASSES = 3
SAMPLES = 70
"""Not a multiple of the batch size, so that the last batch of an epoch is short."""


class ScaledCenter:
    """A layer that needs the whole batch: it subtracts the mean of the samples."""

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", (), "ones")}

    def forward(self, ctx, x):
        centered = x - x.mean(axis=0)
        return centered * self.params["gain"], centered

    def backward(self, ctx, cache, dy):
        gradient = {"gain": np.asarray((dy * cache).sum(), dy.dtype)}
        dx = dy * self.params["gain"]
        return (dx - dx.mean(axis=0),), gradient


CONV = {"type": "conv2d", "filters": 3, "kernel_size": 3}
DROPOUT = {"type": "dropout", "rate": 0.3}
OUT = ["flatten", {"type": "dense", "units": CLASSES}]


def cut_small_batches(monkeypatch):
    """Cut batches of 24 samples into several shards, where the spec does not."""
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 4)
    monkeypatch.setattr(type(choose_kernels()), "whole_if_exchanged", False, raising=False)


@dataclass(frozen=True)
class Job:
    """A network, its training and the data that are passed."""

    layers: list[Any]
    training: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    kind: str = "images"

    def spec(self, **changes):
        """Return the spec, with changes of its training."""
        changes = {**self.training, **changes}
        length = {} if "steps" in changes else {"epochs": 2}
        return {
            "tinynet": 1,
            "name": "together",
            "data": {},
            "network": {**self.network, "layers": self.layers},
            "training": {
                **length,
                "batch_size": 24,
                "seed": 5,
                "loss": "softmax_cross_entropy",
                "optimizer": "adam",
                "shards": 6,
                "checkpoint": {"every_steps": 2, "keep_last": 50},
                **changes,
            },
        }

    def data(self, samples=SAMPLES, seed=0):
        """Return new arrays."""
        rng = np.random.default_rng(seed)
        if self.kind == "sequences":
            x = rng.integers(9, size=(samples, 5))
            return x, rng.integers(CLASSES, size=(samples, 5)), rng.random((samples, 5))
        x, y = rng.random((samples, 6, 6, 2), np.float32), rng.integers(CLASSES, size=samples)
        if self.kind == "outputs":
            return x, {"kind": y, "size": rng.random((samples, 1))}
        return x, y


CNN = Job([CONV, "relu", DROPOUT, *OUT], {"metrics": ["accuracy"]})
JOBS = {
    "convolution, dropout": CNN,
    "as many shards as the network has": Job([CONV, "relu", *OUT], {"shards": None}),
    "batch norm, accumulation, class weights, averages": Job(
        [CONV, "batch_norm", "relu", DROPOUT, *OUT],
        {
            "batch_size": 12,
            "accumulate": 3,
            "class_weights": "balanced",
            "average": {"type": "ema", "decay": 0.9},
            "lookahead": {},
            "metrics": ["accuracy", {"type": "f1", "average": "macro"}],
            "checkpoint": {"every_steps": 1, "keep_last": 50, "keep_best": {"metric": "val/loss"}},
        },
    ),
    "a layer that needs the whole batch": Job([CONV, "scaled_center", "relu", *OUT]),
    "a rate that falls on plateaus, metrics of fractions": Job(
        [CONV, "relu", *OUT],
        {
            "epochs": 4,
            "optimizer": {"type": "sgd", "learning_rate": 3.0, "momentum": 0.9},
            "schedule": {"type": "reduce_on_plateau", "metric": "val/loss", "patience": 1},
            "metrics": ["accuracy", "log_loss", "calibration_error"],
            "early_stopping": {"metric": "val/log_loss", "patience": 2},
        },
    ),
    "positions that do not count": Job(
        [
            {"type": "embedding", "input_dim": 9, "output_dim": 4},
            {"type": "dense", "units": CLASSES},
        ],
        {
            "accumulate": 2,
            "loss": {"type": "softmax_cross_entropy", "ignore_label": 0},
            "metrics": [{"type": "accuracy", "ignore_label": 0}, "perplexity"],
        },
        {"input_shape": [5]},
        kind="sequences",
    ),
    "several outputs": Job(
        [
            {**CONV, "name": "stem"},
            {"type": "flatten", "name": "flat"},
            {"type": "dense", "units": CLASSES, "name": "kind"},
            {"type": "dense", "units": 1, "inputs": "flat", "name": "size"},
        ],
        {"loss": {"kind": "softmax_cross_entropy", "size": "mse"}},
        {"outputs": ["kind", "size"]},
        kind="outputs",
    ),
}


def ignore(event):
    """Observe nothing."""


def train_together(job, folder, size, *, again=False, changes=None, work=None, **settings):
    """Train a job in several processes; return the result of each.

    Args:
        job: The job.
        folder: The folder of the run.
        size: The number of processes.
        again: Resume the run.
        changes: Changes of the training section of the spec.
        work: Function that is called with a function that trains, and its fleet.
        **settings: Those of `tinynet.train`.
    """

    def train(fleet, **own):
        settings_here = {
            "data": job.data(),
            "validation": job.data(50, 1),
            "threads": 1,
            "observer": ignore,
            "fleet": fleet,
            **settings,
            **own,
        }
        if again:
            return tinynet.resume(folder, **settings_here)
        return tinynet.train(job.spec(**(changes or {})), folder, **settings_here)

    def one(fleet):
        return train(fleet) if work is None else work(train, fleet)

    return [one(None)] if size == 1 else in_threads(size, one)


def outcome(train, fleet, **settings):
    """Return the result of a process that trains, or its exception."""
    try:
        return train(fleet, **settings)
    except (Exception, KeyboardInterrupt) as error:
        return error


def failure(ends, rank, text):
    """Require that all processes ended by the same failure, and return it."""
    assert [type(end) for end in ends] == [PeerFailure] * len(ends)
    assert {(end.rank, str(end)) for end in ends} == {(rank, str(ends[0]))}
    assert text in str(ends[0])
    return ends[0].error


def content(folder):
    """Return everything that a run has saved, as comparable values, without times and names."""
    saved = {}
    for path in sorted((folder / "checkpoints").iterdir()):
        read = Checkpoint.read(path)
        arrays = {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in read.arrays.items()}
        saved[path.name] = arrays, read.progress, read.spec, read.data
    log = [{k: v for k, v in line.items() if k != "wall"} for line in read_log(folder / LOG)]
    return saved, json.dumps(log)


LOG = "metrics.jsonl"


def is_process(rank):
    """Return True in a thread that is a process of this rank."""
    return threading.current_thread().name == f"process-{rank}"
