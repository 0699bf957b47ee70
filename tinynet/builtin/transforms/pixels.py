"""Changes of the values of pixels: brightness, contrast and noise."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator
from pydantic import Field as ConfigField
from pydantic_core import PydanticCustomError

from tinynet.builtin.transforms._images import (
    PIXELS,
    Images,
    between,
    column,
    require_images,
    stored,
    uniform,
    working,
)
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import State, TransformConfig
from tinynet.types import Array


def _in_order(limits: tuple[float, float] | None) -> tuple[float, float] | None:
    if limits is not None and limits[0] >= limits[1]:
        message = "the lowest value comes first, and below the highest: [0, 255]"
        raise PydanticCustomError("value_range", message)
    return limits


class _PixelConfig(TransformConfig):
    """The option of all changes of pixels."""

    value_range: Annotated[tuple[float, float] | None, AfterValidator(_in_order)] = ConfigField(
        default=None,
        description="Lowest and highest value of a pixel, to which results are limited. By default"
        " [0, 255] for uint8 and [0, 65535] for uint16; floats are then not limited, and their"
        " range counts as 1.",
    )


class _Pixels(TrainingOnly, Images):
    """The base of changes of pixels; class indices are refused."""

    def __init__(self, config: _PixelConfig) -> None:
        self._range = config.value_range

    def describe(self, field: Field) -> Field:
        require_images(self.spec_name, field)
        if field.classes is not None:
            raise DataError(
                f"{self.spec_name} changes the values of pixels, but this array holds the indices"
                f' of {len(field.classes)} classes; leave it out of "on"'
            )
        if np.dtype(field.dtype).kind != "f" and field.dtype not in PIXELS:
            raise DataError(
                f"{self.spec_name} changes pixels of uint8, uint16 or floats, but this array holds"
                f' {field.dtype}; if it holds labels, leave it out of "on", otherwise save it as'
                " float32"
            )
        return field

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        limits = self._range
        if limits is None and batch.dtype.kind == "u":
            limits = (0, int(np.iinfo(batch.dtype).max))
        unit = 1.0 if limits is None else limits[1] - limits[0]
        y = self.changed(working(batch), rng, unit)
        if limits is not None:
            np.clip(y, *limits, out=y)
        return stored(y, batch.dtype)

    def changed(self, batch: Array, rng: RNGs, unit: float) -> Array:
        """Return changed images as a new array; ``unit`` is the length of the range of values."""
        raise NotImplementedError


class RandomBrightness(_Pixels):
    """A random number added to all pixels of an image, in training only: y = x + d.

    (N, H, W, C) -> (N, H, W, C)
    """

    example: ClassVar = {"factor": 0.2}
    spec_name = "random_brightness"

    class Config(_PixelConfig):
        """Parameters of `random_brightness`."""

        factor: Annotated[float, AlsoCalled(("max_delta", "brightness", "delta"))] = ConfigField(
            default=0.2,
            ge=0,
            le=1,
            description="Largest change, as a share of the range of values: 0.2 adds -51 to 51 to"
            " uint8. Changes are uniform.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._factor = config.factor

    def changed(self, batch: Array, rng: RNGs, unit: float) -> Array:
        most = self._factor * unit
        change = between(uniform(rng, len(batch), 1)[:, 0], -most, most)
        y: Array = batch + column(change, batch.ndim).astype(batch.dtype)
        return y


class RandomContrast(_Pixels):
    """Distances from the mean of each channel, times a random factor, in training only.

    (N, H, W, C) -> (N, H, W, C): y = mean + f (x - mean), with the mean over H and W.
    """

    example: ClassVar = {"factor": 0.2}
    spec_name = "random_contrast"

    class Config(_PixelConfig):
        """Parameters of `random_contrast`."""

        factor: Annotated[float, AlsoCalled(("contrast",))] = ConfigField(
            default=0.2,
            ge=0,
            le=1,
            description="Largest change of the contrast: f is uniform from 1 - factor to 1 +"
            " factor.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._factor = config.factor

    def changed(self, batch: Array, rng: RNGs, unit: float) -> Array:
        draws = uniform(rng, len(batch), 1)[:, 0]
        factors = between(draws, 1 - self._factor, 1 + self._factor).astype(batch.dtype)
        mean = batch.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(batch.dtype)
        y: Array = batch - mean
        y *= column(factors, batch.ndim)
        y += mean
        return y


class RandomNoise(_Pixels):
    """Gaussian noise added to every value, in training only.  (N, H, W, C) -> (N, H, W, C)."""

    example: ClassVar = {"stddev": 0.05}
    spec_name = "random_noise"

    class Config(_PixelConfig):
        """Parameters of `random_noise`."""

        stddev: Annotated[float, AlsoCalled(("sigma", "factor"))] = ConfigField(
            default=0.05,
            ge=0,
            description="Standard deviation of the noise, as a share of the range of values: 0.05"
            " is 12.75 for uint8.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._stddev = config.stddev

    def changed(self, batch: Array, rng: RNGs, unit: float) -> Array:
        y = np.empty(batch.shape, batch.dtype)
        for i, noise in enumerate(y):
            rng(i).standard_normal(dtype=y.dtype.type, out=noise)
        y *= self._stddev * unit
        y += batch
        return y
