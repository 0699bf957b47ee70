"""Images for the tests of augmentation, the transforms on them, and a reference for pixels."""

import json

import numpy as np

from tinynet.dataset import Field
from tinynet.kernels.random import derive

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def images(count=6, height=5, width=4, channels=3, dtype="uint8"):
    """Return random images (N, H, W, C), or (N, H, W) without channels."""
    shape = (count, height, width, channels) if channels else (count, height, width)
    values = np.random.default_rng(sum(shape)).random(shape)
    return (values * 255).astype(dtype) if np.dtype(dtype).kind == "u" else values.astype(dtype)


def make(transform_class, **options):
    """Return a transform with the options of a spec."""
    return transform_class(transform_class.Config.model_validate_json(json.dumps(options)))


def stream(seed=0, first=0):
    """Return the random streams of samples."""
    return lambda i: derive("sample", seed, first + i)


def no_stream(i):
    raise AssertionError("nothing may be drawn outside of training")


def field_of(batch, classes=None):
    return Field(batch.shape[1:], batch.dtype.name, classes)


def augmented(transform, batch, *, training=True, seed=0, field=None):
    """Return a batch after a transform, which must fit its description and leave the input."""
    field = field or field_of(batch)
    described, before = transform.describe(field), batch.copy()
    rng = stream(seed) if training else no_stream
    y = transform.apply(transform.fit(field, iter([batch])), batch, rng, training)
    assert (y.shape[1:], y.dtype.name) == (described.shape, described.dtype)
    assert np.array_equal(batch, before)
    return y


def draws(count, samples, seed=0):
    """Return the first numbers of each sample's stream."""
    rng = stream(seed)
    return [rng(i).random(count).tolist() for i in range(samples)]


def pixel(image, row, column, mode, fill):
    """Return one pixel of an image that is continued outside."""
    height, width = image.shape[:2]
    if mode == "constant" and not (0 <= row < height and 0 <= column < width):
        return np.full(image.shape[2:], fill, np.float64)
    place = continued(row, height, mode), continued(column, width, mode)
    return image[place].astype(np.float64)


def continued(place, size, mode):
    """Return the pixel of an axis that stands for a place outside."""
    if mode == "wrap":
        return place % size
    if mode == "edge" or (mode == "reflect" and size == 1):
        return min(max(place, 0), size - 1)
    edge = 1 if mode == "symmetric" else 0
    while not 0 <= place < size:
        place = -place - edge if place < 0 else 2 * (size - 1) - place + edge
    return place
