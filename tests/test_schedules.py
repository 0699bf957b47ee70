"""Learning-rate schedules: a wrong factor trains with a rate nobody asked for."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.schedules.cosines import Cosine, CosineRestarts
from tinynet.builtin.schedules.cycles import Cyclical, OneCycle
from tinynet.builtin.schedules.decays import (
    Exponential,
    InverseSqrt,
    InverseTime,
    Linear,
    Polynomial,
)
from tinynet.builtin.schedules.staircases import Constant, PiecewiseConstant, Step
from tinynet.schedule import scheduled_factor


def make(kind: Any, **options: Any) -> Any:
    return kind(kind.Config(**options))


def test_constant_is_always_one() -> None:
    assert [make(Constant).factor(step, 10) for step in (0, 5, 10**9)] == [1.0] * 3


def test_step_drops_at_each_multiple_of_its_size() -> None:
    schedule = make(Step, step_size=3, gamma=0.5)
    assert [schedule.factor(step, 9) for step in range(9)] == [1] * 3 + [0.5] * 3 + [0.25] * 3


def test_exponential_reaches_its_rate_after_its_steps() -> None:
    schedule = make(Exponential, decay_rate=0.25, decay_steps=10)
    assert [schedule.factor(step, 99) for step in (0, 5, 10, 20)] == [1, 0.5, 0.25, 0.0625]


def test_cosine_falls_from_one_to_alpha_over_the_run() -> None:
    schedule = make(Cosine, alpha=0.2)
    factors = [schedule.factor(step, 100) for step in (0, 50, 100)]
    assert factors == pytest.approx([1.0, 0.6, 0.2], rel=1e-14)


def test_cosine_of_its_own_length_stays_low_after_it() -> None:
    schedule = make(Cosine, decay_steps=10)
    assert schedule.factor(5, 1000) == pytest.approx(0.5)
    assert [schedule.factor(step, 1000) for step in (10, 11, 999)] == [0.0] * 3


def test_piecewise_constant_changes_at_its_boundaries() -> None:
    schedule = make(PiecewiseConstant, boundaries=(2, 5), values=(1.0, 2.0, 0.1))
    assert [schedule.factor(step, 9) for step in range(7)] == [1, 1, 2, 2, 2, 0.1, 0.1]


def test_polynomial_falls_by_its_power_and_stays() -> None:
    schedule = make(Polynomial, decay_steps=4, power=2.0, end_factor=0.5)
    factors = [schedule.factor(step, 99) for step in range(6)]
    assert factors == [1.0, 0.78125, 0.625, 0.53125, 0.5, 0.5]
    assert make(Polynomial).factor(25, 100) == 0.75


def test_a_polynomial_with_cycles_rises_after_each_of_its_lengths() -> None:
    schedule = make(Polynomial, decay_steps=4, cycle=True)
    factors = [schedule.factor(step, 99) for step in range(10)]
    expected = [1, 3 / 4, 2 / 4, 1 / 4, 0, 3 / 8, 2 / 8, 1 / 8, 0, 3 / 12]
    assert factors == pytest.approx(expected, rel=1e-14)


def test_inverse_time_halves_after_its_first_steps() -> None:
    options = {"decay_rate": 1.0, "decay_steps": 2}
    smooth = [make(InverseTime, **options).factor(step, 9) for step in range(5)]
    assert smooth == pytest.approx([1, 1 / 1.5, 1 / 2, 1 / 2.5, 1 / 3], rel=1e-15)
    stairs = make(InverseTime, staircase=True, **options)
    assert [stairs.factor(step, 9) for step in range(5)] == [1, 1, 1 / 2, 1 / 2, 1 / 3]


def test_inverse_sqrt_counts_its_steps_from_the_start_of_warm_up() -> None:
    schedule = make(InverseSqrt, warmup_steps=4)
    factors = [scheduled_factor(schedule, 4, step, 99) for step in (1, 3, 4, 16, 64)]
    assert factors == pytest.approx([0.5, 1, 1, 1 / 2, 1 / 4], rel=1e-15)


def test_inverse_sqrt_without_warm_up_has_its_own_timescale() -> None:
    assert make(InverseSqrt).factor(30_000, 99_999) == 0.5
    assert make(InverseSqrt, timescale=10, warmup_steps=4).factor(30, 99) == 0.5


def test_cosine_restarts_lengthens_and_lowers_each_cycle() -> None:
    schedule = make(CosineRestarts, first_decay_steps=2, t_mul=3.0, m_mul=0.5, alpha=0.2)
    factors = [schedule.factor(step, 99) for step in (0, 1, 2, 5, 8, 17)]
    assert factors == pytest.approx([1, 0.6, 0.6, 0.4, 0.4, 0.3], rel=1e-14)


@pytest.mark.parametrize("growth", [1, 2, 3, 5, 7, 10])
def test_cosine_restarts_is_exactly_high_at_every_restart(growth: int) -> None:
    """The logarithm that counts the restarts is rounded down at some of them."""
    schedule = make(CosineRestarts, first_decay_steps=3, t_mul=float(growth))
    start = 0
    for cycle in range(20):
        assert schedule.factor(start, 10**9) == 1.0
        start += 3 * growth**cycle


def test_linear_goes_from_its_start_to_its_end_and_stays() -> None:
    schedule = make(Linear, decay_steps=4, start_factor=0.5, end_factor=1.5)
    assert [schedule.factor(step, 99) for step in range(6)] == [0.5, 0.75, 1, 1.25, 1.5, 1.5]
    assert make(Linear).factor(25, 100) == 0.75


def test_one_cycle_passes_its_rates_at_the_ends_of_its_phases() -> None:
    options = {"pct_start": 0.25, "div_factor": 4.0, "final_div_factor": 8.0}
    for strategy in ("cos", "linear"):
        two = make(OneCycle, anneal_strategy=strategy, **options)
        factors = [two.factor(step, 100) for step in (0, 12, 24, 99)]
        assert factors == pytest.approx([1 / 4, 5 / 8, 1, 1 / 32], rel=1e-14)
        three = make(OneCycle, anneal_strategy=strategy, three_phase=True, **options)
        factors = [three.factor(step, 100) for step in (0, 24, 48, 99)]
        assert factors == pytest.approx([1 / 4, 1, 1 / 4, 1 / 32], rel=1e-14)


def test_one_cycle_whose_rise_ends_at_the_first_step_starts_high() -> None:
    assert make(OneCycle, pct_start=0.25).factor(0, 4) == 1.0


@pytest.mark.parametrize(
    ("mode", "tops"),
    [
        ("triangular", [1, 1, 1]),
        ("triangular2", [1, 0.6, 0.4]),
        ("exp_range", [0.2 + 0.8 * 0.9**step for step in (2, 8, 14)]),
    ],
)
def test_cyclical_has_the_heights_of_its_mode(mode: str, tops: list[float]) -> None:
    schedule = make(
        Cyclical, step_size_up=2, step_size_down=4, min_factor=0.2, mode=mode, gamma=0.9
    )
    assert [schedule.factor(step, 99) for step in (2, 8, 14)] == pytest.approx(tops, rel=1e-14)
    assert [schedule.factor(step, 99) for step in (0, 6, 12)] == [0.2] * 3


def test_cyclical_is_as_long_in_falling_as_in_rising_by_default() -> None:
    schedule = make(Cyclical, step_size_up=2, min_factor=0.0)
    assert [schedule.factor(step, 99) for step in range(6)] == [0, 0.5, 1, 0.5, 0, 0.5]


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_every_factor_is_between_zero_and_one_even_far_out(step: int, total_steps: int) -> None:
    schedules = [
        make(Constant),
        make(Step, step_size=1),
        make(Exponential, decay_rate=0.5, decay_steps=1),
        make(Cosine, alpha=0.1),
        make(Cosine, decay_steps=3),
        make(CosineRestarts, first_decay_steps=3, m_mul=0.5),
        make(CosineRestarts, first_decay_steps=1, t_mul=1 + 1e-9),
        make(Cyclical, step_size_up=1, mode="triangular2"),
        make(Cyclical, step_size_up=7, mode="exp_range", gamma=0.5),
        make(InverseSqrt),
        make(InverseTime, decay_rate=3.0, decay_steps=1),
        make(Linear, start_factor=0.3),
        make(OneCycle),
        make(OneCycle, three_phase=True),
        make(Polynomial, power=0.1),
        make(Polynomial, decay_steps=3, power=9.0, cycle=True),
    ]
    for schedule in schedules:
        factor = schedule.factor(step, total_steps)
        assert isinstance(factor, float)
        assert math.isfinite(factor)
        assert 0 <= factor <= 1


def test_warm_up_is_linear_and_precedes_the_schedule() -> None:
    schedule = make(Step, step_size=2, gamma=0.5, warmup_steps=4)
    factors = [scheduled_factor(schedule, 4, step, 10) for step in range(10)]
    assert factors == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


def test_a_cosine_after_warm_up_still_ends_with_the_run() -> None:
    factor = scheduled_factor(make(Cosine), 20, 60, 100)
    assert factor == pytest.approx(0.5, rel=1e-14)


def test_a_run_shorter_than_its_warm_up_is_possible() -> None:
    assert scheduled_factor(make(Cosine), 20, 9, 10) == 0.5
    assert scheduled_factor(make(Cosine), 10, 10, 10) == 1.0


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Constant, {"warmup_steps": -1}),
        (Step, {"step_size": 0}),
        (Step, {"step_size": 1, "gamma": 0.0}),
        (Exponential, {"decay_rate": 1.5, "decay_steps": 1}),
        (Cosine, {"alpha": 1.1}),
        (Cosine, {"decay_steps": 0}),
        (CosineRestarts, {"first_decay_steps": 0}),
        (CosineRestarts, {"first_decay_steps": 1, "t_mul": 0.5}),
        (Cyclical, {"mode": "sawtooth"}),
        (Cyclical, {"step_size_down": 0}),
        (InverseSqrt, {"timescale": 0}),
        (InverseTime, {"decay_rate": -0.1, "decay_steps": 1}),
        (Linear, {"end_factor": -0.1}),
        (OneCycle, {"div_factor": 0.5}),
        (OneCycle, {"pct_start": 0.6, "three_phase": True}),
        (PiecewiseConstant, {"boundaries": (), "values": (1.0,)}),
        (PiecewiseConstant, {"boundaries": (5, 3), "values": (1.0, 0.5, 0.1)}),
        (PiecewiseConstant, {"boundaries": (3, 3), "values": (1.0, 0.5, 0.1)}),
        (PiecewiseConstant, {"boundaries": (3, 5), "values": (1.0, 0.5)}),
        (PiecewiseConstant, {"boundaries": (3,), "values": (1.0, -0.5)}),
        (Polynomial, {"power": 0.0}),
    ],
)
def test_impossible_values_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)
