"""The rank correlation: definition, limits and memory."""

import numpy as np
import pytest

from tinynet.builtin.metrics.spearman import Spearman
from tinynet.errors import DataError

from .oracle import figure


def test_any_rising_curve_is_a_perfect_correlation() -> None:
    targets = np.array([0.1, 3.0, 2.0, 7.0])
    assert figure(Spearman, np.exp(targets), targets, parts=3) == pytest.approx(1, rel=1e-12)
    assert figure(Spearman, -(targets**3), targets, parts=3) == pytest.approx(-1, rel=1e-12)


def test_equal_values_share_a_rank() -> None:
    # The ranks are 1, 2.5, 2.5, 4 and 1, 2, 3, 4.
    actual = figure(Spearman, [1, 5, 5, 9], [1, 2, 3, 4])
    assert actual == pytest.approx(4.5 / (4.5 * 5) ** 0.5, rel=1e-12)


def test_constant_values_and_nan_have_no_correlation() -> None:
    assert figure(Spearman, [2.0, 2.0, 2.0], [1, 2, 3]) == 0
    assert figure(Spearman, [1.0, np.nan, 3.0], [1, 2, 3]) == 0


def test_one_sample_too_many_is_an_error_with_the_remedy() -> None:
    values = np.arange(4.0)
    assert figure(Spearman, values, values, parts=2, max_samples=4) == 1
    for parts in (1, 2):
        with pytest.raises(DataError, match="holds 3 samples, and the split has at least 4; set"):
            figure(Spearman, values, values, parts=parts, max_samples=3)
