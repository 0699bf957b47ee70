"""Augmentation between a dataset and the network: joint, independent, and repeatable."""

import json
from typing import ClassVar

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import TransformError
from tinynet.spec.data_spec import DataSpec

MASKS = np.random.default_rng(0).integers(1, 4, size=(64, 8, 8))
ON_BOTH = {"on": ["input", "target"]}


class Maps:
    """Images with ten times the class of each pixel of their masks."""

    inputs: ClassVar = {"input": Field((8, 8, 2), "uint8")}
    targets: ClassVar = {"target": Field((8, 8), "int64", ("none", "a", "b", "c"))}
    fingerprint = "maps"
    masks: ClassVar = MASKS

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        pass

    def __len__(self):
        return len(MASKS)

    def gather(self, indices):
        masks = self.masks[indices]
        image = np.stack([10 * masks, 10 * masks + 1], axis=-1).astype(np.uint8)
        return Batch({"input": image}, {"target": masks})


@pytest.fixture
def maps(register, tmp_path):
    """Return the data of a spec with some transforms."""
    register("datasets", "maps", Maps)

    def make(*transforms, fitted=None):
        split = {"validation": 0, "test": 0}
        raw = {"type": "maps", "split": split, "transforms": list(transforms)}
        return Data(DataSpec.model_validate_json(json.dumps(raw)), tmp_path, 3, fitted)

    return make


def arrays(data, epoch=0, positions=range(64)):
    batch = data.batch("train", np.array(positions), epoch=epoch)
    return batch.inputs["input"], batch.targets["target"]


GEOMETRY = [
    {"type": "random_flip", "mode": "horizontal_and_vertical"},
    {"type": "random_crop", "size": [7, 5], "padding": 2},
    {"type": "random_shift", "height_factor": 0.4, "width_factor": 0.4},
    {"type": "cutout", "size": 3},
    {"type": "random_erase", "rate": 1},
]


@pytest.mark.parametrize("options", GEOMETRY, ids=lambda options: options["type"])
def test_an_image_and_its_mask_are_changed_alike(maps, options):
    image, mask = arrays(maps({**options, **ON_BOTH}))
    assert np.array_equal(image[..., 0], 10 * mask)
    assert image.shape != (64, 8, 8, 2) or not np.array_equal(mask, arrays(maps())[1])


@pytest.mark.parametrize(
    "options", [{"type": "random_rotate", "degrees": 45}, {"type": "random_zoom"}]
)
def test_a_mask_follows_an_interpolated_image(maps, options, monkeypatch):
    """Where all neighbors are of one class, image and mask agree."""
    monkeypatch.setattr(Maps, "masks", MASKS[:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2))
    image, mask = arrays(maps({**options, **ON_BOTH, "fill_mode": "edge"}))
    assert set(np.unique(mask)) == {1, 2, 3}
    assert np.mean(image[..., 0] == 10 * mask) > 0.6
    assert np.all(np.abs(image[..., 0] - 10.0 * mask) <= 20)


def test_stages_of_one_type_are_independent(maps):
    """Otherwise two flips of 0.5 would always cancel each other, and flipped images be dark."""
    flip = {"type": "random_flip"}
    image, _ = arrays(maps(flip, flip))
    original, _ = arrays(maps())
    same = (image == original).all(axis=(1, 2, 3)).mean()
    assert 0.3 < same < 0.7
    dark, _ = arrays(maps(flip, {"type": "random_brightness", "factor": 0.02}))
    flipped = (arrays(maps(flip))[0] != original).any(axis=(1, 2, 3))
    darker = dark.mean(axis=(1, 2, 3)) < original.mean(axis=(1, 2, 3))
    assert 0.2 < darker[flipped].mean() < 0.8


def test_numbers_follow_from_epoch_and_sample_alone(maps):
    data = maps({"type": "random_crop", "padding": 3}, {"type": "random_noise", "stddev": 0.1})
    first, again = arrays(data)[0], arrays(data)[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, arrays(data, epoch=1)[0])
    picked = [40, 3, 17]
    assert np.array_equal(first[picked], arrays(data, positions=picked)[0])
    resumed = maps(
        {"type": "random_crop", "padding": 3},
        {"type": "random_noise", "stddev": 0.1},
        fitted=data.state(),
    )
    assert np.array_equal(first, arrays(resumed)[0])


def test_evaluation_sees_the_center(maps):
    data = maps({"type": "random_crop", "size": 6, **ON_BOTH}, *GEOMETRY[2:])
    batch = data.batch("train", np.arange(64))
    raw = maps().batch("train", np.arange(64))
    assert np.array_equal(batch.inputs["input"], raw.inputs["input"][:, 1:7, 1:7])
    assert np.array_equal(batch.targets["target"], raw.targets["target"][:, 1:7, 1:7])


def test_the_label_of_filled_pixels_is_restored_with_a_run(maps):
    pad = {"type": "pad_image", "padding": 1, "fill_label": "c", **ON_BOTH}
    data = maps(pad)
    assert {name: array.tolist() for name, array in data.state().items()} == {
        "0/target/fill_label": 3
    }
    image, mask = arrays(maps(pad, fitted=data.state()))
    assert (np.unique(mask[:, 0]), np.unique(image[:, 0])) == (3, 0)


def test_a_mask_whose_values_would_change_is_refused_by_name(maps):
    with pytest.raises(TransformError, match="the array 'target': random_noise changes"):
        maps({"type": "random_noise", **ON_BOTH})
