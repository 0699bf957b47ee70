"""The choice of the next value."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

from tinynet.errors import UsageError
from tinynet.prediction.sampling import Sampling

PROBABILITIES = np.array([0.05, 0.4, 0.1, 0.3, 0.15])


def shares(probabilities=PROBABILITIES, draws=4000, **options):
    """Return how often each value is chosen."""
    sampling = Sampling(**options)
    chosen = [sampling.choose(probabilities, position) for position in range(draws)]
    return np.bincount(chosen, minlength=len(probabilities)) / draws


def powers(exponent, kept=(0, 1, 2, 3, 4)):
    weights = np.zeros(5)
    weights[list(kept)] = PROBABILITIES[list(kept)] ** exponent
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, powers(1)),
        ({"temperature": 0.5}, powers(2)),
        ({"temperature": 2.0}, powers(0.5)),
        ({"top_k": 2}, powers(1, [1, 3])),
        ({"top_k": 9}, powers(1)),
        ({"top_p": 0.7}, powers(1, [1, 3])),
        ({"top_p": np.float32(0.71)}, powers(1, [1, 3, 4])),
        ({"top_p": 1.0}, powers(1)),
        ({"top_k": 3, "top_p": 0.5}, powers(1, [1, 3])),
        ({"temperature": 0.5, "top_p": 0.85}, powers(2, [1, 3])),
    ],
)
def test_values_are_drawn_from_the_distribution(options, expected):
    np.testing.assert_allclose(shares(**options), expected, atol=0.03)


def test_any_sum_of_the_probabilities_gives_the_same_choices():
    for options in ({}, {"temperature": 0.3, "top_p": 0.8}):
        sampling = Sampling(**options)
        for position in range(200):
            right = sampling.choose(PROBABILITIES, position)
            assert sampling.choose(PROBABILITIES * 0.25, position) == right


@pytest.mark.parametrize("temperature", [0, 1e-320, np.float32(1e-6), Fraction(1, 1000)])
def test_a_low_temperature_takes_the_most_probable(temperature):
    assert shares(temperature=temperature)[1] == 1
    tie = np.array([0.2, 0.4, 0.4])
    assert Sampling(temperature=0).choose(tie, 0) == 1


@pytest.mark.parametrize("temperature", [5e-324, 1e-320, 1, 1e308, 2**1023])
def test_no_temperature_warns_or_fails(temperature):
    """Also where a caller of the library has NumPy raise every floating-point error."""
    probabilities = np.array([0, 1e-300, 0.5, 0.5])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert Sampling(temperature=temperature).choose(probabilities, 0) in (1, 2, 3)


@pytest.mark.parametrize("options", [{}, {"temperature": 50}, {"top_k": 4}, {"top_p": 1.0}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_of_probability_0_is_never_drawn(options, dtype):
    probabilities = np.array([0, 0.7, 0, 1e-12, 0.3, 0], dtype)
    chosen = shares(probabilities, **options)
    assert chosen[[0, 2, 5]].sum() == 0


def test_draws_depend_on_seed_number_and_position():
    uniform = np.full(1000, 0.001)
    keys = [(seed, number, p) for seed in range(3) for number in range(3) for p in range(3)]
    chosen = [Sampling(seed=s, number=n).choose(uniform, p) for s, n, p in keys]
    assert len(set(chosen)) > 20
    again = [Sampling(seed=np.int64(s), number=np.int32(n)).choose(uniform, p) for s, n, p in keys]
    assert again == chosen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -0.1}, "temperature=-0.1 must be a number of at least 0"),
        ({"temperature": float("nan")}, "temperature=nan must be"),
        ({"temperature": "hot"}, "temperature='hot' must be"),
        ({"temperature": 1j}, "temperature=1j must be"),
        ({"temperature": np.complex64(1)}, "temperature=.* must be"),
        ({"temperature": 10**400}, "temperature=10+ must be"),
        ({"top_k": 0}, "top_k=0 must be an integer of at least 1, or None"),
        ({"top_k": 1.5}, "top_k=1.5 must be"),
        ({"top_p": 0}, "top_p=0 must be above 0 and at most 1, or None"),
        ({"top_p": 1.1}, "top_p=1.1 must be"),
        ({"top_p": True}, "top_p=True must be"),
        ({"seed": -1}, "seed=-1 must be an integer of at least 0"),
        ({"number": True}, "number=True must be"),
    ],
)
def test_values_that_cannot_be_used_are_named(options, message):
    with pytest.raises(UsageError, match=message):
        Sampling(**options)
