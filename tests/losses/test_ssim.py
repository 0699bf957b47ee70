"""Structural similarity: the published formula, window by window."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.ssim import SSIM
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

RNG = np.random.default_rng(0)


def both(outputs: Any, targets: Any, weights: Any = None, **options: Any) -> tuple[float, Any]:
    """Return the sum and its gradient."""
    loss, ctx = SSIM(SSIM.Config(**options)), Context(training=True)
    value, cache = loss.forward(ctx, outputs, targets, weights)
    return value, loss.backward(ctx, cache)


def published(x: Any, y: Any, size: int, sigma: float, c1: float, c2: float) -> float:
    """Return the mean over the windows of one channel, after Wang et al., equations 13 to 16."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    w = np.exp(-(rows**2 + columns**2) / (2 * sigma**2))
    w /= w.sum()
    values = []
    for i in range(x.shape[0] - size + 1):
        for j in range(x.shape[1] - size + 1):
            a, b = x[i : i + size, j : j + size], y[i : i + size, j : j + size]
            mean_a, mean_b = (w * a).sum(), (w * b).sum()
            variances = (w * (a - mean_a) ** 2).sum() + (w * (b - mean_b) ** 2).sum()
            covariance = (w * (a - mean_a) * (b - mean_b)).sum()
            above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
            values.append(above / ((mean_a**2 + mean_b**2 + c1) * (variances + c2)))
    return float(np.mean(values))


@pytest.mark.parametrize(("size", "sigma"), [(11, 1.5), (4, 0.8), (1, 1.0)])
def test_the_published_formula(size: int, sigma: float) -> None:
    x, y = RNG.uniform(0, 255, (2, 12, 14, 2)), RNG.uniform(0, 255, (2, 12, 14, 2))
    y[0] = x[0] + RNG.normal(size=x[0].shape) * 20
    options = {"filter_size": size, "filter_sigma": sigma, "k1": 0.02, "k2": 0.05}
    value, _ = both(x, y, max_val=255.0, **options)
    means = [
        published(x[n, ..., c], y[n, ..., c], size, sigma, 5.1**2, 12.75**2)
        for n in range(2)
        for c in range(2)
    ]
    assert value == pytest.approx(2 - sum(means) / 2, rel=1e-10)


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("sigma", [1e-3, 1e-200, 1e-320])
def test_a_narrow_window_has_its_weight_at_the_center(size: int, sigma: float) -> None:
    window = SSIM(SSIM.Config(filter_size=size, filter_sigma=sigma)).window
    expected = [0, 0.5, 0.5, 0] if size == 4 else [0, 0, 1, 0, 0]
    np.testing.assert_array_equal(window, expected)


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_equal_images_have_no_loss_and_no_gradient(scale: float) -> None:
    x = (RNG.uniform(0, scale, (2, 11, 12, 1))).astype(np.float32)
    value, gradient = both(x, x[..., 0])
    assert value == pytest.approx(0, abs=1e-12)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_constant_images_differ_in_their_means_alone() -> None:
    value, _ = both(np.full((1, 11, 11, 1), 0.5), np.full((1, 11, 11, 1), 0.25))
    assert value == pytest.approx(1 - (0.25 + 1e-4) / (0.3125 + 1e-4), rel=1e-12)


@pytest.mark.parametrize(
    ("out_shape", "target_shape", "message"),
    [
        ((11, 11), (11, 11), r"needs outputs \(H, W, C\)"),
        ((11, 11, 3), (11, 11), r"the target \(11, 11\)"),
        ((11, 8, 1), (11, 8), "the images have 11 x 8; set filter_size to at most 8"),
    ],
)
def test_shapes_without_a_window_are_refused(
    out_shape: Any, target_shape: Any, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        SSIM(SSIM.Config()).check_shapes(out_shape, target_shape)


@pytest.mark.parametrize("name", ["max_val", "filter_size", "filter_sigma", "k1", "k2"])
def test_options_are_positive(name: str) -> None:
    with pytest.raises(ValidationError):
        SSIM.Config(**{name: 0})


def test_a_window_of_no_image_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1048576"):
        SSIM.Config(filter_size=10**12)
