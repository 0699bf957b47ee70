"""Convolutions of sequences that may be causal: if so, one position at a time, too."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from tinynet.builtin.layers._convolution import Convolution
from tinynet.kernels import Window
from tinynet.layer import Array, Context, ShapeError

NO_PADDING = ((0, 0), (0, 0))
"""The padding of images whose steps are all known."""


class SequenceConvolution(Convolution):
    """The base of `conv1d` and `depthwise_conv1d`.

    Attributes:
        spec_name: The layer's name in specs, for messages.
        any_length: True: one position at a time, a sequence has no limit of length.
        several_positions: True: `forward_next` takes several positions, too.
    """

    spec_name: ClassVar[str]
    any_length = True
    several_positions = True

    def start_cache(self, samples: int, length: int) -> Array:
        shape = samples, self._in_shape[1]
        return start_steps(self.spec_name, self._window, shape, self.params["weight"].dtype)

    def forward_next(
        self, ctx: Context, cache: Array, position: int, x: Array, *, relu: bool = False
    ) -> Array:
        y, _ = ctx.kernels.conv2d(
            reached_steps(cache, x),
            self._kernel(),
            self.params.get("bias"),
            replace(self._window, padding=NO_PADDING),
            ctx.empty,
            False,
            relu,
        )
        return y[:, 0]


def start_steps(what: str, window: Window, shape: tuple[int, int], dtype: np.dtype[Any]) -> Array:
    """Return the steps before the next that its window reaches, (N, extent - 1, C), all zeros.

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
    return np.zeros((samples, extent - 1, channels), dtype)


def reached_steps(cache: Array, x: Array) -> Array:
    """Return the steps that the windows of the next steps reach, as images (N, 1, steps, C).

    Args:
        cache: The steps before them; replaced by those before the steps that follow.
        x: The next steps, (N, P, C).
    """
    reached = np.concatenate([cache, x], axis=1)
    cache[...] = reached[:, x.shape[1] :]
    return reached[:, np.newaxis]
