"""Convolutions of sequences that may be causal: if so, one position at a time, too."""

from typing import Any, ClassVar

import numpy as np

from tinynet.builtin.layers._convolution import Convolution
from tinynet.kernels import Window
from tinynet.layer import Array, Context, ShapeError


class SequenceConvolution(Convolution):
    """The base of `conv1d` and `depthwise_conv1d`.

    Attributes:
        spec_name: The layer's name in specs, for messages.
        any_length: True: one position at a time, a sequence has no limit of length.
    """

    spec_name: ClassVar[str]
    any_length = True

    def start_cache(self, samples: int, length: int) -> Array:
        shape = samples, self._in_shape[1]
        return start_steps(self.spec_name, self._window, shape, self.params["weight"].dtype)

    def forward_next(
        self, ctx: Context, cache: Array, position: int, x: Array, *, relu: bool = False
    ) -> Array:
        y, _ = ctx.kernels.conv2d(
            newest_steps(cache, self._window, position, x),
            self._kernel(),
            self.params.get("bias"),
            Window(self._window.kernel_size),
            ctx.empty,
            False,
            relu,
        )
        return y[:, 0]


def start_steps(what: str, window: Window, shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    """Return the newest steps of sequences, (N, extent of the window, C), all of them zeros.

    Step t is at index t modulo the extent.

    Args:
        what: The layer's type, for messages.
        window: The window, over images of one row.
        shape: (N, C).
        dtype: The layer's dtype.

    Raises:
        ShapeError: if outputs depend on later steps, or there is not one for each step.
    """
    _, extent = window.extent
    if window.strides[1] != 1 or window.padding[1] != (extent - 1, 0):
        raise ShapeError(
            f"{what} computes one position at a time only with padding 'causal' and strides 1"
        )
    samples, channels = shape
    return np.zeros((samples, extent, channels), dtype)


def newest_steps(cache: Array, window: Window, position: int, x: Array) -> Array:
    """Store x (N, 1, C) as step ``position``; return the steps of its window, (N, 1, size, C)."""
    extent = cache.shape[1]
    cache[:, position % extent] = x[:, 0]
    steps = np.arange(position + 1, position + extent + 1, window.dilation[1]) % extent
    return cache[:, None, steps]
