"""The base of convolutions of sequences that may be causal."""

from typing import ClassVar

import numpy as np

from tinynet.builtin.layers._convolution import Convolution
from tinynet.kernels import Window
from tinynet.layer import Array, Context, ShapeError


class SequenceConvolution(Convolution):
    """The base of `conv1d` and `depthwise_conv1d`: if causal, one position at a time, too.

    Attributes:
        spec_name: The layer's name in specs, for messages.
        any_length: True: one position at a time, a sequence has no limit of length.
    """

    spec_name: ClassVar[str]
    any_length = True

    def start_cache(self, samples: int, length: int) -> Array:
        """Return the newest steps of the input, (N, extent of the window, C), all of them zeros.

        Step t is at index t modulo the extent.
        """
        _, extent = self._window.extent
        if self._window.strides[1] != 1 or self._window.padding[1] != (extent - 1, 0):
            raise ShapeError(
                f"{self.spec_name} computes one position at a time only with padding 'causal' and"
                " strides 1"
            )
        return np.zeros((samples, extent, self._in_shape[1]), self.params["weight"].dtype)

    def forward_next(
        self, ctx: Context, cache: Array, position: int, x: Array, *, relu: bool = False
    ) -> Array:
        extent = cache.shape[1]
        cache[:, position % extent] = x[:, 0]
        steps = np.arange(position + 1, position + extent + 1, self._window.dilation[1]) % extent
        y, _ = ctx.kernels.conv2d(
            cache[:, None, steps],
            self._kernel(),
            self.params.get("bias"),
            Window(self._window.kernel_size),
            ctx.empty,
            False,
            relu,
        )
        return y[:, 0]
