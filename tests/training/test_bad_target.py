"""The results that a loss's `bad_target` may return, and targets that are not numbers."""

import re
from typing import ClassVar

import numpy as np
import pytest

from tinynet.builtin.losses.regression import MSE
from tinynet.errors import DataError, PluginError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec
from tinynet.training.compatibility import first_bad_target
from tinynet.training.trainer import Trainer


class Judged(MSE):
    """A loss that returns from `bad_target` the value that a test sets."""

    returned: ClassVar = None

    def bad_target(self, out_shape, targets):
        return self.returned


@pytest.fixture
def first_bad(register, monkeypatch):
    """Return the first bad target of five, by a loss that returns some value."""
    register("losses", "judged", Judged)
    network = Network({"layers": [{"type": "dense", "units": 1}]}, (2,), loss="judged")

    def find(returned):
        monkeypatch.setattr(Judged, "returned", returned)
        return first_bad_target(network, {next(iter(network.outputs)): np.zeros((5, 1))})

    return find


def test_valid_results_of_bad_target(first_bad):
    assert first_bad(None) is None
    assert first_bad((np.int64(4), "is odd")) == (4, "is odd")


@pytest.mark.parametrize("returned", ["x", 3, (5, "is odd"), (-1, "is odd"), ("a", "b"), (0, None)])
def test_invalid_results_of_bad_target_name_the_plugin(first_bad, returned):
    """A row out of range, or a missing row, once ended in a traceback."""
    message = "test-plugin:judged (version 1.0): bad_target must return None, or (a row from 0 to 4"
    with pytest.raises(PluginError, match=re.escape(message)):
        first_bad(returned)


COMPLEX, DATES = np.zeros(4, complex), np.zeros(4, "datetime64[s]")


@pytest.mark.parametrize(
    "loss", ["mse", "poisson", "binary_cross_entropy", "softmax_cross_entropy"]
)
@pytest.mark.parametrize("values", [COMPLEX, DATES, COMPLEX.astype(object), COMPLEX.astype(str)])
def test_targets_that_are_not_real_numbers_are_refused(loss, values):
    """NumPy drops imaginary parts with a warning, and takes dates for seconds."""
    units = 2 if loss == "softmax_cross_entropy" else 1
    trainer = by_hand(loss, units)
    x = np.zeros((4, 2))
    with pytest.raises(DataError, match=r"targets must hold real numbers; the dtype is"):
        trainer.train_step(x, values)
    with pytest.raises(DataError, match=r"weights must hold real numbers; the dtype is"):
        trainer.train_step(x, np.zeros(4, np.int64), values)
    assert trainer.step == 0


def test_masked_targets_and_weights_are_refused():
    """The masked values themselves would be learned, and the loss would leave them out."""
    trainer, x, masked = by_hand("mse", 1), np.zeros((4, 2)), np.ma.masked_equal(range(4), 2)
    for y, weights in [(masked, None), (np.zeros(4), masked)]:
        with pytest.raises(DataError, match=r"has masked values; fill them with x\.filled"):
            trainer.train_step(x, y, weights)
    assert trainer.step == 0
    trainer.train_step(x, np.ma.asarray(np.zeros(4)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_wrong_weights_are_refused_with_their_row(wrong):
    """NaN was taken for a training that diverged, and a negative weight raised the loss."""
    trainer, weights = by_hand("mse", 1), np.array([1, wrong, 1, 1])
    with pytest.raises(DataError, match=rf"weight of row 1 .*: {wrong:g}; weights are finite"):
        trainer.train_step(np.zeros((4, 2)), np.zeros(4), weights)
    assert trainer.step == 0


def by_hand(loss, units):
    """Return a trainer without data."""
    optimizer = {"type": "sgd", "learning_rate": 0.1}
    training = {"steps": 1, "loss": loss, "optimizer": optimizer}
    network = {"input_shape": [2], "layers": [{"type": "dense", "units": units}]}
    spec = {"tinynet": 1, "name": "by-hand", "network": network, "training": training}
    return Trainer(load_spec(spec))
