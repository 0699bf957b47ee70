"""The running scale: its protocol, its buffer, and the example."""

from pathlib import Path

import numpy as np
import pytest
from tinynet_running_scale import RunningScale

import tinynet
from tinynet.layer import Build, Context
from tinynet.testing import layer_checks

SPEC = Path(__file__).parents[1] / "digits_running_scale.json"
BUFFER = "running_scale_1/running_mean_square"
CHECKS = [check for case in RunningScale.examples for check in layer_checks(RunningScale, **case)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms_to_the_protocol_of_layers(check):
    check()


@pytest.fixture
def layer():
    config = RunningScale.Config(momentum=0.75)
    # Built by hand: initializers by name need the registry.
    return RunningScale(config, ((2,),), Build(create=tinynet.registry.default().create))


X = np.array([[3.0, 0.0], [4.0, 0.0]], np.float32)


def scale(mean_square):
    return 1 / np.sqrt(np.float32(mean_square) + np.float32(1e-5))


def test_training_step_divides_by_the_updated_buffer(layer):
    """Otherwise a network is evaluated with another scale than it was trained with."""
    y, cache = layer.forward(Context(training=True), X)
    updated = 0.75 * 1 + 0.25 * (9 + 16) / 2
    np.testing.assert_allclose(y[:, 0], X[:, 0] * scale(updated), rtol=1e-6)
    np.testing.assert_array_equal(layer.buffers["running_mean_square"], [1, 1])
    layer.commit(cache)
    np.testing.assert_allclose(layer.buffers["running_mean_square"], [updated, 0.75], rtol=1e-6)
    evaluated, _ = layer.forward(Context(training=False), X)
    np.testing.assert_array_equal(evaluated, y)


def test_evaluation_does_not_change_the_buffer(layer):
    before = layer.buffers["running_mean_square"].copy()
    _, cache = layer.forward(Context(training=False), X)
    layer.commit(cache)
    np.testing.assert_array_equal(layer.buffers["running_mean_square"], before)


def test_a_feature_that_is_always_0_stays_0(layer):
    for training in (True, False):
        y, cache = layer.forward(Context(training=training), X)
        (dx,), grads = layer.backward(Context(training=training), cache, np.ones_like(y))
        assert not y[:, 1].any()
        assert np.isfinite(dx).all()
        assert grads["gamma"][1] == 0


def test_the_example_learns_from_raw_pixels(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert run.evaluate("test").metrics["accuracy"] > 0.95
    assert (run.network.buffers[BUFFER] != 1).all(), "the statistics are those of the run"


def test_a_frozen_layer_keeps_its_statistics(tmp_path):
    changes = {"network.layers.running_scale_1.trainable": False, "training.epochs": 1}
    run = tinynet.train(SPEC, tmp_path / "run", overrides=changes)
    np.testing.assert_array_equal(run.network.buffers[BUFFER], np.ones(64))


def test_invalid_options_and_shapes_are_errors():
    with pytest.raises(ValueError, match="momentum"):
        RunningScale.Config(momentum=1.0)
    with pytest.raises(tinynet.errors.ShapeError, match="running_scale needs"):
        RunningScale(RunningScale.Config(), ((),), Build())
