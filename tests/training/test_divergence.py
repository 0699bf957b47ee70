"""Errors for a loss that is not finite: they name the data, or else a layer."""

import numpy as np
import pytest

from tinynet.builtin.transforms.scale import Scale
from tinynet.errors import DataError, DivergedError

FLOAT32 = {"dtype": "float32"}


def arrays(samples=20):
    rng = np.random.default_rng(0)
    return rng.normal(size=(samples, 8, 8, 1)), np.arange(samples) % 10


@pytest.mark.parametrize("row", [2, 18])
@pytest.mark.parametrize("value", [1e39, np.inf, np.nan])
def test_error_names_the_row_of_an_infinite_input(make_trainer, row, value):
    """Also in a step of two batches."""
    trainer = make_trainer(network=FLOAT32)
    x, y = arrays()
    x[row, 3] = value
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(DataError) as caught,
    ):
        trainer.train_step(x, y)
    assert str(caught.value).startswith(
        f"sample {row} of the batch: the input 'x' holds {value:g}, which is not a finite float32;"
        " correct the data, or scale them with a transform"
    )
    assert trainer.step == 0


class Loud(Scale):
    """A transform whose values overflow in training alone."""

    def apply(self, state, batch, rng, training):
        values = super().apply(state, batch, rng, training)
        return values * np.float32(1e38) if training else values


def test_error_names_file_and_row_of_an_overflowing_augmentation(register, make_trainer):
    register("transforms", "loud", Loud)
    data = {"type": "digits", "transforms": ["loud"]}
    trainer = make_trainer(data=data, network=FLOAT32)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(DataError, match=r"digits, .*\d+.*: the input 'input' holds inf"),
    ):
        list(trainer.run())


def test_error_names_the_layer_with_too_large_weights(make_trainer):
    trainer = make_trainer(network=FLOAT32)
    trainer.network.params["dense_1/weight"][...] = 1e38
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(
            DivergedError,
            match="at step 1: NaN or infinity first appeared in the output of 'dense_1'",
        ),
    ):
        trainer.train_step(*arrays())
