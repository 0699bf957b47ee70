"""Windows of images: crops, borders and shifts by whole pixels."""

from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field as ConfigField
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.layers._sides import sides_validator
from tinynet.builtin.transforms._images import (
    FillConfig,
    Filled,
    Images,
    require_images,
    resized,
    uniform,
)
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.builtin.transforms._windows import (
    Sides,
    padded,
    padded_in_onnx,
    window_in_onnx,
    windows,
)
from tinynet.config import PositivePair
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import (
    OnnxGraph,
    State,
    TransformConfig,
)
from tinynet.types import Array

Padding = Annotated[Sides, sides_validator(2)]


class RandomCrop(Filled):
    """A window of each image, at a random place in training.  (N, H, W, C) -> (N, h, w, C).

    Padding comes first: ``"padding": 4`` alone moves the image by at most 4 pixels, as He et al.
    (2016) do for CIFAR. Outside of training, the window is in the center of the image.
    """

    example: ClassVar = {"padding": 4}
    examples: ClassVar = ({"options": {"padding": 1}},)
    spec_name = "random_crop"
    moves_pixels = True

    class Config(FillConfig):
        """Parameters of `random_crop`."""

        size: Annotated[PositivePair | None, AlsoCalled(("height", "width", "crop_size"))] = (
            ConfigField(
                default=None,
                description="Pixels of the window, one number or [height, width]; by default those"
                " of the image.",
            )
        )
        padding: Padding = ConfigField(
            default=((0, 0), (0, 0)),
            description="Pixels to add before: one number, [height, width] or [[top, bottom],"
            " [left, right]].",
        )

        @model_validator(mode="after")
        def _changes_something(self) -> Self:
            if self.size is None and not any(map(any, self.padding)):
                raise PydanticCustomError(
                    "crop", 'without "size" and "padding", nothing is cropped; set "padding": 4'
                )
            return self

    def __init__(self, config: Config) -> None:
        super().__init__(config.fill, config.fill_label)
        self._size, self._padding, self._mode = config.size, config.padding, config.fill_mode

    def describe(self, field: Field) -> Field:
        super().describe(field)
        shape = (field.shape[0], field.shape[1])
        height, width = self._size or shape
        space = tuple(n + sum(sides) for n, sides in zip(shape, self._padding, strict=True))
        if height > space[0] or width > space[1]:
            raise _too_large(self.spec_name, (height, width), space, 'or more "padding"')
        return resized(field, height, width)

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        shape = (batch.shape[1], batch.shape[2])
        height, width = self._size or shape
        if not training and (height, width) == shape:
            return batch
        space = padded(batch, self._padding, self._mode, self.fill_value(state))
        free = np.array([space.shape[1] - height, space.shape[2] - width])
        if training:
            first = np.floor(uniform(rng, len(batch), 2) * (free + 1)).astype(np.intp)
        else:
            before = [sides[0] for sides in self._padding]
            center = before + (np.array(shape) - (height, width)) // 2
            first = np.broadcast_to(center.clip(0, free), (len(batch), 2))
        return windows(space, first[:, 0], first[:, 1], height, width)

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        shape = (field.shape[0], field.shape[1])
        height, width = self._size or shape
        if (height, width) == shape:
            return x
        fill = self.fill_value(state)
        space = padded_in_onnx(graph, field, x, self._padding, self._mode, fill)
        rows, columns = graph.shape_of(space)[:2]
        before = [sides[0] for sides in self._padding]
        center = np.array(before) + (np.array(shape) - (height, width)) // 2
        top, left = center.clip(0, [rows - height, columns - width]).tolist()
        return window_in_onnx(graph, space, top, left, height, width)


class CenterCrop(Images):
    """The center of each image.  (N, H, W, C) -> (N, h, w, C)."""

    family = "images"
    example: ClassVar = {"size": 24}
    spec_name = "center_crop"

    class Config(TransformConfig):
        """Parameters of `center_crop`."""

        size: Annotated[PositivePair, AlsoCalled(("height", "width", "crop_size"))] = ConfigField(
            description="Pixels of the window, one number or [height, width]."
        )

    def __init__(self, config: Config) -> None:
        self._size = config.size

    def describe(self, field: Field) -> Field:
        require_images(self.spec_name, field)
        if self._size[0] > field.shape[0] or self._size[1] > field.shape[1]:
            remedy = 'or "pad_image" before it'
            raise _too_large(self.spec_name, self._size, field.shape[:2], remedy)
        return resized(field, *self._size)

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        height, width = self._size
        top, left = (batch.shape[1] - height) // 2, (batch.shape[2] - width) // 2
        return batch[:, top : top + height, left : left + width]

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        height, width = self._size
        top, left = (field.shape[0] - height) // 2, (field.shape[1] - width) // 2
        return window_in_onnx(graph, x, top, left, height, width)


class PadImage(Filled):
    """Images with more pixels on their sides.  (N, H, W, C) -> (N, t + H + b, l + W + r, C)."""

    family = "images"
    example: ClassVar = {"padding": 4}
    spec_name = "pad_image"

    class Config(FillConfig):
        """Parameters of `pad_image`."""

        padding: Padding = ConfigField(
            description="Pixels to add: one number, [height, width] or [[top, bottom], [left,"
            " right]].",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config.fill, config.fill_label)
        self._padding, self._mode = config.padding, config.fill_mode

    def describe(self, field: Field) -> Field:
        super().describe(field)
        rows, columns = map(sum, self._padding)
        return resized(field, field.shape[0] + rows, field.shape[1] + columns)

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        return padded(batch, self._padding, self._mode, self.fill_value(state))

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        fill = self.fill_value(state)
        return padded_in_onnx(graph, field, x, self._padding, self._mode, fill)


class RandomShift(TrainingOnly, Filled):
    """Images moved by a random number of whole pixels, in training only.

    (N, H, W, C) -> (N, H, W, C). Nothing is interpolated; what leaves the image is lost.
    """

    example: ClassVar = {"height_factor": 0.1, "width_factor": 0.1}
    examples: ClassVar = ({"options": {"height_factor": 0.5, "width_factor": 0.3}},)
    spec_name = "random_shift"
    moves_pixels = True

    class Config(FillConfig):
        """Parameters of `random_shift`."""

        height_factor: Annotated[float, AlsoCalled(("height_shift_range", "height"))] = ConfigField(
            default=0.1,
            ge=0,
            le=1,
            description="Largest shift up or down, as a share of the height.",
        )
        width_factor: Annotated[float, AlsoCalled(("width_shift_range", "width"))] = ConfigField(
            default=0.1,
            ge=0,
            le=1,
            description="Largest shift to the left or right, as a share of the width.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config.fill, config.fill_label)
        self._factors = np.array([config.height_factor, config.width_factor])
        self._mode = config.fill_mode

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        height, width = batch.shape[1:3]
        most = np.rint(self._factors * (height, width)).astype(np.intp)
        first = np.floor(uniform(rng, len(batch), 2) * (2 * most + 1)).astype(np.intp)
        rows, columns = most.tolist()
        sides = ((rows, rows), (columns, columns))
        space = padded(batch, sides, self._mode, self.fill_value(state))
        return windows(space, first[:, 0], first[:, 1], height, width)


def _too_large(name: str, size: tuple[int, ...], space: tuple[int, ...], remedy: str) -> DataError:
    wanted, actual = ("x".join(map(str, pixels)) for pixels in (size, space))
    fits = [min(pair) for pair in zip(size, space, strict=True)]
    return DataError(
        f'{name} of {wanted} does not fit into {actual} pixels; set "size": {fits} or less,'
        f" {remedy}"
    )
