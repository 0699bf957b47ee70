import math

import numpy as np
import pytest
from pydantic import ValidationError
from threadpoolctl import threadpool_info, threadpool_limits

from tinynet import registry
from tinynet.builtin.initializers import Normal, Orthogonal, Uniform
from tinynet.builtin.scaled_initializers import TruncatedNormal, VarianceScaling
from tinynet.config import InitializerReference
from tinynet.errors import ShapeError
from tinynet.kernels.random import derive
from tinynet.layer import Build
from tinynet.network.network import Network

NAMES = [entry.name for entry in registry.default().entries("initializers")]
SHAPE, FAN_IN, FAN_OUT = (3, 3, 32, 64), 288, 576


TRUNCATED_STD = 0.8796256610342398
"""Deviation of a standard normal distribution that is truncated at -2 and 2."""

SHAPES = {"identity": (24, 36)}
"""The shapes of those that cannot fill a parameter of `SHAPE`."""

FIXED = {"constant", "dirac", "identity", "ones", "zeros"}


def draw(name, shape=None, dtype="float64", seed=0, **options):
    initializer = registry.default().create(InitializerReference(type=name, **options))
    shape = shape or SHAPES.get(name, SHAPE)
    return initializer(derive("test", seed), shape, FAN_IN, FAN_OUT, np.dtype(dtype))


@pytest.mark.parametrize("name", NAMES)
def test_float32_and_float64_networks_start_from_the_same_numbers(name):
    np.testing.assert_array_equal(
        draw(name, dtype="float32"), draw(name, dtype="float64").astype(np.float32)
    )


@pytest.mark.parametrize("name", sorted(set(NAMES) - FIXED))
def test_the_stream_alone_decides_the_numbers(name):
    np.testing.assert_array_equal(draw(name, seed=1), draw(name, seed=1))
    assert (draw(name, seed=1) != draw(name, seed=2)).any()


def test_zeros_and_ones_and_constants():
    np.testing.assert_array_equal(draw("constant", value=-0.5), np.full(SHAPE, -0.5))
    np.testing.assert_array_equal(draw("zeros"), np.zeros(SHAPE))
    np.testing.assert_array_equal(draw("ones"), np.ones(SHAPE))


@pytest.mark.parametrize(
    ("name", "options", "low", "high"),
    [
        ("glorot_uniform", {}, -math.sqrt(6 / 864), math.sqrt(6 / 864)),
        ("he_uniform", {}, -math.sqrt(6 / 288), math.sqrt(6 / 288)),
        ("lecun_uniform", {}, -math.sqrt(3 / 288), math.sqrt(3 / 288)),
        (
            "variance_scaling",
            {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"},
            -math.sqrt(6 / 432),
            math.sqrt(6 / 432),
        ),
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
        (
            "variance_scaling",
            {"mode": "fan_out", "distribution": "untruncated_normal"},
            0,
            math.sqrt(1 / 576),
        ),
        ("normal", {}, 0, 0.05),
        ("normal", {"mean": 2, "stddev": 0.5}, 2, 0.5),
    ],
)
def test_normal_ones_have_their_mean_and_deviation_and_full_tails(name, options, mean, stddev):
    score = (draw(name, **options).ravel() - mean) / stddev
    assert abs(score.mean()) < 5 / math.sqrt(len(score))
    assert abs(score.std() - 1) < 0.03
    assert np.abs(score).max() > 3  # truncated ones would stop at 2


@pytest.mark.parametrize(
    ("name", "options", "mean", "stddev"),
    [
        ("truncated_normal", {}, 0, 0.05 * TRUNCATED_STD),
        ("truncated_normal", {"mean": 2, "stddev": 0.5}, 2, 0.5 * TRUNCATED_STD),
        ("lecun_normal", {}, 0, math.sqrt(1 / 288)),
        ("variance_scaling", {}, 0, math.sqrt(1 / 288)),
        ("variance_scaling", {"scale": 3.0, "mode": "fan_avg"}, 0, math.sqrt(3 / 432)),
    ],
)
def test_truncated_ones_have_their_deviation_and_end_at_two(name, options, mean, stddev):
    score = (draw(name, **options).ravel() - mean) / stddev
    assert abs(score.mean()) < 5 / math.sqrt(len(score))
    assert abs(score.std() - 1) < 0.03
    assert 1.99 < np.abs(score).max() * TRUNCATED_STD <= 2 + 1e-12


def test_truncated_values_are_drawn_again_and_not_clipped():
    """Clipped ones would pile up at the ends."""
    values = draw("truncated_normal", stddev=1.0)
    assert len(np.unique(values)) == values.size
    central = np.mean(np.abs(values) < 1)
    assert abs(central - math.erf(math.sqrt(0.5)) / math.erf(math.sqrt(2))) < 0.02


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
        (TruncatedNormal, {"stddev": -1.0}),
        (VarianceScaling, {"scale": 0.0}),
        (VarianceScaling, {"mode": "fan"}),
        (VarianceScaling, {"distribution": "normal"}),
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


def test_a_network_starts_with_blas_on_one_thread(monkeypatch):
    """The bits of a factorization depend on the threads, which also wait for busy cores."""
    counts = []
    initialize = Orthogonal.__call__

    def counted(*arguments):
        counts.append(blas_threads())
        return initialize(*arguments)

    monkeypatch.setattr(Orthogonal, "__call__", counted)
    layer = {"type": "dense", "units": 2, "weight_initializer": "orthogonal"}
    with threadpool_limits(3, "blas"):
        before = blas_threads()
        Network({"layers": [layer]}, (2,))
        assert blas_threads() == before
        with pytest.raises(ShapeError, match="two axes"):
            Network({"layers": [{**layer, "bias_initializer": "orthogonal"}]}, (2,))
        assert blas_threads() == before
    assert counts
    assert all(count == 1 for pools in counts for count in pools)


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]
