"""Losses of rows against PyTorch, in float64, on random configurations.

Losses that PyTorch lacks are compared with their formula, and the gradients with its derivatives.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.categorical_hinge import CategoricalHinge
from tinynet.builtin.losses.cosine_similarity import CosineSimilarity
from tinynet.builtin.losses.focal_cross_entropy import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
)
from tinynet.builtin.losses.kl_divergence import KLDivergence

from .oracle import compare, draw_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
leads = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
sizes = st.integers(2, 5)
scales = st.sampled_from([0.1, 1.0, 10.0])
smoothings = st.one_of(st.just(0.0), st.floats(0, 0.9))
many = settings(max_examples=150, deadline=None)


def case(seed: int, lead: tuple[int, ...], size: int, scale: float) -> tuple[Any, Any, Any, Any]:
    """Return a source of random numbers, outputs, shares and their one-hot labels."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(size), lead)
    one_hot = np.eye(size)[rng.integers(0, size, lead)]
    return rng, rng.normal(size=(*lead, size)) * scale, shares, one_hot


@many
@given(seeds, leads, sizes, scales, st.booleans())
def test_kl_divergence(
    seed: int, lead: tuple[int, ...], size: int, scale: float, weighted: bool
) -> None:
    rng, outputs, shares, _ = case(seed, lead, size, scale)
    shares *= rng.random(shares.shape) > 0.2  # torch counts 0 log(0) as 0, too

    def function(x: Any) -> Any:
        log_p = x.log_softmax(dim=-1)
        rows = torch.nn.functional.kl_div(log_p, torch.tensor(shares), reduction="none")
        return rows.sum(dim=-1)

    loss = KLDivergence(KLDivergence.Config())
    compare(loss, function, outputs, shares, draw_weights(rng, weighted, lead[:2]))


@many
@given(seeds, leads, st.integers(1, 5), scales, st.booleans(), st.booleans())
def test_cosine_similarity(
    seed: int, lead: tuple[int, ...], size: int, scale: float, weighted: bool, by_position: bool
) -> None:
    rng, outputs, *_ = case(seed, lead, size, scale)
    targets = rng.normal(size=outputs.shape)

    def function(x: Any) -> Any:
        return -torch.nn.functional.cosine_similarity(x, torch.tensor(targets), dim=-1, eps=1e-15)

    average_over = "positions" if by_position else "samples"
    loss = CosineSimilarity(CosineSimilarity.Config(average_over=average_over))
    shape = lead[: 1 + by_position]
    compare(loss, function, outputs, targets, draw_weights(rng, weighted, shape))


@many
@given(seeds, leads, sizes, scales, st.booleans(), st.booleans())
def test_categorical_hinge(
    seed: int, lead: tuple[int, ...], size: int, scale: float, weighted: bool, soft: bool
) -> None:
    rng, outputs, shares, one_hot = case(seed, lead, size, scale)
    t = torch.tensor(shares if soft else one_hot)

    def function(x: Any) -> Any:
        """Keras's definition."""
        return (((1 - t) * x).amax(dim=-1) - (t * x).sum(dim=-1) + 1).clamp(min=0)

    loss = CategoricalHinge(CategoricalHinge.Config())
    targets = shares if soft else one_hot.argmax(axis=-1)
    compare(loss, function, outputs, targets, draw_weights(rng, weighted, lead[:1]))


@many
@given(seeds, leads, sizes, scales, smoothings, st.floats(0.5, 5), st.booleans(), st.booleans())
def test_categorical_focal_cross_entropy(
    seed: int,
    lead: tuple[int, ...],
    size: int,
    scale: float,
    smoothing: float,
    gamma: float,
    weighted: bool,
    soft: bool,
) -> None:
    rng, outputs, shares, one_hot = case(seed, lead, size, scale)
    alpha = tuple(rng.uniform(0, 2, size).tolist())
    t = torch.tensor((shares if soft else one_hot) * (1 - smoothing) + smoothing / size)

    def function(x: Any) -> Any:
        log_p = x.log_softmax(dim=-1)
        discount = (-log_p.expm1()).clamp(min=1e-300) ** gamma
        return -(torch.tensor(alpha, dtype=x.dtype) * t * discount * log_p).sum(dim=-1)

    kind = CategoricalFocalCrossEntropy
    loss = kind(kind.Config(gamma=gamma, alpha=alpha, label_smoothing=smoothing))
    targets = shares if soft else one_hot.argmax(axis=-1)
    compare(loss, function, outputs, targets, draw_weights(rng, weighted, lead[:2]))


@many
@given(seeds, leads, sizes, scales, smoothings, st.floats(0.5, 5), st.booleans(), st.booleans())
def test_binary_focal_cross_entropy(
    seed: int,
    lead: tuple[int, ...],
    size: int,
    scale: float,
    smoothing: float,
    gamma: float,
    weighted: bool,
    soft: bool,
) -> None:
    rng, outputs, shares, one_hot = case(seed, lead, size, scale)
    targets = shares if soft else one_hot
    alpha = rng.random()
    t = torch.tensor(targets * (1 - smoothing) + smoothing / 2)

    def function(x: Any) -> Any:
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
        rest = t * (-x).sigmoid() + (1 - t) * x.sigmoid()
        return (t * alpha + (1 - t) * (1 - alpha)) * rest**gamma * entropy

    kind = BinaryFocalCrossEntropy
    loss = kind(kind.Config(gamma=gamma, alpha=alpha, label_smoothing=smoothing))
    compare(loss, function, outputs, targets, draw_weights(rng, weighted, lead[:2]))
