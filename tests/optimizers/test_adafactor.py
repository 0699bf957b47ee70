"""Adafactor: the size of its state, and its state in checkpoints."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.optimizers.adafactor import Adafactor
from tinynet.testing import check_optimizer
from tinynet.testing.saving import saved_and_loaded
from tinynet.training.events import StepDone

SPEC = {
    "tinynet": 1,
    "name": "factored",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 4, "kernel_size": 3},
            "flatten",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "steps": 6,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {
            "type": "adafactor",
            "groups": [{"params": "*/bias", "weight_decay": 0.1, "rate_factor": 0.5}],
        },
        "constraints": ["max_norm"],
    },
}


@pytest.mark.parametrize("shape", [(), (5,), (5, 3), (2, 3, 4), (3, 3, 2, 5)])
def test_promises_of_optimizers_hold_for_every_number_of_axes(shape):
    check_optimizer(Adafactor, {"weight_decay": 0.01}, shape=shape)


def test_state_has_the_size_of_the_edges():
    slots = Adafactor(Adafactor.Config()).slots(np.ones((3, 3, 64, 128), np.float32))
    assert sum(array.size for array in slots.values()) == 9 * (64 + 128)


def run_to_the_end(trainer):
    """Return the bytes of the last state by name."""
    for _ in trainer.run():
        pass
    return {name: array.tobytes() for name, array in trainer.state().items()}


def test_bits_depend_neither_on_threads_nor_on_a_stop():
    whole, first, second = (tinynet.Trainer(SPEC, threads=threads) for threads in (1, 3, 2))
    last = run_to_the_end(whole)
    for event in first.run():
        if isinstance(event, StepDone) and event.step == 3:
            break
    saved = saved_and_loaded(first.state())
    second.load_state(saved, first.progress)
    assert run_to_the_end(second) == last
    shapes = {name: array.shape for name, array in saved.items() if name.startswith("slots/")}
    assert shapes == {
        "slots/conv2d_1/weight/row_mean_square": (3, 3, 1, 1),
        "slots/conv2d_1/weight/column_mean_square": (3, 3, 1, 4),
        "slots/conv2d_1/bias/mean_square": (4,),
        "slots/dense_1/weight/row_mean_square": (144, 1),
        "slots/dense_1/weight/column_mean_square": (1, 10),
        "slots/dense_1/bias/mean_square": (10,),
    }


def test_large_float32_values_have_finite_norms():
    optimizer, param = Adafactor(Adafactor.Config()), np.full((2, 3), 1e30, np.float32)
    optimizer.update(param, np.ones((2, 3), np.float32), optimizer.slots(param), 1, 0.01)
    np.testing.assert_allclose(param, 0.99e30, rtol=1e-6)
