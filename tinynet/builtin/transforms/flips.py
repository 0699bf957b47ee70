"""Mirrored images."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._images import Images, uniform
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import State, TransformConfig
from tinynet.types import Array


class RandomFlip(TrainingOnly, Images):
    """Images mirrored at random, in training only.  (N, H, W, C) -> (N, H, W, C).

    Horizontal flips exchange left and right; vertical ones exchange top and bottom.
    """

    example: ClassVar = {"mode": "horizontal"}
    spec_name = "random_flip"
    moves_pixels = True

    class Config(TransformConfig):
        """Parameters of `random_flip`."""

        mode: Annotated[
            Literal["horizontal", "vertical", "horizontal_and_vertical"],
            AlsoCalled(("direction", "axis")),
        ] = ConfigField(
            default="horizontal",
            description="'horizontal' exchanges left and right, 'vertical' top and bottom;"
            " 'horizontal_and_vertical' draws each of the two by itself.",
        )
        rate: float = ConfigField(default=0.5, ge=0, le=1, description="Probability of a flip.")

    def __init__(self, config: Config) -> None:
        self._horizontal = config.mode != "vertical"
        self._vertical = config.mode != "horizontal"
        self._rate = config.rate

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        flips = uniform(rng, len(batch), 2) < self._rate
        y = batch.copy()
        if self._horizontal:
            backwards = np.arange(batch.shape[2])[::-1]
            y[flips[:, 0]] = y[flips[:, 0]].take(backwards, axis=2)  # faster than a slice
        if self._vertical:
            y[flips[:, 1]] = y[flips[:, 1]][:, ::-1]
        return y
