"""Weighted and ignored positions against PyTorch, in float64, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.builtin.losses.regression import MAE, MSE, Huber
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.layer.context import Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
batches = st.integers(1, 5)
leads = st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple)
scales = st.sampled_from([0.1, 1.0, 30.0])
average = st.sampled_from(["samples", "positions"])
many = settings(max_examples=200, deadline=None)


def mean_of(loss: Any, outputs: Any, targets: Any, weights: Any) -> tuple[float, Any]:
    """Return the mean that training minimizes, and its gradient."""
    ctx = Context(training=True)
    total, cache = loss.forward(ctx, outputs, targets, weights)
    counted = loss.count(targets, weights) if loss.counts_positions else len(outputs)
    divisor = max(counted, 1)
    return total / divisor, loss.backward(ctx, cache) / divisor


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...], axes: int) -> Any:
    """Return weights of the first axes of a shape, about a third of them 0; None for no axes."""
    if not axes:
        return None
    axes = min(axes, len(shape))
    return rng.uniform(0, 3, shape[:axes]) * (rng.random(shape[:axes]) < 0.7)


def expanded(weights: Any, shape: tuple[int, ...]) -> Any:
    """Return the weight of each position in torch."""
    weights = np.ones(shape[:1]) if weights is None else weights
    axes = weights.shape + (1,) * (len(shape) - weights.ndim)
    return torch.tensor(np.broadcast_to(weights.reshape(axes), shape).copy())


def compare(actual: tuple[float, Any], expected: Any, logits: Any) -> None:
    expected.backward()
    np.testing.assert_allclose(actual[0], expected.item(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(actual[1], logits.grad.numpy(), rtol=1e-9, atol=1e-9)


@many
@given(seeds, batches, leads, st.integers(2, 6), scales, st.booleans(), st.integers(0, 3), average)
def test_softmax_cross_entropy_with_an_ignored_label(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    classes: int,
    scale: float,
    is_class: bool,
    axes: int,
    over: str,
) -> None:
    rng = np.random.default_rng(seed)
    ignored = 0 if is_class else -100
    shape = (batch, *lead)
    outputs = rng.normal(size=(*shape, classes)) * scale
    targets = rng.integers(0, classes, shape)
    targets[rng.random(shape) < 0.4] = ignored
    weights = draw_weights(rng, shape, axes)
    config = SoftmaxCrossEntropy.Config(ignore_label=ignored, average_over=over)
    actual = mean_of(SoftmaxCrossEntropy(config), outputs, targets, weights)

    logits = torch.tensor(outputs, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, classes),
        torch.tensor(targets.reshape(-1)),
        ignore_index=ignored,
        reduction="none",
    ).reshape(shape)
    weight = expanded(weights, shape)
    counted = torch.tensor(targets != ignored)
    if over == "positions":
        expected = (losses * weight).sum() / max(1, (counted & (weight != 0)).sum().item())
    else:
        positions = counted.reshape(batch, -1).sum(dim=1).clamp(min=1)
        expected = ((losses * weight).reshape(batch, -1).sum(dim=1) / positions).mean()
    compare(actual, expected, logits)


@many
@given(seeds, batches, leads, st.integers(2, 6), scales, st.integers(1, 3), average)
def test_softmax_cross_entropy_with_weights_of_positions(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    classes: int,
    scale: float,
    axes: int,
    over: str,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (batch, *lead)
    outputs = rng.normal(size=(*shape, classes)) * scale
    targets = rng.dirichlet(np.ones(classes), shape)
    weights = draw_weights(rng, shape, axes)
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config(average_over=over))
    actual = mean_of(loss, outputs, targets, weights)

    logits = torch.tensor(outputs, requires_grad=True)
    rows = torch.tensor(targets.reshape(-1, classes))
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, classes), rows, reduction="none"
    ).reshape(shape)
    weight = expanded(weights, shape)
    count = (weight != 0).sum().item() if over == "positions" else weight.numel()
    compare(actual, (losses * weight).sum() / max(count, 1), logits)


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (MSE, torch.nn.functional.mse_loss),
        (MAE, torch.nn.functional.l1_loss),
        (Huber, torch.nn.functional.huber_loss),
        (BinaryCrossEntropy, torch.nn.functional.binary_cross_entropy_with_logits),
    ],
)
@many
@given(seeds, batches, leads, st.integers(1, 4), scales, st.integers(1, 4), average)
def test_elementwise_losses(
    kind: Any,
    function: Any,
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    units: int,
    scale: float,
    axes: int,
    over: str,
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(batch, *lead, units)) * scale
    targets = rng.random(outputs.shape)
    weights = draw_weights(rng, outputs.shape, axes)
    given_targets = targets[..., 0] if units == 1 else targets
    actual = mean_of(kind(kind.Config(average_over=over)), outputs, given_targets, weights)

    logits = torch.tensor(outputs, requires_grad=True)
    losses = function(logits, torch.tensor(targets), reduction="none")
    weight = expanded(weights, outputs.shape)
    count = (weight != 0).sum().item() if over == "positions" else weight.numel()
    compare(actual, (losses * weight).sum() / max(count, 1), logits)
