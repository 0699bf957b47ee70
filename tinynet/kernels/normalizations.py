"""The interface of the kernels of normalization."""

from typing import Protocol

from tinynet.kernels.memory import Empty
from tinynet.kernels.results import Saved, ThreeGradients, TwoGradients
from tinynet.types import Array


class NormalizationKernels(Protocol):
    """Normalization of channels over a batch, of rows, and of groups of channels."""

    def moments(self, x: Array, empty: Empty) -> tuple[Array, Array]:
        """Mean of each channel, and its sum of squared distances: (..., C) -> (C,), (C,)."""
        ...

    def batch_norm(
        self,
        x: Array,
        mean: Array,
        variance: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Normalize each channel: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.

        Args:
            x: (..., C).
            mean: (C,).
            variance: (C,).
            gamma: (C,), or None for ones.
            beta: (C,), or None for zeros.
            epsilon: Added to the variance.
            empty: The source of memory.
            keep: True if a backward will follow.

        Returns:
            y, saved.
        """
        ...

    def batch_norm_sums(self, dy: Array, saved: Saved, empty: Empty) -> tuple[Array, Array]:
        """Gradients (dgamma, dbeta), (C,) each: sums of dy * normal and of dy.

        ``normal`` is (x - mean) / sqrt(variance + epsilon).
        """
        ...

    def batch_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        means: tuple[Array, Array] | None,
        empty: Empty,
    ) -> Array:
        """Dx = scale * (dy - means[1] - normal * means[0]), where scale = y's slope in x.

        Args:
            dy: (..., C).
            saved: From `batch_norm`.
            gamma: As in `batch_norm`.
            means: The `batch_norm_sums` of the batch that the statistics are from, divided by its
                number of values per channel. None for constant statistics: then dx = scale * dy.
            empty: The source of memory.
        """
        ...

    def batch_norm_relu(
        self,
        x: Array,
        mean: Array,
        variance: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """`batch_norm` and then a ReLU; its backward is that of this name."""
        ...

    def batch_norm_relu_sums(self, dy: Array, saved: Saved, empty: Empty) -> tuple[Array, Array]:
        """`batch_norm_sums` where ``dy`` is the gradient of the ReLU's output."""
        ...

    def batch_norm_relu_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        means: tuple[Array, Array] | None,
        empty: Empty,
    ) -> Array:
        """`batch_norm_backward` where ``dy`` is the gradient of the ReLU's output."""
        ...

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Normalize each row (last axis) by its own mean and biased variance, as `batch_norm`."""
        ...

    def layer_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> ThreeGradients:
        """Gradients (dx, dgamma, dbeta)."""
        ...

    def rms_norm(
        self, x: Array, gamma: Array | None, epsilon: float, empty: Empty, keep: bool
    ) -> tuple[Array, Saved]:
        """Divide each row by its root mean square: y = x / sqrt(mean(x^2) + epsilon) * gamma.

        Args:
            x: (..., C).
            gamma: (C,), or None for ones.
            epsilon: Added to the mean square.
            empty: The source of memory.
            keep: True if a backward will follow.
        """
        ...

    def rms_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        empty: Empty,
        needs: tuple[bool, bool],
    ) -> TwoGradients:
        """Gradients (dx, dgamma)."""
        ...

    def group_norm(
        self,
        x: Array,
        groups: int,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
        empty: Empty,
        keep: bool,
        relu: bool = False,
    ) -> tuple[Array, Saved]:
        """Normalize groups of neighboring channels of each sample, as `batch_norm`; optional ReLU.

        Mean and biased variance are those of a group at all positions: x (N, ..., C), of which
        ``groups`` divides C; gamma and beta (C,).
        """
        ...

    def group_norm_backward(
        self,
        dy: Array,
        saved: Saved,
        gamma: Array | None,
        empty: Empty,
        needs: tuple[bool, bool, bool],
    ) -> ThreeGradients:
        """Gradients (dx, dgamma, dbeta)."""
        ...
