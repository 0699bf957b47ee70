"""Rectangles of images replaced by one value."""

import math
from collections.abc import Iterable
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator
from pydantic import Field as ConfigField
from pydantic_core import PydanticCustomError

from tinynet.builtin.transforms._images import Filled, uniform
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.config import PositivePair
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import State, TransformConfig
from tinynet.types import Array


class _EraseConfig(TransformConfig):
    """The options for the pixels of an erased rectangle."""

    fill: Annotated[float, AlsoCalled(("fill_value", "value"))] = ConfigField(
        default=0.0, description="Value of erased pixels, in the units of the array."
    )
    fill_label: int | str = ConfigField(
        default=0,
        description="The same for arrays of class indices: the index or the name of a class, or the"
        " ignore_label of the loss.",
    )


class Cutout(TrainingOnly, Filled):
    """Squares of images erased at random places, in training only.

    (N, H, W, C) -> (N, H, W, C). The center of a square is any pixel, so its borders may be
    outside of the image (DeVries and Taylor, "Improved Regularization of Convolutional Neural
    Networks with Cutout", 2017).
    """

    example: ClassVar = {"size": 16}
    spec_name = "cutout"

    class Config(_EraseConfig):
        """Parameters of `cutout`."""

        size: Annotated[PositivePair, AlsoCalled(("length", "mask_size"))] = ConfigField(
            description="Pixels of a square, one number, or [height, width] of a rectangle."
        )
        count: Annotated[int, AlsoCalled(("n_holes", "num_holes", "holes"))] = ConfigField(
            default=1, ge=1, le=1000, description="Squares in each image."
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config.fill, config.fill_label)
        self._size, self._count = config.size, config.count

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        draws = uniform(rng, len(batch), 2 * self._count).reshape(len(batch), self._count, 2)
        centers = np.floor(draws * batch.shape[1:3]).astype(np.intp)
        first = (centers - np.array(self._size) // 2).tolist()
        height, width = self._size
        boxes = (
            [(top, left, top + height, left + width) for top, left in squares] for squares in first
        )
        return _erased(batch, boxes, self.fill_value(state))


def _in_order(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise PydanticCustomError("limits", "the smallest number comes first: [0.02, 0.33]")
    return limits


_Share = Annotated[float, ConfigField(gt=0, le=1)]
_Ratio = Annotated[float, ConfigField(ge=0.01, le=100)]


class RandomErase(TrainingOnly, Filled):
    """A rectangle of some images erased, in training only.  (N, H, W, C) -> (N, H, W, C).

    Area and aspect ratio are random (Zhong et al., "Random Erasing Data Augmentation", 2020); a
    rectangle that is larger than the image is cut to its size.
    """

    example: ClassVar = {"rate": 0.5}
    spec_name = "random_erase"

    class Config(_EraseConfig):
        """Parameters of `random_erase`."""

        rate: Annotated[float, AlsoCalled(("factor",))] = ConfigField(
            default=0.5, ge=0, le=1, description="Probability that an image loses a rectangle."
        )
        scale: Annotated[
            tuple[_Share, _Share], AfterValidator(_in_order), AlsoCalled(("area",))
        ] = ConfigField(
            default=(0.02, 0.33),
            description="Smallest and largest area of the rectangle, as shares of the image.",
        )
        ratio: Annotated[tuple[_Ratio, _Ratio], AfterValidator(_in_order)] = ConfigField(
            default=(0.3, 3.3),
            description="Smallest and largest ratio of height to width; its logarithm is uniform.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config.fill, config.fill_label)
        self._rate, self._scale, self._ratio = config.rate, config.scale, config.ratio

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        boxes = (self._boxes(batch, *draws) for draws in uniform(rng, len(batch), 5).tolist())
        return _erased(batch, boxes, self.fill_value(state))

    def _boxes(
        self, batch: Array, chance: float, area: float, ratio: float, down: float, right: float
    ) -> list[tuple[int, int, int, int]]:
        """Return the rectangle of an image, or none, from five numbers in [0, 1)."""
        if chance >= self._rate:
            return []
        rows, columns = batch.shape[1:3]
        low, high = map(math.log, self._ratio)
        shape = math.sqrt(math.exp(low + ratio * (high - low)))
        side = math.sqrt(
            (self._scale[0] + area * (self._scale[1] - self._scale[0])) * rows * columns
        )
        height = min(max(round(side * shape), 1), rows)
        width = min(max(round(side / shape), 1), columns)
        top, left = int(down * (rows - height + 1)), int(right * (columns - width + 1))
        return [(top, left, top + height, left + width)]


def _erased(batch: Array, boxes: Iterable[list[tuple[int, int, int, int]]], fill: float) -> Array:
    """Return a copy of images with boxes (top, left, bottom, right) of each filled."""
    y = batch.copy()
    for image, own in zip(y, boxes, strict=True):
        for top, left, bottom, right in own:
            image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = fill
    return y
