"""Images turned or scaled about their center."""

from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator
from pydantic import Field as ConfigField
from pydantic_core import PydanticCustomError

from tinynet.builtin.transforms._images import FILL_LABEL, FillConfig, Filled, between, uniform
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._resampling import resample
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import State
from tinynet.types import Array


class _AboutCenter(TrainingOnly, Filled):
    """The base of transforms that take pixel x from a place M x, relative to the center."""

    def __init__(self, config: FillConfig) -> None:
        super().__init__(config.fill, config.fill_label)
        self._mode = config.fill_mode

    def matrices(self, draws: Array) -> Array:
        """Return the matrix M of each sample, (N, 2, 2), from its number in [0, 1)."""
        raise NotImplementedError

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        matrices = self.matrices(uniform(rng, len(batch), 1)[:, 0])
        middle = (np.array(batch.shape[1:3]) - 1) / 2
        rows = np.arange(batch.shape[1]).reshape(-1, 1) - middle[0]
        columns = np.arange(batch.shape[2]) - middle[1]

        def points(part: slice) -> tuple[Array, Array]:
            m = matrices[part, :, :, np.newaxis, np.newaxis]
            down, right = (m[:, i, 0] * rows + m[:, i, 1] * columns + middle[i] for i in (0, 1))
            return down, right

        labels = FILL_LABEL in state
        return resample(batch, points, self._mode, self.fill_value(state), nearest=labels)


class RandomRotate(_AboutCenter):
    """Images turned by a random angle, in training only.  (N, H, W, C) -> (N, H, W, C).

    Pixels are interpolated (bilinear); class indices are those of the nearest pixel.
    """

    example: ClassVar = {"degrees": 15}
    spec_name = "random_rotate"
    moves_pixels = True

    class Config(FillConfig):
        """Parameters of `random_rotate`."""

        degrees: Annotated[float, AlsoCalled(("factor", "angle", "rotation_range"))] = ConfigField(
            default=15.0,
            ge=0,
            le=180,
            description="Largest angle, in degrees; angles are uniform from -degrees to degrees.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._degrees = config.degrees

    def matrices(self, draws: Array) -> Array:
        angles = np.deg2rad(between(draws, -self._degrees, self._degrees))
        cos, sin = np.cos(angles), np.sin(angles)
        return np.stack([cos, -sin, sin, cos], axis=-1).reshape(-1, 2, 2)


def _in_order(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] > scale[1]:
        message = "the smallest magnification comes first: [0.8, 1.2]"
        raise PydanticCustomError("scale", message)
    return scale


_Factor = Annotated[float, ConfigField(gt=0, le=1000)]


class RandomZoom(_AboutCenter):
    """Images magnified by a random factor, in training only.  (N, H, W, C) -> (N, H, W, C).

    The size of the image stays: a factor above 1 cuts off its borders, one below 1 fills them.
    Pixels are interpolated (bilinear); class indices are those of the nearest pixel.
    """

    example: ClassVar = {"scale": [0.8, 1.2]}
    spec_name = "random_zoom"
    moves_pixels = True

    class Config(FillConfig):
        """Parameters of `random_zoom`."""

        scale: Annotated[
            tuple[_Factor, _Factor],
            AfterValidator(_in_order),
            AlsoCalled(("height_factor", "width_factor", "zoom_range", "factor")),
        ] = ConfigField(
            default=(0.8, 1.2),
            description="Smallest and largest magnification; 1.2 makes things 1.2 times as large."
            " Factors are uniform between them.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._scale = config.scale

    def matrices(self, draws: Array) -> Array:
        factors = between(draws, *self._scale)
        return np.eye(2) / factors.reshape(-1, 1, 1)
