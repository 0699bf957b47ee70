"""Kernels get several threads for large work only, which changes no bit."""

from contextlib import contextmanager

import numpy as np
import pytest

import tinynet
from tinynet.engine import kernel_threads
from tinynet.kernels.numpy import NumpyKernels


class CountedThreads(NumpyKernels):
    """Kernels that note the number of threads of each product and each update."""

    def __init__(self):
        self.threads, self.of_passes, self.of_updates = 1, set(), set()

    @contextmanager
    def on_threads(self, count):
        before, self.threads = self.threads, count
        yield
        self.threads = before

    def dense(self, *args, **kwargs):
        self.of_passes.add(self.threads)
        return NumpyKernels.dense(*args, **kwargs)

    def sgd(self, param, grad, *args):
        self.of_updates.add(self.threads)
        param -= grad


def trained(batch_size, samples, **more):
    """Return kernels that have made some steps, and the state after them."""
    layers = [{"type": "dense", "units": 20}, {"type": "relu"}, {"type": "dense", "units": 2}]
    training = {"epochs": 1, "batch_size": batch_size, "loss": "mse", "optimizer": "sgd", **more}
    network = {"input_shape": [10], "layers": layers}
    spec = {"tinynet": 1, "name": "counted", "network": network, "training": training}
    kernels = CountedThreads()
    trainer = tinynet.Trainer(spec, threads=3, kernels=kernels)
    for step in range(3):
        rng = np.random.default_rng(step)
        trainer.train_step(rng.normal(size=(samples, 10)), rng.normal(size=(samples, 2)))
    return kernels, {name: array.tobytes() for name, array in trainer.state().items()}


@pytest.mark.parametrize(("flops", "passes"), [(5e3, {3}), (1e4, {1})])
def test_small_passes_stay_on_one_thread(monkeypatch, flops, passes):
    """On two cores that are far from each other, a small step would take several times as long."""
    reference = trained(12, 12)[1]
    monkeypatch.setattr(kernel_threads, "PASS_FLOPS", flops)
    kernels, state = trained(12, 12)
    assert kernels.of_passes == passes
    assert state == reference


@pytest.mark.parametrize(("elements", "updates"), [(262, {3}), (263, {1})])
def test_update_of_few_parameters_stays_on_one_thread(monkeypatch, elements, updates):
    """It would pass the parameters from the cache of one core to that of another."""
    monkeypatch.setattr(kernel_threads, "UPDATED_ELEMENTS", elements)
    kernels, _ = trained(12, 12)
    assert kernels.of_updates == updates
    assert kernels.of_passes == {1}


def test_each_batch_of_a_step_counts_by_itself(monkeypatch):
    """A step of many small batches computes no faster on several threads."""
    monkeypatch.setattr(kernel_threads, "PASS_FLOPS", 5e3)
    kernels, _ = trained(4, 12)
    assert kernels.of_passes == {1}
    assert kernels.of_updates == {3}


def test_shards_that_have_threads_of_their_own_share_no_kernel(monkeypatch):
    """More threads than cores would wait for each other."""
    monkeypatch.setattr(kernel_threads, "PASS_FLOPS", 0)
    kernels, _ = trained(12, 12, shards=3)
    assert kernels.of_passes == {1}
    assert kernels.of_updates == {3}


@pytest.mark.parametrize(("flops", "passes"), [(4e3, {3}), (5e3, {1})])
def test_small_predictions_stay_on_one_thread(monkeypatch, flops, passes):
    """A single sample would take longer on two cores that are far from each other."""
    monkeypatch.setattr(kernel_threads, "PASS_FLOPS", flops)
    kernels = CountedThreads()
    spec = {"input_shape": [10], "layers": [{"type": "dense", "units": 20}]}
    tinynet.Network(spec, kernels=kernels).predict(np.ones((12, 10)), threads=3)
    assert kernels.of_passes == passes
