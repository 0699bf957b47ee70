"""Transforms that move the pixels of an image move those of its mask as well."""

import json

import numpy as np
import pytest

from tinynet.commands.check import check_spec
from tinynet.errors import SpecError

FLIP = {"type": "random_flip", "on": "input"}
SHIFT = {"type": "random_shift", "on": "input"}
ROTATE = {"type": "random_rotate", "on": "input", "degrees": 10}


@pytest.fixture
def checked(tmp_path):
    images = np.random.default_rng(0).random((12, 6, 5, 3))
    masks = np.zeros((12, 6, 5), np.int64)

    def checked(*transforms, y=masks, loss="softmax_cross_entropy"):
        np.savez(tmp_path / "data.npz", x=images, y=y)
        layers = [{"type": "conv2d", "filters": 2, "kernel_size": 1}]
        if y.ndim == 2:
            layers = ["flatten", {"type": "dense", "units": y.shape[1]}]
        spec = {
            "tinynet": 1,
            "name": "masks",
            "data": {"type": "npz", "path": "data.npz", "transforms": list(transforms)},
            "network": {"layers": layers},
            "training": {"steps": 1, "loss": loss, "optimizer": "sgd"},
        }
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        return check_spec(tmp_path / "spec.json")

    return checked


@pytest.mark.parametrize("transform", [FLIP, SHIFT, ROTATE])
def test_an_image_is_not_moved_without_its_mask(checked, transform):
    """Otherwise the network learns to mark other pixels than those of the object."""
    with pytest.raises(SpecError) as caught:
        checked(transform)
    (problem,) = caught.value.problems
    assert problem.pointer == "/data/transforms/0/on"
    assert problem.message == (
        'pixels are moved in \'input\', but not in \'target\'; write "on": ["input", "target"]'
    )
    checked({**transform, "on": ["input", "target"]})


def test_two_transforms_of_one_type_draw_different_numbers(checked):
    with pytest.raises(SpecError) as caught:
        checked(FLIP, {**FLIP, "on": "target"})
    pointers = [problem.pointer for problem in caught.value.problems]
    assert pointers == ["/data/transforms/0/on", "/data/transforms/1/on"]


def test_targets_that_are_no_image_stay(checked):
    checked(FLIP, y=np.random.default_rng(1).random((12, 2)), loss="mse")
