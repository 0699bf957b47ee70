"""Losses of several outputs or without a target against PyTorch, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.activity_regularization import ActivityRegularization
from tinynet.builtin.losses.contrastive import Contrastive
from tinynet.builtin.losses.distillation import Distillation
from tinynet.builtin.losses.standard_normal_kl import StandardNormalKL
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
batches = st.integers(1, 5)
leads = st.lists(st.integers(1, 3), max_size=2).map(tuple)
sizes = st.integers(1, 5)
scales = st.sampled_from([0.1, 1.0, 10.0])
many = settings(max_examples=200, deadline=None)


def compare(loss: Any, function: Any, outputs: Any, targets: Any, weights: Any) -> None:
    """Compare with ``function(*outputs)``: the loss of each sample in torch."""
    ctx = Context(training=True)
    passed = outputs if len(outputs) > 1 else outputs[0]
    total, cache = loss.forward(ctx, passed, targets, weights)
    gradients = loss.backward(ctx, cache)
    tensors = [torch.tensor(output, requires_grad=True) for output in outputs]
    samples = function(*tensors)
    if weights is not None:
        samples = samples * torch.tensor(weights)
    samples.sum().backward()
    np.testing.assert_allclose(total, samples.sum().item(), rtol=1e-9, atol=1e-9)
    for gradient, tensor in zip(
        gradients if len(outputs) > 1 else (gradients,), tensors, strict=True
    ):
        expected = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


def draw_weights(rng: np.random.Generator, weighted: bool, batch: int) -> Any:
    return rng.uniform(0, 3, batch) if weighted else None


@many
@given(seeds, batches, leads, st.integers(2, 6), scales, st.floats(0.5, 10), st.booleans())
def test_distillation(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    classes: int,
    scale: float,
    temperature: float,
    weighted: bool,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (batch, *lead, classes)
    outputs = rng.normal(size=shape) * scale, rng.normal(size=shape) * scale

    def function(student: Any, teacher: Any) -> Any:
        divergence = torch.nn.functional.kl_div(
            (student / temperature).log_softmax(dim=-1),
            (teacher.detach() / temperature).log_softmax(dim=-1),
            reduction="none",
            log_target=True,
        ).sum(dim=-1)
        return temperature**2 * divergence.reshape(batch, -1).mean(dim=1)

    loss = Distillation(Distillation.Config(temperature=temperature))
    compare(loss, function, outputs, None, draw_weights(rng, weighted, batch))


@many
@given(seeds, batches, leads, sizes, scales, st.floats(0.1, 30), st.booleans())
def test_contrastive(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    size: int,
    scale: float,
    margin: float,
    weighted: bool,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (batch, *lead, size)
    outputs = rng.normal(size=shape) * scale, rng.normal(size=shape) * scale
    targets = rng.integers(0, 2, batch)

    def function(left: Any, right: Any) -> Any:
        distance = torch.linalg.vector_norm((left - right).reshape(batch, -1), dim=1)
        far = torch.nn.functional.hinge_embedding_loss(
            distance, torch.full((batch,), -1), margin=margin, reduction="none"
        )
        return torch.where(torch.tensor(targets == 1), distance**2, far**2) / 2

    loss = Contrastive(Contrastive.Config(margin=margin))
    compare(loss, function, outputs, targets, draw_weights(rng, weighted, batch))


@many
@given(seeds, batches, leads, sizes, st.sampled_from([0.1, 1.0, 5.0]), st.booleans())
def test_standard_normal_kl(
    seed: int, batch: int, lead: tuple[int, ...], size: int, scale: float, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    shape = (batch, *lead, size)
    outputs = rng.normal(size=shape) * scale, rng.normal(size=shape) * scale

    def function(mean: Any, log_variance: Any) -> Any:
        own = torch.distributions.Normal(mean, (log_variance / 2).exp())
        divergence = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
        return divergence.reshape(batch, -1).sum(dim=1)

    loss = StandardNormalKL(StandardNormalKL.Config())
    compare(loss, function, outputs, None, draw_weights(rng, weighted, batch))


@many
@given(seeds, batches, leads, sizes, scales, st.floats(0, 2), st.floats(0, 2), st.booleans())
def test_activity_regularization(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    size: int,
    scale: float,
    l1: float,
    l2: float,
    weighted: bool,
) -> None:
    rng = np.random.default_rng(seed)
    outputs = (rng.normal(size=(batch, *lead, size)) * scale,)

    def function(x: Any) -> Any:
        x = x.reshape(batch, -1)
        return l1 * x.abs().sum(dim=1) + l2 * x.square().sum(dim=1)

    loss = ActivityRegularization(ActivityRegularization.Config(l1=l1, l2=l2))
    compare(loss, function, outputs, None, draw_weights(rng, weighted, batch))
