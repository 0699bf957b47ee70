"""The probe before training: it runs the next step's batch, and changes nothing."""

from typing import ClassVar

import numpy as np
import pytest

from tinynet.errors import PluginError
from tinynet.layer import LayerConfig

LAYERS = [
    {"type": "conv2d", "filters": 4, "kernel_size": 3},
    {"type": "batch_norm"},
    {"type": "dropout", "rate": 0.5},
    {"type": "flatten"},
    {"type": "dense", "units": 10},
]


def advance(trainer, steps):
    events = trainer.run()
    while trainer.step < steps:
        next(events)
    return trainer


def test_checked_run_has_the_same_bits(make_trainer):
    """With running statistics, dropout and figures, at the start and in the middle."""
    plain = advance(make_trainer(layers=LAYERS), 5)
    checked = make_trainer(layers=LAYERS)
    checked.check()
    advance(checked, 2)
    checked.check()
    advance(checked, 5)
    expected, actual = plain.state(), checked.state()
    assert expected.keys() == actual.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array, err_msg=name)


class Watch:
    """y = x; records its inputs."""

    per_sample = True
    inputs: ClassVar[list[np.ndarray]] = []

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        Watch.inputs.append(x.copy())
        return x, None

    def backward(self, ctx, cache, dy):
        return (dy,), {}


@pytest.fixture
def watched(register, make_trainer):
    register("layers", "watch", Watch)
    return make_trainer(layers=["flatten", "watch", {"type": "dense", "units": 10}])


@pytest.mark.parametrize("steps", [0, 3])
def test_probe_gets_the_samples_of_the_next_step(watched, steps):
    advance(watched, steps)
    Watch.inputs.clear()
    watched.check()
    (probed,) = Watch.inputs
    advance(watched, steps + 1)
    np.testing.assert_array_equal(probed, Watch.inputs[1])


def test_at_the_end_of_an_epoch_there_is_no_batch_to_probe(watched):
    advance(watched, watched.steps_per_epoch)
    Watch.inputs.clear()
    watched.check()
    assert Watch.inputs == []


def test_check_raises_for_a_layer_that_changes_its_input(watched, monkeypatch):
    def forward(self, ctx, x):
        x *= 2
        return x, None

    monkeypatch.setattr(Watch, "forward", forward)
    with pytest.raises(PluginError, match="changed its input 'flatten_1' in place"):
        watched.check()
