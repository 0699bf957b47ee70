"""Properties of all augmentations: any size of image, any dtype, and values that stay in range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.transforms.crops import PadImage, RandomCrop, RandomShift
from tinynet.builtin.transforms.erasing import Cutout, RandomErase
from tinynet.builtin.transforms.flips import RandomFlip
from tinynet.builtin.transforms.pixels import RandomBrightness, RandomContrast, RandomNoise
from tinynet.builtin.transforms.rotations import RandomRotate, RandomZoom

from .augmentations import MODES, augmented, field_of, images, make

MOVES = {
    RandomFlip: {"mode": "horizontal_and_vertical"},
    RandomCrop: {"padding": [3, 1]},
    PadImage: {"padding": [[2, 0], [1, 4]]},
    RandomShift: {"height_factor": 1.0, "width_factor": 0.7},
    RandomRotate: {"degrees": 180},
    RandomZoom: {"scale": [0.1, 5]},
    Cutout: {"size": [2, 9], "count": 3},
    RandomErase: {"rate": 1, "scale": [0.01, 1], "ratio": [0.01, 100]},
}
PIXELS = {RandomBrightness: {}, RandomContrast: {}, RandomNoise: {"stddev": 0.5}}
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(0, 3))
DTYPES = st.sampled_from(["uint8", "uint16", "float16", "float32", "float64"])


@pytest.mark.parametrize("transform", MOVES)
@settings(max_examples=25)
@given(SIZES, DTYPES, st.sampled_from(MODES), st.integers(0, 99))
def test_moved_images_of_any_size_keep_to_the_values_that_they_had(
    transform, size, dtype, mode, seed
):
    has_mode = "fill_mode" in transform.Config.model_fields
    move = make(transform, **MOVES[transform], **({"fill_mode": mode} if has_mode else {}))
    x = images(3, *size, dtype=dtype)
    y = augmented(move, x, seed=seed)
    assert y.max() <= x.max() * 1.001
    assert min(0, x.min()) <= y.min()
    assert len(y) == 3
    augmented(move, x, training=False)


@pytest.mark.parametrize("transform", MOVES)
@settings(max_examples=15)
@given(SIZES, st.sampled_from(["int64", "uint8", "bool"]), st.integers(0, 99))
def test_labels_stay_labels(transform, size, dtype, seed):
    masks = (images(3, *size[:2], channels=0) % 2 * (1 if dtype == "bool" else 9)).astype(dtype)
    field = field_of(masks, tuple("abcdefghij"))
    if transform is RandomFlip:
        move = make(transform)
    else:
        move = make(transform, **MOVES[transform], fill=0.5, fill_label=1)
    y = augmented(move, masks, seed=seed, field=field)
    assert set(np.unique(y)) <= {*np.unique(masks), 1}


@pytest.mark.parametrize("transform", PIXELS)
@settings(max_examples=25)
@given(SIZES, DTYPES, st.integers(0, 99))
def test_pixels_of_any_size_stay_in_their_range(transform, size, dtype, seed):
    x = images(3, *size, dtype=dtype)
    limits = {} if x.dtype.kind == "u" else {"value_range": [0.25, 1]}
    y = augmented(make(transform, **PIXELS[transform], **limits), x, seed=seed)
    assert y.shape == x.shape
    assert limits == {} or (y.min() >= 0.25 and y.max() <= 1)
