import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.initializers import Normal, Orthogonal, Uniform
from tinynet.config import InitializerReference
from tinynet.errors import ShapeError
from tinynet.kernels.random import derive
from tinynet.layer import Build

NAMES = [entry.name for entry in registry.default().entries("initializers")]
SHAPE, FAN_IN, FAN_OUT = (3, 3, 32, 64), 288, 576


def draw(name, shape=SHAPE, dtype="float64", seed=0, **options):
    initializer = registry.default().create(InitializerReference(type=name, **options))
    return initializer(derive("test", seed), shape, FAN_IN, FAN_OUT, np.dtype(dtype))


@pytest.mark.parametrize("name", NAMES)
def test_float32_and_float64_networks_start_from_the_same_numbers(name):
    np.testing.assert_array_equal(
        draw(name, dtype="float32"), draw(name, dtype="float64").astype(np.float32)
    )


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"zeros", "ones"}))
def test_the_stream_alone_decides_the_numbers(name):
    np.testing.assert_array_equal(draw(name, seed=1), draw(name, seed=1))
    assert (draw(name, seed=1) != draw(name, seed=2)).any()


def test_zeros_and_ones():
    np.testing.assert_array_equal(draw("zeros"), np.zeros(SHAPE))
    np.testing.assert_array_equal(draw("ones"), np.ones(SHAPE))


@pytest.mark.parametrize(
    ("name", "options", "low", "high"),
    [
        ("glorot_uniform", {}, -math.sqrt(6 / 864), math.sqrt(6 / 864)),
        ("he_uniform", {}, -math.sqrt(6 / 288), math.sqrt(6 / 288)),
        ("uniform", {}, -0.05, 0.05),
        ("uniform", {"minval": 1, "maxval": 3.0}, 1, 3),
    ],
)
def test_uniform_ones_fill_their_interval_evenly(name, options, low, high):
    fraction = (draw(name, **options).ravel() - low) / (high - low)
    assert fraction.min() >= 0
    assert fraction.max() <= 1
    counts = np.histogram(fraction, bins=8, range=(0, 1))[0]
    np.testing.assert_allclose(counts, len(fraction) / 8, rtol=0.1)


@pytest.mark.parametrize(
    ("name", "options", "mean", "stddev"),
    [
        ("glorot_normal", {}, 0, math.sqrt(2 / 864)),
        ("he_normal", {}, 0, math.sqrt(2 / 288)),
        ("normal", {}, 0, 0.05),
        ("normal", {"mean": 2, "stddev": 0.5}, 2, 0.5),
    ],
)
def test_normal_ones_have_their_mean_and_deviation_and_full_tails(name, options, mean, stddev):
    score = (draw(name, **options).ravel() - mean) / stddev
    assert abs(score.mean()) < 5 / math.sqrt(len(score))
    assert abs(score.std() - 1) < 0.03
    assert np.abs(score).max() > 3  # truncated ones would stop at 2


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (3, 3, 2, 8), (3, 3, 2, 30), (1, 5)])
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal_is_orthogonal_along_the_shorter_side(shape, gain):
    matrix = draw("orthogonal", shape, gain=gain).reshape(-1, shape[-1])
    if matrix.shape[0] < matrix.shape[1]:
        matrix = matrix.T
    expected = gain**2 * np.eye(matrix.shape[1])
    np.testing.assert_allclose(matrix.T @ matrix, expected, atol=1e-12)


def test_orthogonal_favors_no_direction():
    """Without the choice of signs, LAPACK makes the first column point one way."""
    corners = [draw("orthogonal", (3, 3), seed=seed)[0, 0] for seed in range(400)]
    assert abs(np.mean(corners)) < 5 * math.sqrt(1 / 3 / 400)


def test_orthogonal_refuses_a_vector():
    with pytest.raises(ShapeError, match=r"at least two axes; this one has shape \(5,\)"):
        draw("orthogonal", (5,))


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (Uniform, {"minval": 1.0, "maxval": 0.0}),
        (Normal, {"stddev": -1.0}),
        (Normal, {"mean": math.nan}),
        (Orthogonal, {"gain": "2"}),
    ],
)
def test_impossible_parameters_are_refused(cls, options):
    with pytest.raises(ValidationError) as caught:
        cls.Config(**options)
    assert caught.value.error_count() == 1


def test_build_fills_parameters_with_them():
    build = Build(node="x", create=registry.default().create)
    weight = build.param("weight", (288, 576), "he_uniform")
    assert weight.dtype == np.float32
    np.testing.assert_allclose(np.abs(weight).max(), math.sqrt(6 / 288), rtol=1e-3)
