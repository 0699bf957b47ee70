"""The structural similarity of a split."""

import numpy as np
import pytest

from tinynet.builtin.losses import ssim
from tinynet.builtin.metrics.ssim import SSIM
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

from .oracle import figure

RNG = np.random.default_rng(0)
OPTIONS = {"filter_size": 3, "max_val": 2.0}


def test_it_is_one_minus_the_loss_over_all_images() -> None:
    x, y = RNG.uniform(size=(2, 5, 6, 7, 2))
    loss, _ = ssim.SSIM(ssim.SSIM.Config(**OPTIONS)).forward(Context(training=False), x, y)
    expected = pytest.approx(1 - loss / 5, rel=1e-12)
    assert figure(SSIM, x, y, **OPTIONS) == expected
    assert figure(SSIM, x, y, parts=3, **OPTIONS) == expected


def test_equal_images_have_the_figure_one() -> None:
    x = RNG.uniform(size=(3, 11, 12, 1))
    assert figure(SSIM, x, x[..., 0], parts=2) == pytest.approx(1, rel=1e-12)


def test_images_smaller_than_the_window_are_refused_at_the_start() -> None:
    with pytest.raises(ShapeError, match="set filter_size to at most 6"):
        SSIM(SSIM.Config()).start((6, 7, 2))


def test_the_message_about_outputs_that_are_no_images_names_no_target() -> None:
    with pytest.raises(ShapeError, match=r"the output has the shape \(10,\): end") as refused:
        SSIM(SSIM.Config()).start((10,))
    assert "target" not in str(refused.value)
    with pytest.raises(ShapeError, match=r"shape \(11, 11, 1\) and the target \(\)"):
        figure(SSIM, RNG.uniform(size=(2, 11, 11, 1)), np.zeros(2))
