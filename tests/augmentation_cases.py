"""The cases that test_contract.py checks of transforms of images: options, field, samples."""

from typing import Any, TypeAlias

import numpy as np

from tinynet.dataset import Field
from tinynet.types import Array

Case: TypeAlias = tuple[dict[str, Any], Field, Array]

DRAW = np.random.default_rng(0)
PHOTOS = Field((6, 5, 3), "uint8"), DRAW.integers(256, size=(6, 6, 5, 3))
NUMBERS = Field((4, 5), "float64"), DRAW.normal(size=(6, 4, 5))
ROWS = Field((3,), "float32"), DRAW.random((6, 3))
HALVES = Field((4, 4, 1), "float16"), DRAW.random((6, 4, 4, 1))
MASKS = Field((5, 4), "int64", ("a", "b", "c")), DRAW.integers(3, size=(6, 5, 4))


def on(*arrays: tuple[Field, Array], **options: Any) -> list[Case]:
    """Return a case with the same options for each of some arrays."""
    return [(options, *array) for array in arrays]


AUGMENTATIONS: dict[str, list[Case]] = {
    "center_crop": on(PHOTOS, NUMBERS, MASKS, size=[3, 4]),
    "cutmix": on(PHOTOS, NUMBERS, HALVES, MASKS),
    "cutout": on(PHOTOS, MASKS, size=[3, 2], count=2, fill=7, fill_label="c"),
    "mixup": on(PHOTOS, NUMBERS, HALVES, ROWS, alpha=0.5),
    "pad_image": [
        *on(PHOTOS, NUMBERS, padding=[[1, 0], [2, 3]], fill_mode="symmetric"),
        *on(MASKS, padding=1, fill_label=-1),
    ],
    "random_brightness": on(PHOTOS, NUMBERS, HALVES, factor=0.3),
    "random_contrast": on(PHOTOS, NUMBERS, HALVES, value_range=[0, 1]),
    "random_crop": [
        *on(PHOTOS, MASKS, size=3, padding=[2, 1], fill=255, fill_label="b"),
        *on(HALVES, padding=4, fill_mode="reflect"),
    ],
    "random_erase": on(PHOTOS, NUMBERS, MASKS, rate=0.9),
    "random_flip": on(PHOTOS, NUMBERS, MASKS, mode="horizontal_and_vertical"),
    "random_noise": on(PHOTOS, NUMBERS, HALVES),
    "random_rotate": on(PHOTOS, NUMBERS, HALVES, MASKS, degrees=90, fill=2, fill_label=2),
    "random_shift": on(PHOTOS, MASKS, height_factor=0.5, width_factor=0.5, fill_mode="wrap"),
    "random_zoom": on(PHOTOS, NUMBERS, HALVES, MASKS, scale=[0.5, 2], fill_mode="edge"),
}
