"""Statistics of parameters, gradients and outputs are those of the step, and change no bit."""

import numpy as np
import pytest

from tinynet.training.events import StepDone
from tinynet.training.statistics import summarize

LAYERS = [
    "flatten",
    {"type": "dense", "units": 6},
    "relu",
    {"type": "batch_norm"},
    {"type": "dropout", "rate": 0.5},
    {"type": "dense", "units": 10},
]


def steps(trainer):
    return [event for event in trainer.run() if isinstance(event, StepDone)]


def test_an_array_is_summarized_in_double_precision():
    summary = summarize(np.array([0.0, 1.0, 2.0, -3.0], np.float32))
    assert summary == {
        "mean": 0.0, "std": np.sqrt(14 / 4), "min": -3.0, "max": 2.0, "zeros": 0.25
    }  # fmt: skip
    large = summarize(np.full(10**5, 16777216.0, np.float32))
    assert (large["mean"], large["std"]) == (16777216.0, 0.0)
    assert np.isnan(summarize(np.array([np.nan, 1.0]))["mean"])
    assert summarize(np.array([np.inf, 1.0]))["max"] == np.inf


def test_they_come_at_every_nth_step_and_describe_it(make_trainer):
    trainer = make_trainer(layers=LAYERS, steps=6, log_statistics_every_steps=3)
    before = {}
    for event in trainer.run():
        if isinstance(event, StepDone) and event.step % 3 == 0:
            found = event.statistics
            assert (found.step, found.epoch) == (event.step, event.epoch)
            params = trainer.network.params
            assert found.parameters == {a: summarize(params[a]) for a in sorted(params)}
            assert list(found.outputs) == list(trainer.network.nodes)
            assert 0 < found.outputs["relu_1"]["zeros"] < 1
            assert found.outputs["relu_1"]["min"] == 0
            # In evaluation mode nothing is dropped.
            assert found.outputs["dropout_1"] == found.outputs["batch_norm_1"]
            # Of plain gradient descent, the update is the rate times the gradient.
            change = (before["dense_2/weight"] - params["dense_2/weight"]) / event.learning_rate
            assert found.gradients["dense_2/weight"]["mean"] == pytest.approx(change.mean())
            assert found.gradients["dense_2/weight"]["std"] == pytest.approx(change.std())
        elif isinstance(event, StepDone):
            assert event.statistics is None
            before = {address: array.copy() for address, array in trainer.network.params.items()}


@pytest.mark.parametrize("more", [{}, {"accumulate": 2, "average": {"type": "ema"}}])
def test_the_bits_are_the_same_with_and_without_them(make_trainer, more):
    """Looking at a network must not change it."""
    states = []
    for every in (None, 1):
        trainer = make_trainer(layers=LAYERS, steps=5, log_statistics_every_steps=every, **more)
        losses = [event.loss for event in steps(trainer)]
        arrays = {name: array.tobytes() for name, array in trainer.state().items()}
        states.append((losses, arrays, trainer.progress))
    assert states[0] == states[1]
