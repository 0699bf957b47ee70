"""Every loss and its gradient against PyTorch, in float64, on random configurations."""

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
leads = st.lists(st.integers(1, 3), max_size=2).map(tuple)
scales = st.sampled_from([0.1, 1.0, 30.0, 1000.0])
smoothings = st.one_of(st.just(0.0), st.floats(0, 0.9))
many = settings(max_examples=200, deadline=None)


def compare(loss: Any, elements: Any, outputs: Any, targets: Any, weights: Any) -> None:
    """Compare with ``elements(logits)``: the loss of each element of each sample in torch."""
    ctx = Context(training=True)
    total, cache = loss.forward(ctx, outputs, targets, weights)
    logits = torch.tensor(outputs, requires_grad=True)
    samples = elements(logits).reshape(len(outputs), -1).mean(dim=1)
    if weights is not None:
        samples = samples * torch.tensor(weights)
    samples.sum().backward()
    np.testing.assert_allclose(total, samples.sum().item(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(loss.backward(ctx, cache), logits.grad.numpy(), rtol=1e-9, atol=1e-9)


def draw_weights(rng: np.random.Generator, weighted: bool, batch: int) -> Any:
    return rng.uniform(0, 3, batch) if weighted else None


@many
@given(seeds, batches, leads, st.integers(2, 6), scales, smoothings, st.booleans(), st.booleans())
def test_softmax_cross_entropy(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    classes: int,
    scale: float,
    smoothing: float,
    weighted: bool,
    soft: bool,
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(batch, *lead, classes)) * scale
    targets = (
        rng.dirichlet(np.ones(classes), (batch, *lead))
        if soft
        else rng.integers(0, classes, (batch, *lead))
    )
    rows = torch.tensor(targets.reshape(-1, classes) if soft else targets.reshape(-1))

    def elements(logits: Any) -> Any:
        return torch.nn.functional.cross_entropy(
            logits.reshape(-1, classes), rows, reduction="none", label_smoothing=smoothing
        )

    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config(label_smoothing=smoothing))
    compare(loss, elements, outputs, targets, draw_weights(rng, weighted, batch))


@many
@given(seeds, batches, leads, st.integers(1, 4), scales, smoothings, st.booleans(), st.booleans())
def test_binary_cross_entropy(
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    labels: int,
    scale: float,
    smoothing: float,
    weighted: bool,
    soft: bool,
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(batch, *lead, labels)) * scale
    targets = rng.random(outputs.shape) if soft else rng.integers(0, 2, outputs.shape)
    smoothed = torch.tensor(targets * (1 - smoothing) + smoothing / 2)

    def elements(logits: Any) -> Any:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            logits, smoothed, reduction="none"
        )

    loss = BinaryCrossEntropy(BinaryCrossEntropy.Config(label_smoothing=smoothing))
    given_targets = targets[..., 0] if labels == 1 else targets
    compare(loss, elements, outputs, given_targets, draw_weights(rng, weighted, batch))


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        (MSE, torch.nn.functional.mse_loss),
        (MAE, torch.nn.functional.l1_loss),
        (Huber, torch.nn.functional.huber_loss),
    ],
)
@many
@given(seeds, batches, leads, st.integers(1, 4), scales, st.floats(0.1, 50), st.booleans())
def test_regression(
    kind: Any,
    function: Any,
    seed: int,
    batch: int,
    lead: tuple[int, ...],
    units: int,
    scale: float,
    delta: float,
    weighted: bool,
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(batch, *lead, units)) * scale
    targets = rng.normal(size=outputs.shape) * scale
    options = {"delta": delta} if kind is Huber else {}

    def elements(logits: Any) -> Any:
        return function(logits, torch.tensor(targets), reduction="none", **options)

    given_targets = targets[..., 0] if units == 1 else targets
    weights = draw_weights(rng, weighted, batch)
    compare(kind(kind.Config(**options)), elements, outputs, given_targets, weights)
