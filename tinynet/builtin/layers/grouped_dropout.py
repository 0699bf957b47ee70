"""Dropout of many elements at a time: whole channels, or whole samples."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.layers._noise import Noise, Noisy
from tinynet.layer import Array, Build, Context, LayerConfig, Shape, ShapeError


class _GroupedDropout(Noise):
    """Each group is zeroed with probability ``rate``; the others become x / (1 - rate)."""

    def dropped(self, ctx: Context, x: Array, mask_shape: Shape) -> Noisy:
        """Return the output and the mask, which has size 1 along the axes of a group."""
        uniform = ctx.rng.random(mask_shape, np.float32)
        mask = np.greater_equal(uniform, self.amount).astype(x.dtype)
        mask /= 1 - self.amount
        return np.multiply(x, mask, out=ctx.empty(x.shape, x.dtype)), mask


class _SpatialDropout(_GroupedDropout):
    """The groups are the channels of a sample."""

    spec_name: ClassVar[str]
    axes: ClassVar[tuple[str, ...]]

    class Config(LayerConfig):
        """Parameters of a `spatial_dropout` node."""

        rate: float = Field(ge=0, lt=1, description="Probability that a channel is dropped.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.amount = config.rate
        if len(self.out_shape) != len(self.axes):
            raise ShapeError(
                f"{self.spec_name} needs an input of shape ({', '.join(self.axes)}); it got"
                f" {self.out_shape}"
            )

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        return self.dropped(ctx, x, (len(x), *[1] * (x.ndim - 2), x.shape[-1]))


class SpatialDropout1D(_SpatialDropout):
    """Random channels of a sequence set to 0 while training.  (N, T, C) -> (N, T, C).

    A channel is dropped with probability ``rate`` at all steps, and the others become
    x / (1 - rate); in evaluation y = x. Source: Tompson et al., 2015.

    Raises:
        ShapeError: if a sample has another number of axes.
    """

    spec_name, axes = "spatial_dropout1d", ("steps", "channels")


class SpatialDropout2D(_SpatialDropout):
    """Random channels of an image set to 0 while training.  (N, H, W, C) -> (N, H, W, C).

    A channel is dropped with probability ``rate`` in all pixels, and the others become
    x / (1 - rate); in evaluation y = x. Source: Tompson et al., 2015.

    Raises:
        ShapeError: if a sample has another number of axes.
    """

    spec_name, axes = "spatial_dropout2d", ("height", "width", "channels")


class SpatialDropout3D(_SpatialDropout):
    """Random channels of a volume set to 0 while training.

    (N, D, H, W, C) -> (N, D, H, W, C). A channel is dropped with probability ``rate`` in all
    voxels, and the others become x / (1 - rate); in evaluation y = x. Source: Tompson et al., 2015.

    Raises:
        ShapeError: if a sample has another number of axes.
    """

    spec_name, axes = "spatial_dropout3d", ("depth", "height", "width", "channels")


class StochasticDepth(_GroupedDropout):
    """Random samples set to 0 while training.  (N, ...) -> (N, ...).

    At the end of a residual branch, before the `add`, it skips the branch with probability
    ``rate``, for each sample by itself; otherwise y = x / (1 - rate). In evaluation y = x.
    Source: Huang et al., "Deep Networks with Stochastic Depth", 2016.
    """

    example: ClassVar = {"rate": 0.1}

    class Config(LayerConfig):
        """Parameters of a `stochastic_depth` node."""

        rate: float = Field(ge=0, lt=1, description="Probability that a sample is dropped.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.amount = config.rate

    def noisy(self, ctx: Context, x: Array) -> Noisy:
        return self.dropped(ctx, x, (len(x), *[1] * (x.ndim - 1)))
