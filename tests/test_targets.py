"""Targets that do not fit or cannot be: found before training, by row."""

import numpy as np
import pytest

from tinynet.errors import ShapeError
from tinynet.targets import bad_distribution, bad_label, match_targets


def test_targets_get_the_axis_of_one_that_outputs_have() -> None:
    targets = np.arange(6.0)
    assert match_targets(np.zeros(6), targets) is targets
    np.testing.assert_array_equal(match_targets(np.zeros((6, 1)), targets), targets[:, None])


@pytest.mark.parametrize("shape", [(6, 2), (1, 6), (1,), (6, 1, 1)])
def test_nothing_else_is_broadcast(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="the same shape"):
        match_targets(np.zeros(shape), np.zeros(6))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint64, np.int32, np.float16, np.float64])
def test_labels_of_every_number_type_are_understood(dtype: type) -> None:
    assert bad_label(np.array([0, 1], dtype), 2) is None
    assert bad_label(np.array([0, 1], dtype), 1) is not None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_probabilities_that_were_rounded_still_sum_to_one(dtype: type) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(10), 500).astype(dtype)
    assert bad_distribution(rows) is None


def test_an_infinite_probability_is_found_without_a_warning() -> None:
    assert bad_distribution(np.array([[1.0, 0.0], [np.inf, -np.inf]])) == (
        1,
        "inf is not a number from 0 to 1",
    )


def test_no_targets_are_no_bad_targets() -> None:
    assert bad_label(np.zeros(0, np.int64), 3) is None
    assert bad_distribution(np.zeros((0, 3))) is None
