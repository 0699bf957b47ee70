"""Random numbers of transforms derive from the sample and the transform's position."""

from typing import ClassVar

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.spec.data_spec import DataSpec
from tinynet.transform import TransformConfig

NUMBER = Field((), "float64")


class Masked:
    """Eight images of one pixel, each with a mask."""

    inputs: ClassVar = {"image": NUMBER, "mask": NUMBER}
    targets: ClassVar = {"target": NUMBER}
    fingerprint = "masked"

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        pass

    def __len__(self):
        return 8

    def gather(self, indices):
        zeros = np.zeros(len(indices))
        return Batch({"image": zeros, "mask": zeros}, {"target": zeros})


class AddDraw:
    """A transform that adds ``factor`` times a random number in training."""

    class Config(TransformConfig):
        factor: float

    def __init__(self, config):
        self.factor = config.factor

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        if not training:
            return batch
        return batch + self.factor * np.array([rng(i).random() for i in range(len(batch))])


@pytest.fixture
def batch(register, tmp_path):
    """Return the first training batch of epoch 0 after some transforms."""
    register("datasets", "masked", Masked)
    register("transforms", "add_draw", AddDraw)

    def make(*transforms):
        split = {"validation": 0, "test": 0}
        listed = [{"type": "add_draw", **options} for options in transforms]
        raw = {"type": "masked", "split": split, "transforms": listed}
        data = Data(DataSpec.model_validate(raw), tmp_path, 3)
        return data.batch("train", np.arange(8), epoch=0).inputs

    return make


def test_two_transforms_of_one_array_draw_independent_numbers(batch):
    """Otherwise every flipped image would be darkened, too."""
    first = batch({"on": "image", "factor": 1})["image"]
    both = batch({"on": "image", "factor": 1}, {"on": "image", "factor": 1})["image"]
    second = both - first
    assert np.all(np.abs(second - first) > 1e-9)


def test_one_transform_of_two_arrays_draws_the_same_for_both(batch):
    """An augmentation must treat an image and its mask alike."""
    arrays = batch({"on": "image", "factor": 0}, {"on": ["image", "mask"], "factor": 1})
    assert np.array_equal(arrays["image"], arrays["mask"])
    assert len(np.unique(arrays["image"])) == 8


class Swap:
    """Each sample is replaced by a random one of its batch."""

    mixes_samples = True

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        return batch[rng(3).permutation(len(batch))] if training else batch


def test_a_transform_that_mixes_samples_has_one_stream_for_the_batch(labelled, register, tmp_path):
    """Inputs and targets of a mixed sample come from the same samples."""
    register("transforms", "swap", Swap)
    labels = list(range(10)) * 3
    spec = {
        "type": "labelled",
        "labels": labels,
        "split": {"order": "as_is", "validation": 5, "test": 5},
        "transforms": [{"type": "swap", "on": ["input", "target"]}],
    }
    data = Data(DataSpec.model_validate(spec), tmp_path, 1)

    def mixed(epoch, first):
        batch = data.batch("train", np.arange(8), epoch=epoch, first=first)
        order = batch.inputs["input"][:, 0]
        assert batch.targets["target"].tolist() == [labels[int(i)] for i in order]
        return order.tolist()

    assert mixed(0, 0) == mixed(0, 0)
    assert len({tuple(mixed(e, first)) for e in (0, 1) for first in (0, 8)}) == 4
    assert sorted(mixed(0, 0)) == list(range(8))
    evaluated = data.batch("train", np.arange(8))
    assert evaluated.inputs["input"][:, 0].tolist() == list(range(8))
