"""Makes shapes.npz and digit_pairs.npz, the same ones every time.

    python models/data/make_data.py

What is in them: README.md beside this file.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
DIGITS = HERE.parents[1] / "tinynet" / "builtin" / "datasets" / "digits.npz"
TEST_DIGITS = 450
"""How many of the digits are in pairs for the test, and in no others."""

SIDE = 16
"""Pixels of an image of a shape, down and right."""
REACH = 1.56
"""How far a shape goes from its center at most, for each unit of its size."""
WHITE = 15
"""The brightest grey level; the darkest is 0."""

Arrays = dict[str, NDArray[Any]]


def shapes(count: int = 600, seed: int = 1) -> Arrays:
    """One bright shape on a noisy ground each; which, where, and how large it is.

    Args:
        count: How many images.
        seed: What they are drawn from.
    """
    rng = np.random.Generator(np.random.PCG64(seed))

    def uniform(low: float, high: float) -> NDArray[np.float64]:
        return low + (high - low) * rng.random((count, 1, 1))

    kind = np.arange(count) % 3
    size = uniform(2.5, 4.5)
    room = SIDE / 2 - REACH * size
    pixels = np.arange(SIDE) + 0.5 - SIDE / 2
    x = pixels - room * uniform(-1, 1)
    y = pixels[:, None] - room * uniform(-1, 1)
    mask = np.choose(kind[:, None, None], _sizes(x, y)) <= size

    exposure, millimetres = uniform(0.5, 1), uniform(0.5, 1.5)
    noise = rng.standard_normal(mask.shape)
    grey = 2 + 12 * exposure * uniform(0.5, 1) * mask + noise
    return {
        "image": np.clip(np.rint(grey), 0, WHITE).astype(np.uint8)[..., None],
        "table": np.concatenate([millimetres, exposure], axis=1)[..., 0].astype(np.float32),
        "mask": mask.astype(np.uint8),
        "kind": kind.astype(np.uint8),
        "area": (mask.sum(axis=(1, 2)) * millimetres.ravel() ** 2).astype(np.float32),
    }


def _sizes(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The sizes of the circle, square and triangle around (0, 0) that reach to (x, y).

    Those of one size cover the same area, pi * size^2, so that it does not tell which they are.
    """
    half_side = math.sqrt(math.pi) / 2
    inner_radius = math.sqrt(math.pi / math.sqrt(27))
    return [
        np.hypot(x, y),
        np.maximum(abs(x), abs(y)) / half_side,
        np.maximum(y, (math.sqrt(3) * abs(x) - y) / 2) / inner_radius,
    ]


def digit_pairs(train: int = 2400, test: int = 400, seed: int = 2) -> Arrays:
    """Pairs of handwritten digits, half of them of the same class, for training and for the test.

    Args:
        train: How many pairs for training.
        test: How many for the test.
        seed: What they are drawn from.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    with np.load(DIGITS) as digits:
        images, labels = digits["images"], digits["labels"]
    order = rng.permutation(len(images))
    for_train, for_test = order[TEST_DIGITS:], order[:TEST_DIGITS]
    train_pairs = _pairs(rng, images[for_train], labels[for_train], train)
    test_pairs = _pairs(rng, images[for_test], labels[for_test], test)
    return {**train_pairs, **{f"test_{name}": array for name, array in test_pairs.items()}}


def _pairs(
    rng: np.random.Generator, images: NDArray[Any], labels: NDArray[Any], count: int
) -> Arrays:
    """Every second pair is of one class, and of two images."""
    order = np.argsort(labels, kind="stable")
    images, labels = images[order], labels[order]
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes

    left = (rng.random(count) * len(images)).astype(np.intp)
    start, size = starts[labels[left]], sizes[labels[left]]
    same = np.arange(count) % 2
    steps = rng.random(count)
    # From the left image once around its own class, or from its class's end around all others.
    of_same = start + (left - start + 1 + (steps * (size - 1)).astype(np.intp)) % size
    of_others = (start + size + (steps * (len(images) - size)).astype(np.intp)) % len(images)
    right = np.where(same, of_same, of_others)
    return {"left": images[left], "right": images[right], "same": same.astype(np.uint8)}


if __name__ == "__main__":
    np.savez_compressed(HERE / "shapes.npz", **shapes())
    np.savez_compressed(HERE / "digit_pairs.npz", **digit_pairs())
