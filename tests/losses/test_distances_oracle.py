"""Losses of two and three outputs against PyTorch, in float64, on random configurations."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.gaussian_nll import GaussianNLL
from tinynet.builtin.losses.triplet import Triplet

from .oracle import compare, draw_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
leads = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
scales = st.sampled_from([0.1, 1.0, 10.0])
many = settings(max_examples=150, deadline=None)


@many
@given(seeds, leads, scales, st.floats(0.01, 0.5), st.booleans(), st.booleans(), st.booleans())
def test_gaussian_nll(
    seed: int,
    lead: tuple[int, ...],
    scale: float,
    epsilon: float,
    full: bool,
    weighted: bool,
    by_position: bool,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (*lead, 2)
    mean, targets = rng.normal(size=shape) * scale, rng.normal(size=shape) * scale
    variance = rng.uniform(0, 2, shape)

    def function(mean: Any, variance: Any) -> Any:
        return torch.nn.functional.gaussian_nll_loss(
            mean, torch.tensor(targets), variance, full=full, eps=epsilon, reduction="none"
        )

    average_over = "positions" if by_position else "samples"
    loss = GaussianNLL(GaussianNLL.Config(full=full, epsilon=epsilon, average_over=average_over))
    weights = draw_weights(rng, weighted, lead[: 1 + by_position])
    compare(loss, function, (mean, variance), targets, weights)


@many
@given(seeds, leads, scales, st.floats(0.1, 10), st.booleans(), st.booleans(), st.booleans())
def test_triplet(
    seed: int,
    lead: tuple[int, ...],
    scale: float,
    margin: float,
    swap: bool,
    weighted: bool,
    euclidean: bool,
) -> None:
    rng = np.random.default_rng(seed)
    shape = (*lead, 3)
    outputs = tuple(rng.normal(size=shape) * scale for _ in range(3))
    p = 2.0 if euclidean else rng.uniform(1, 4)
    epsilon = rng.choice([1e-6, 0.1])

    def function(*outputs: Any) -> Any:
        rows = (output.reshape(lead[0], -1) for output in outputs)
        return torch.nn.functional.triplet_margin_loss(
            *rows, margin=margin, p=p, eps=epsilon, swap=swap, reduction="none"
        )

    loss = Triplet(Triplet.Config(margin=margin, p=p, epsilon=epsilon, swap=swap))
    compare(loss, function, outputs, None, draw_weights(rng, weighted, lead[:1]))
