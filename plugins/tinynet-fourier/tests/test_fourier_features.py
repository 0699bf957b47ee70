"""The Fourier features: their protocol, the kernel that they approximate, and the example."""

import math
from pathlib import Path

import numpy as np
import pytest
from tinynet_fourier import FourierFeatures

import tinynet
from tinynet.layer import Build, Context
from tinynet.testing import layer_checks

SPEC = Path(__file__).parents[1] / "digits_fourier.json"
NODE = "fourier_features_1"
CHECKS = [
    check for case in FourierFeatures.examples for check in layer_checks(FourierFeatures, **case)
]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms_to_the_protocol_of_layers(check):
    check()


def features(fan_in, **options):
    return FourierFeatures(FourierFeatures.Config(**options), ((fan_in,),), Build())


def test_inner_products_of_the_features_approximate_the_gaussian_kernel():
    """Otherwise a linear layer on them would not be a kernel method."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y, _ = features(3, units=20_000, length_scale=1.5).forward(Context(), x)
    squared_distance = np.square(x[:, None] - x).sum(axis=-1)
    kernel = np.exp(-squared_distance / (2 * 1.5**2))
    assert np.abs(y @ y.T - kernel).max() < 5 / math.sqrt(20_000)


def test_phases_cover_the_circle():
    phases = features(1, units=50_000).params["bias"]
    assert 0 <= phases.min() < 0.01
    assert 2 * math.pi - 0.01 < phases.max() < 2 * math.pi


def test_example_learns_digits_and_keeps_frozen_features(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert run.evaluate("test").metrics["accuracy"] > 0.97
    spec = tinynet.load_spec(SPEC)
    drawn = tinynet.Network(spec.network, (8, 8, 1), seed=spec.training.seed).params
    for name in ("weight", "bias"):
        address = f"{NODE}/{name}"
        np.testing.assert_array_equal(run.network.params[address], drawn[address])


def test_without_trainable_false_frequencies_and_phases_are_learned(tmp_path):
    changes = {
        f"network.layers.{NODE}.trainable": True,
        f"network.layers.{NODE}.units": 64,
        "training.epochs": 1,
    }
    run = tinynet.train(SPEC, tmp_path / "run", overrides=changes)
    spec = tinynet.load_spec(SPEC, changes)
    drawn = tinynet.Network(spec.network, (8, 8, 1), seed=spec.training.seed).params
    for name in ("weight", "bias"):
        address = f"{NODE}/{name}"
        assert not np.array_equal(run.network.params[address], drawn[address])


def test_invalid_options_and_shapes_are_errors():
    with pytest.raises(ValueError, match="length_scale"):
        FourierFeatures.Config(units=3, length_scale=0)
    with pytest.raises(tinynet.errors.ShapeError, match="fourier_features needs"):
        FourierFeatures(FourierFeatures.Config(units=3), ((),), Build())
