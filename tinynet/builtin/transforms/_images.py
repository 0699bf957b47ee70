"""The base of the transforms of images."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._numbers import RNGs
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.kernels.random import Streams
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import quote, suggest
from tinynet.transform import State, TransformConfig
from tinynet.types import Array

PIXELS = frozenset({"uint8", "uint16"})
"""Names of the integer dtypes of pixels."""

FillMode = Literal["constant", "edge", "reflect", "symmetric", "wrap"]

FILL_LABEL = "fill_label"


class Images:
    """The base of transforms of images, (N, H, W, C) or (N, H, W); their dtype stays.

    Attributes:
        spec_name: The transform's name in specs, for messages.
    """

    family: ClassVar = "augmentation"
    spec_name: ClassVar[str]

    def describe(self, field: Field) -> Field:
        require_images(self.spec_name, field)
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        return {}


class FillConfig(TransformConfig):
    """The options for pixels that come from outside of an image."""

    fill_mode: Annotated[FillMode, AlsoCalled(("padding_mode", "mode"))] = ConfigField(
        default="constant",
        description="Pixels outside of an image: 'constant' for one value, 'edge' to repeat the"
        " outermost pixels, 'reflect' to mirror the image without its outermost pixels,"
        " 'symmetric' to mirror all of it, 'wrap' to repeat it.",
    )
    fill: Annotated[float, AlsoCalled(("fill_value", "value", "cval"))] = ConfigField(
        default=0.0,
        description="Value of the pixels outside, for 'constant', in the units of the array.",
    )
    fill_label: int | str = ConfigField(
        default=0,
        description="The same for arrays of class indices: the index or the name of a class, or the"
        " ignore_label of the loss.",
    )


class Filled(Images):
    """The base of transforms that fill pixels; class indices get a label of their own.

    State: ``fill_label``, (), int64, for an array of class indices; nothing for pixels.
    """

    def __init__(self, fill: float, fill_label: int | str) -> None:
        self._fill, self._fill_label = fill, fill_label

    def describe(self, field: Field) -> Field:
        require_images(self.spec_name, field)
        self._value(field)
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        return {FILL_LABEL: np.array(self._value(field), np.int64)} if holds_labels(field) else {}

    def fill_value(self, state: State) -> float:
        """Return the value of filled pixels of the array that a state belongs to."""
        return int(state[FILL_LABEL]) if FILL_LABEL in state else self._fill

    def _value(self, field: Field) -> float:
        """Return the value of filled pixels, or raise `DataError` if the dtype cannot hold it."""
        labels = holds_labels(field)
        name, value = ("fill_label", self._fill_label) if labels else ("fill", self._fill)
        if isinstance(value, str):
            value = _class_index(self.spec_name, field, value)
        dtype = np.dtype(field.dtype)
        if dtype.kind in "iu":
            low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
            if not (low <= value <= high and value == int(value)):
                raise DataError(
                    f'{self.spec_name} has "{name}": {value:g}, but this array holds {field.dtype};'
                    f" use an integer from {low} to {high}"
                )
        return value


def holds_labels(field: Field) -> bool:
    """Return True if an array holds class indices, which must not be interpolated.

    Without named classes, integers are pixels only if they are uint8 or uint16, with channels.
    """
    if field.classes is not None:
        return True
    pixels = field.dtype in PIXELS and len(field.shape) > 2
    return np.dtype(field.dtype).kind in "biu" and not pixels


def require_images(name: str, field: Field) -> None:
    """Raise `DataError` unless an array holds images."""
    if len(field.shape) not in (2, 3):
        raise DataError(
            f"{name} needs images of shape (H, W) or (H, W, C), but the samples of this array have"
            f' the shape {field.shape}; leave it out of "on", or save it as images'
        )


def resized(field: Field, height: int, width: int) -> Field:
    """Return the field of images of another size."""
    if len(field.shape) == 2:
        return replace(field, shape=(height, width), names=None)
    return replace(field, shape=(height, width, field.shape[2]))


def uniform(rng: RNGs, samples: int, count: int) -> Array:
    """Return ``count`` numbers in [0, 1) from the stream of each sample, (N, count)."""
    if isinstance(rng, Streams):
        return rng.random(count)
    numbers = np.empty((samples, count))
    for i in range(samples):
        rng(i).random(out=numbers[i])
    return numbers


def between(draws: Array, low: float, high: float) -> Array:
    """Return numbers in [0, 1) as numbers from ``low`` to ``high``."""
    return low + draws * (high - low)


def column(values: Array, axes: int) -> Array:
    """Return values of samples, (N,), with axes of size 1 to multiply arrays of ``axes`` axes."""
    return values.reshape(-1, *(1,) * (axes - 1))


def working(batch: Array) -> Array:
    """Return a batch in the dtype of computations: float64 for float64, otherwise float32."""
    return batch.astype(np.float64 if batch.dtype == np.float64 else np.float32, copy=False)


def stored(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return numbers in a dtype; integers are rounded, and limited to the dtype's range."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = np.clip(np.rint(values), info.min, info.max)
    return values.astype(dtype, copy=False)


def _class_index(name: str, field: Field, label: str) -> int:
    classes = field.classes or ()
    if not classes:
        raise DataError(
            f'{name} has "fill_label": {quote(label)}, but this array has no named classes; use the'
            " index of the class"
        )
    if label not in classes:
        raise DataError(
            f'{name} has "fill_label": {quote(label)}, which is not a class of this array;'
            f" {suggest(label, classes)}"
        )
    return classes.index(label)
