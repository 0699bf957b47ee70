"""Axes: a reader reads values off a chart by its ticks."""

import math

import pytest

from tinynet.commands.pages.charts.axes import scale_of
from tinynet.commands.pages.charts.numbers import number_text, tick_texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.03, 2.1], ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]),
        ([0.91, 0.97], ["0.90", "0.92", "0.94", "0.96", "0.98"]),
        ([-3, 4], ["-4", "-2", "0", "2", "4"]),
        ([0, 250_000], ["0", "50k", "100k", "150k", "200k", "250k"]),
        ([0, 3e-7], ["0", "1e-7", "2e-7", "3e-7"]),
    ],
)
def test_ticks_are_round_numbers_with_equal_decimals(values, texts):
    assert scale_of(values).texts() == texts


def test_epochs_have_whole_ticks_within_the_curve():
    scale = scale_of([1, 2, 3], tight=True, integers=True)
    assert (scale.low, scale.high, scale.texts()) == (1, 3, ["1", "2", "3"])


def test_logarithmic_ticks_are_powers_of_ten():
    assert scale_of([3e-5, 0.2], log=True).texts() == ["1e-4", "0.001", "0.01", "0.1"]


def test_a_narrow_logarithmic_axis_still_has_ticks():
    assert len(scale_of([0.011, 0.013], log=True).ticks) >= 1


def test_a_logarithmic_axis_of_negative_values_is_linear():
    assert not scale_of([-1.0, 2.0], log=True).log


EXTREMES = [
    [],
    [math.nan],
    [math.inf, 1.0],
    [5.0, 5.0],
    [0.0, 0.0],
    [1e16, 1e16 + 2],
    [-1.7e308, 1.7e308],
    [5e-324, 1e-323],
    [1e-300, 1e300],
]


@pytest.mark.parametrize("values", EXTREMES)
@pytest.mark.parametrize("log", [False, True])
def test_no_value_of_a_diverged_run_breaks_an_axis(values, log):
    scale = scale_of(values, log=log).to(0, 100)
    assert scale.low < scale.high
    assert 1 <= len(scale.ticks) < 20
    assert len(set(scale.ticks)) == len(scale.ticks)
    for value in (scale.low, scale.high, *scale.ticks):
        assert -3 <= scale(value) <= 103


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0312345, "0.03123"),
        (12.0, "12"),
        (20490, "20,490"),
        (1234567.5, "1.235e6"),
        (1.5e-7, "1.5e-7"),
        (-2.5, "-2.500"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_are_short_and_precise(value, text):
    assert number_text(value) == text


def test_ticks_of_large_steps_share_their_unit():
    assert tick_texts((0.0, 2.5e6, 5e6)) == ["0", "2.5M", "5.0M"]
