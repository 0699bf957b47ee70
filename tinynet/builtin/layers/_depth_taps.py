"""Convolutions of volumes as convolutions of planes: cells along the depth become channels.

A window of kd planes of C channels is one plane of kd * C channels. The channels of a group stay
together: they are ordered as (groups, kd, C / groups).
"""

import math

import numpy as np

from tinynet.kernels import Window
from tinynet.layer import Array, Context, Shape


class DepthTaps:
    """The planes that the windows along the depth of a volume contain.

    Args:
        window: The window over the depth, as that of an image of one row.
        in_shape: (D, H, W, C).
        groups: Groups of channels.
    """

    def __init__(self, window: Window, in_shape: Shape, groups: int) -> None:
        depth, height, width, channels = in_shape
        (_, cells), (_, count) = window.kernel_size, window.out_size(1, depth)
        self.cells = cells
        self._window = window
        self._depth = depth
        self._volume_shape = (depth, height, width, groups, channels // groups)
        self._taps_shape = (count, height, width, groups, cells, channels // groups)

    def gather(self, ctx: Context, volumes: Array) -> Array:
        """Return the planes of each window: (N, D, H, W, C) -> (N * Do, H, W, kd * C)."""
        if self._window.pointwise:
            return self._planes(volumes)
        taps = ctx.empty((len(volumes), *self._taps_shape), volumes.dtype)
        if self._window.padded:
            taps.fill(0)
        grouped = volumes.reshape(len(volumes), *self._volume_shape)
        for cell in self._window.cells(1, self._depth):
            taps[:, cell.windows[2], ..., cell.column, :] = grouped[:, cell.pixels[2]]
        return self._planes(taps)

    def scatter(self, ctx: Context, planes: Array) -> Array:
        """Return the sum of the windows in each plane: the gradient of `gather`.

        (N * Do, H, W, kd * C) -> (N, D, H, W, C).
        """
        count, height, width, *channels = self._taps_shape
        samples = len(planes) // count
        taps = planes.reshape(samples, *self._taps_shape)
        shape = (samples, self._depth, height, width, channels[0] * channels[2])
        if self._window.pointwise:
            return planes.reshape(shape)
        volumes = ctx.empty((samples, *self._volume_shape), planes.dtype)
        volumes.fill(0)
        for cell in self._window.cells(1, self._depth):
            volumes[:, cell.pixels[2]] += taps[:, cell.windows[2], ..., cell.column, :]
        return volumes.reshape(shape)

    def size(self) -> int:
        """Return the number of values that `gather` copies from one sample."""
        return 0 if self._window.pointwise else math.prod(self._taps_shape)

    def _planes(self, volumes: Array) -> Array:
        """Return (N, D, H, W, ...) as planes (N * D, H, W, all the rest); a view."""
        samples, depth, height, width, *channels = volumes.shape
        return volumes.reshape(samples * depth, height, width, math.prod(channels))


def plane_kernel(weight: Array) -> Array:
    """Return a weight (kd, kh, kw, C, F) as the kernel of planes, (kh, kw, kd * C, F)."""
    cells, *size, channels, filters = weight.shape
    return weight.transpose(1, 2, 0, 3, 4).reshape(*size, cells * channels, filters)


def volume_weight(kernel: Array, shape: Shape) -> Array:
    """Return the gradient of a kernel of planes as that of the weight (kd, kh, kw, C, F)."""
    cells, *size, channels, filters = shape
    parts = kernel.reshape(*size, cells, channels, filters)
    return np.ascontiguousarray(parts.transpose(2, 0, 1, 3, 4))
