"""The jobs that tinynet and torch train in one and in two processes."""

import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from versus.networks import CLASSES, LEARNING_RATE, nodes_of
from versus.specs import NETWORKS

SAMPLES = 8192
"""Samples of the data, so that the batches of an epoch do not stay in the cache."""

Step = Callable[[], float]
"""A training step; returns the mean loss of the samples of this process, or of all."""


@dataclass(frozen=True)
class Job:
    """A network, trained with batches of a size, as one shard for each of two processes."""

    title: str
    network: str
    batch: int
    shards: int = 2


JOBS = {
    "cnn": Job("CNN: the MNIST convnet of the Keras examples", "convnet", 128),
    "mlp": Job("MLP: 784-256-128-10", "mlp", 512),
    "batch_norm": Job("CNN with two batch norms", "norm_conv", 128),
}


def data_of(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Return x (SAMPLES, *input_shape) float32 and labels, the same in every process."""
    draw = np.random.default_rng(2)
    x = draw.random((SAMPLES, *NETWORKS[job.network].input_shape), np.float32)
    return x, draw.integers(0, CLASSES, SAMPLES)


def trainer_of(job: Job, **options: Any) -> Any:
    """Return the trainer of a job, with the parameters that every side starts from."""
    import tinynet

    side = importlib.import_module("versus.tinynet_side")
    nodes = nodes_of(job.network, dropout=False)
    spec = side.spec_of(job.network, nodes, job.batch)
    # Samples in their own order, so that a position is an index of the data.
    split = {"validation": 0, "test": 0, "order": "as_is"}
    spec["data"] = {"type": "memory", "split": split}
    spec["training"] |= {"epochs": 1_000_000, "shards": job.shards}
    trainer = tinynet.Trainer(spec, data=data_of(job), threads=1, **options)
    side.fill(trainer.network, nodes)
    return trainer


def tinynet_step(job: Job, group: Any) -> Step:
    """Return a step of the training loop, which gathers its own samples."""
    from tinynet.training.events import StepDone

    trainer = trainer_of(job) if group is None else trainer_of(job, group=group)
    events = trainer.run()

    def step() -> float:
        return next(event.loss for event in events if isinstance(event, StepDone))

    return step


def torch_step(job: Job, rank: int, size: int, file: str) -> Step:
    """Return a step of torch on the same samples, with DistributedDataParallel in a group.

    Args:
        job: The job.
        rank: The number of this process.
        size: The number of processes; one process trains without a group.
        file: A file by which the processes find each other.
    """
    import torch
    from torch import nn

    layers = importlib.import_module("versus.torch_layers")
    # The gradient of a convolution of one channel may have other strides than its weight.
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    torch.set_num_threads(1)
    model: nn.Module = layers.sequential(nodes_of(job.network, dropout=False))
    if size > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{file}", rank=rank, world_size=size
        )
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    loss_of = nn.CrossEntropyLoss()
    values, labels = data_of(job)
    x, y = torch.from_numpy(values), torch.from_numpy(labels)
    if x.ndim == 4:
        x = x.movedim(-1, 1).contiguous()
    rows = slice(job.batch * rank // size, job.batch * (rank + 1) // size)
    batches = _batches(job)

    def step() -> float:
        chosen = torch.from_numpy(next(batches)[rows])
        optimizer.zero_grad()
        loss = loss_of(model(x[chosen]), y[chosen])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _batches(job: Job) -> Iterator[np.ndarray]:
    """Yield the positions of the samples of each batch, in the order of tinynet."""
    data = trainer_of(job).data
    for epoch in range(1_000_000):
        order = data.order(epoch)
        for start in range(0, SAMPLES, job.batch):
            yield order[start : start + job.batch]
