"""The update: trainable parameters and gradient clipping."""

import numpy as np
import pytest
from pydantic import Field

from tinynet import registry
from tinynet.builtin.optimizers.sgd import SGD
from tinynet.config import Config
from tinynet.errors import PluginError
from tinynet.optimizer import OptimizerConfig
from tinynet.spec.training_spec import OptimizerReference
from tinynet.training.updater import Updater


def updater(params, trainable=None, **optimizer):
    reference = OptimizerReference.model_validate(
        {"type": "sgd", "learning_rate": 1.0, **optimizer}
    )
    return Updater(params, params if trainable is None else trainable, reference)


def zeros(*names, size=2, dtype="float64"):
    return {name: np.zeros(size, dtype) for name in names}


def test_only_trainable_parameters_change_and_have_state():
    params = zeros("a/weight", "b/weight")
    work = updater(params, ["b/weight"], momentum=0.5)
    work.update({"b/weight": np.ones(2)}, 0, 0.25)
    np.testing.assert_array_equal(params["a/weight"], 0)
    np.testing.assert_array_equal(params["b/weight"], -0.25)
    assert {a: list(slots) for a, slots in work.slots.items()} == {"b/weight": ["velocity"]}


def test_parameters_are_changed_in_place():
    params = zeros("a/weight")
    held = params["a/weight"]
    updater(params).update({"a/weight": np.ones(2)}, 0, 1.0)
    np.testing.assert_array_equal(held, -1)


def test_the_optimizer_counts_steps_from_one():
    """Adam divides by 1 - beta^step, which is 0 at step 0."""
    params = zeros("a/weight")
    work = updater(params, type="adam", learning_rate=0.1)
    work.update({"a/weight": np.array([1e-3, -5.0])}, 0, 0.1)
    np.testing.assert_allclose(params["a/weight"], [-0.1, 0.1], rtol=1e-4)


def test_norm_over_all_parameters_is_clipped():
    params = zeros("a/weight", "b/weight", "frozen/weight")
    work = updater(params, ["a/weight", "b/weight"], clip_norm=1.0)
    gradients = {"a/weight": np.array([3.0, 0.0]), "b/weight": np.array([0.0, 4.0])}
    before = {address: gradient.copy() for address, gradient in gradients.items()}
    work.update(gradients, 0, 1.0)
    np.testing.assert_allclose(params["a/weight"], [-0.6, 0])
    np.testing.assert_allclose(params["b/weight"], [0, -0.8])
    for address, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, before[address], "gradients are not ours to change")


def test_norm_within_the_limit_is_not_clipped():
    params = zeros("a/weight")
    updater(params, clip_norm=6.0).update({"a/weight": np.array([3.0, 4.0])}, 0, 1.0)
    np.testing.assert_array_equal(params["a/weight"], [-3, -4])


def test_a_large_float32_gradient_keeps_its_direction_when_clipped():
    """Its square overflows float32; an infinite norm would make the step 0."""
    params = zeros("a/weight", dtype="float32")
    work = updater(params, clip_norm=1.0)
    work.update({"a/weight": np.array([3e25, 4e25], np.float32)}, 0, 1.0)
    assert params["a/weight"].dtype == np.float32
    np.testing.assert_allclose(params["a/weight"], [-0.6, -0.8], rtol=1e-6)


def test_each_element_of_a_gradient_is_limited():
    params = zeros("a/weight", "b/weight")
    gradients = {"a/weight": np.array([3.0, -0.5]), "b/weight": np.array([-7.0, 1.0])}
    before = {address: gradient.copy() for address, gradient in gradients.items()}
    updater(params, clip_value=1.0).update(gradients, 0, 1.0)
    np.testing.assert_array_equal(params["a/weight"], [-1, 0.5])
    np.testing.assert_array_equal(params["b/weight"], [1, -1])
    for address, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, before[address], "gradients are not ours to change")


class ClipsSteps:
    """An optimizer from a time when clip_value was an option of no other one."""

    class Config(OptimizerConfig):
        clip_value: float = Field(default=2.0, ge=0, description="Largest size of a step.")

    def __init__(self, config):
        self.limit = config.clip_value

    def slots(self, param):
        return {}

    def update(self, param, grad, slots, step, rate):
        param -= np.clip(rate * grad, -self.limit, self.limit)


def test_own_clip_value_of_a_plugin_keeps_its_meaning(register):
    """It may be 0, beside clip_norm, and another one in a group; gradients are not clipped."""
    register("optimizers", "clips_steps", ClipsSteps)
    groups = [{"params": "a/*", "clip_value": 0}]
    optimizer = {"type": "clips_steps", "clip_norm": 1e6, "clip_value": 3.0, "groups": groups}
    context = registry.default().validation_context()
    reference = OptimizerReference.model_validate(optimizer, context=context)
    assert reference.options["clip_value"] == 3.0
    params = zeros("a/weight", "b/weight")
    work = Updater(params, params, reference)
    work.update({address: np.array([50.0, -1.0]) for address in params}, 0, 0.1)
    np.testing.assert_array_equal(params["a/weight"], 0)
    np.testing.assert_array_equal(params["b/weight"], [-3, 0.1])


class NoRate:
    class Config(Config):
        pass

    def __init__(self, config):
        pass


def test_error_for_a_config_without_the_common_options(register):
    register("optimizers", "no_rate", NoRate)
    params = zeros("a/weight")
    with pytest.raises(PluginError, match=r"no_rate.*OptimizerConfig"):
        Updater(params, params, OptimizerReference(type="no_rate"))


class Halved(SGD):
    """A subclass with an update of its own."""

    def update(self, param, grad, slots, step, rate):
        super().update(param, grad, slots, step, rate / 2)


class HalvedWith(SGD):
    """A subclass with a fused update of its own."""

    def update_with(self, kernels, param, grad, slots, step, rate):
        super().update_with(kernels, param, grad, slots, step, rate / 2)


@pytest.mark.parametrize("cls", [Halved, HalvedWith])
def test_the_update_of_a_subclass_is_not_bypassed(register, cls):
    """The class that it derives from updates all parameters together, in another way."""
    register("optimizers", "own", cls)
    params = zeros("a/weight", "b/weight")
    updater(params, type="own").update({name: np.ones(2) for name in params}, 0, 1.0)
    for param in params.values():
        np.testing.assert_array_equal(param, -0.5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lamb", "lars", "adafactor"])
def test_a_parameter_of_one_number_is_updated(optimizer):
    """Its shape is (), which NumPy likes to turn into (1,)."""
    params = {"scale/factor": np.array(1.0)}
    updater(params, type=optimizer).update({"scale/factor": np.array(0.5)}, 0, 0.1)
    assert params["scale/factor"] < 1.0
