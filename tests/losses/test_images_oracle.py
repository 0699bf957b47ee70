"""Losses of images against their formulas in PyTorch, with its derivatives, in float64."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.losses.overlap import Dice, Tversky
from tinynet.builtin.losses.ssim import SSIM

from .oracle import compare, draw_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

seeds = st.integers(0, 2**32 - 1)
batches = st.integers(1, 4)
leads = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
many = settings(max_examples=100, deadline=None)


@many
@given(seeds, batches, leads, st.sampled_from([0.1, 1.0, 10.0]), st.floats(0.01, 3), st.booleans())
def test_overlap(
    seed: int, batch: int, lead: tuple[int, ...], scale: float, smooth: float, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(batch, *lead)) * scale
    targets = rng.integers(0, 2, outputs.shape)
    alpha, beta = rng.uniform(0, 2, 2)
    z = torch.tensor(targets.reshape(batch, -1))

    def tversky(x: Any) -> Any:
        p = x.reshape(batch, -1).sigmoid()
        wrong, missed = (p * (1 - z)).sum(dim=1), ((1 - p) * z).sum(dim=1)
        hit = (p * z).sum(dim=1) + smooth
        return 1 - hit / (hit + alpha * wrong + beta * missed)

    def dice(x: Any) -> Any:
        p = x.reshape(batch, -1).sigmoid()
        return 1 - (2 * (p * z).sum(dim=1) + smooth) / (p.sum(dim=1) + z.sum(dim=1) + smooth)

    weights = draw_weights(rng, weighted, (batch,))
    loss = Tversky(Tversky.Config(alpha=alpha, beta=beta, smooth=smooth))
    compare(loss, tversky, outputs, targets, weights)
    compare(Dice(Dice.Config(smooth=smooth)), dice, outputs, targets, weights)


@many
@given(seeds, batches, st.integers(1, 4), st.floats(0.5, 3), st.integers(1, 3), st.booleans())
def test_ssim(
    seed: int, batch: int, size: int, sigma: float, channels: int, weighted: bool
) -> None:
    rng = np.random.default_rng(seed)
    shape = (batch, size + rng.integers(4), size + rng.integers(4), channels)
    outputs, targets = rng.random(shape), rng.random(shape)
    options = {"k1": rng.uniform(0.01, 0.1), "k2": rng.uniform(0.01, 0.1)}
    loss = SSIM(SSIM.Config(filter_size=size, filter_sigma=sigma, max_val=2.0, **options))
    offsets = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    line = torch.exp(-((offsets / sigma) ** 2) / 2)
    window = torch.outer(line, line) / line.sum() ** 2
    c1, c2 = ((2 * k) ** 2 for k in options.values())

    def smooth(images: Any) -> Any:
        images = images.permute(0, 3, 1, 2).reshape(-1, 1, *shape[1:3])
        return torch.nn.functional.conv2d(images, window[None, None])

    def function(x: Any) -> Any:
        y = torch.tensor(targets)
        a, b = smooth(x), smooth(y)
        covariance = smooth(x * y) - a * b
        variances = smooth(x * x) - a * a + smooth(y * y) - b * b
        above = (2 * a * b + c1) * (2 * covariance + c2)
        values = above / ((a * a + b * b + c1) * (variances + c2))
        return 1 - values.reshape(batch, -1).mean(dim=1)

    compare(loss, function, outputs, targets, draw_weights(rng, weighted, (batch,)))
