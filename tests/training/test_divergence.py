"""A loss that is not finite is blamed on the data where these are not, and on a layer else."""

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
def test_an_input_that_is_not_finite_is_named_by_row(make_trainer, row, value):
    """In a step of two batches, too; the learning rate is not to blame."""
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


def test_an_augmentation_that_overflows_is_named_by_file_and_row(register, make_trainer):
    register("transforms", "loud", Loud)
    data = {"type": "digits", "transforms": ["loud"]}
    trainer = make_trainer(data=data, network=FLOAT32)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(DataError, match=r"digits, .*\d+.*: the input 'input' holds inf"),
    ):
        list(trainer.run())


def test_weights_that_grew_too_large_are_named_by_layer(make_trainer):
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
