"""The interface of the numerical kernels.

Layers and losses check their arguments and call kernels. `tinynet.kernels.numpy` is the readable
reference; a compiled distribution may register another implementation in the entry-point group
``tinynet.kernels``.

Images are (N, H, W, C). ``empty`` allocates outputs, and what a backward kernel needs: its arrays
stay in use until the end of the pass. ``saved`` belongs to the implementation: a forward kernel
returns it, its backward kernel takes it unchanged, and no other code uses it. It may be None if
``keep`` is False: no backward will follow. ``needs`` selects gradients, in the order in which they
are returned; the others are None.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from tinynet.kernels.images import ImageKernels
from tinynet.kernels.memory import Empty
from tinynet.kernels.normalizations import NormalizationKernels
from tinynet.kernels.recurrence import (
    Recurrence,
    RecurrentGradients,
    RecurrentKernels,
    RecurrentNeeds,
    States,
)
from tinynet.kernels.results import Saved, ThreeGradients, TwoGradients
from tinynet.kernels.window import Window
from tinynet.types import Array, Shape

__all__ = [
    "ImageKernels",
    "Kernels",
    "NormalizationKernels",
    "Recording",
    "Recurrence",
    "RecurrentGradients",
    "RecurrentKernels",
    "RecurrentNeeds",
    "Saved",
    "States",
    "ThreeGradients",
    "TwoGradients",
    "Window",
]


class Recording(Protocol):
    """The calls of kernels that a thread made, with the arrays that they used."""

    @property
    def faithful(self) -> bool:
        """False if the calls cannot be made again: one of them has used a copy of an argument."""
        ...

    def start(self) -> None:
        """Record the calls that this thread makes from now on, and end any other recording."""
        ...

    def stop(self) -> None:
        """End the recording of this thread, if there is one."""
        ...

    def run(self) -> None:
        """Make the calls again, in order, on the same arrays, as they are then.

        If it uses BLAS, it limits that to one thread. It raises no warnings.
        """
        ...


class Kernels(ImageKernels, NormalizationKernels, RecurrentKernels, Protocol):
    """The interface. Every function is pure, apart from memory that it takes from ``empty``.

    All real numbers of a call and its results have one dtype, float32 or float64. An implementation
    derives from `tinynet.kernels.numpy.NumpyKernels`, which provides the kernels that it lacks. It
    may also have a method for any other update in `tinynet.kernels.updates`. If its class sets
    ``multi_tensor_updates`` to True, its updates take lists in place of arrays, too: those of
    several parameters.

    Attributes:
        level: The instructions in use, for reports and checkpoints: ``"numpy"``, ``"avx2"``, ...
        cut_from: The least work of a batch, in shards, for which it is split into shards, which
            Python threads compute in parallel. A smaller batch is left whole, and its kernels may
            use all threads; see `on_threads`. Kernels may have ``whole_if_exchanged = True``, too:
            then a batch of any size is left whole in training if layers look across it, as batch
            norm does, so that no shard waits for another.
        recording: Creates a recording of these kernels; None if they cannot be recorded.
    """

    level: str
    cut_from: float
    recording: Callable[[], Recording] | None

    def on_threads(self, count: int) -> AbstractContextManager[None]:
        """Let calls from this thread use ``count`` threads within a context, its own included.

        It changes no bit. Outside of it, every call stays on the caller's thread. An interrupt may
        call `__exit__` twice or without `__enter__`, which must have no effect.
        """
        ...

    def rotate(self, x: Array, cosines: Array, sines: Array, empty: Empty) -> Array:
        """Rotate pairs of elements: x (N, T, H, 2 * P), cosines and sines (T, P).

        The pair p consists of the elements p and P + p of a vector: (a, b) becomes
        (a * cos - b * sin, b * cos + a * sin). The gradient is the rotation by the negative angle.
        """
        ...

    def dense(
        self, x: Array, weight: Array, bias: Array | None, empty: Empty, relu: bool = False
    ) -> Array:
        """Affine map of rows: x (R, I), weight (I, U), bias (U,) -> (R, U); optional ReLU."""
        ...

    def dense_backward(
        self,
        dy: Array,
        x: Array,
        weight: Array,
        empty: Empty,
        needs: tuple[bool, bool, bool],
        rectified: Array | None = None,
    ) -> ThreeGradients:
        """Gradients (dx, dweight, dbias); ``rectified`` is the output of `dense` with ReLU."""
        ...

    def relu(self, x: Array, empty: Empty) -> Array:
        """max(x, 0), of any shape; NaN stays NaN."""
        ...

    def relu_backward(self, dy: Array, y: Array, empty: Empty) -> Array:
        """dx: dy where ``y`` is above 0, else 0."""
        ...

    def add(self, x: Array, term: Array, empty: Empty) -> Array:
        """X + term, of one shape."""
        ...

    def multiply(self, x: Array, factor: Array, empty: Empty) -> Array:
        """X * factor, of one shape."""
        ...

    def scale(self, x: Array, factor: float, empty: Empty) -> Array:
        """X * factor, of any shape."""
        ...

    def divide(self, x: Array, divisor: float, empty: Empty) -> Array:
        """X / divisor, of any shape."""
        ...

    def gelu(
        self, x: Array, approximate: bool, empty: Empty, keep: bool
    ) -> tuple[Array, Array | None]:
        """Gaussian error linear unit, x * (1 + erf(x / sqrt(2))) / 2, of any shape.

        Args:
            x: Any shape.
            approximate: True for tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) in place of the erf.
            empty: The source of memory.
            keep: True to return the derivative.

        Returns:
            y, and its derivative at each element, or None.
        """
        ...

    def attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        mask: Array | None,
        causal: bool,
        scale: float,
        uniform: Array | None,
        rate: float,
        empty: Empty,
        keep: bool,
    ) -> tuple[Array, Saved]:
        """Scaled dot-product attention: y = dropout(softmax(scale * query @ key^T)) @ value.

        Consecutive groups of H / KV heads of the query share a head of the keys and values. The
        result of a query that may use no key is 0.

        Args:
            query: (N, T, H, D).
            key: (N, S, KV, D), where KV divides H.
            value: (N, S, KV, V).
            mask: (N, S) or (N, T, S), 0 where a key may not be used; None if all may.
            causal: True if query t may use the keys 0 to t alone.
            scale: Factor of the products.
            uniform: (N, H, T, S), float32 from [0, 1): a weight is dropped where it is less than
                ``rate``, and divided by 1 - rate elsewhere. None without dropout.
            rate: Probability that a weight is dropped.
            empty: The source of memory.
            keep: True if a backward will follow.

        Returns:
            y (N, T, H, V), saved. An implementation need not store the (T, S) weights: it may
            compute them again in the backward.
        """
        ...

    def attention_backward(
        self, dy: Array, saved: Saved, empty: Empty, needs: tuple[bool, bool, bool]
    ) -> ThreeGradients:
        """Gradients (dquery, dkey, dvalue); the output and inputs of `attention` are unchanged."""
        ...

    def softmax_cross_entropy(
        self, logits: Array, labels: Array, label_smoothing: float, empty: Empty
    ) -> tuple[Array, Array]:
        """Loss of each row, and its gradient: logits (R, C), labels (R,) -> (R,), (R, C).

        The target of a row is (1 - label_smoothing) at its label plus label_smoothing / C
        everywhere.
        """
        ...

    def ctc(
        self, logits: Array, labels: Array, lengths: Array, blank: int, empty: Empty, keep: bool
    ) -> tuple[Array, Array | None]:
        """Loss of each sample, (N,), and its gradient, (N, T, C), or None without ``keep``.

        The loss is the negative logarithm of the probability of a sample's labels, in any alignment
        with the T time steps; infinite if there is no alignment.

        Args:
            logits: (N, T, C).
            labels: (N, L), L > 0; those after the sample's length are ``blank``, the others not.
            lengths: Number of labels of each sample, (N,).
            blank: The class that stands for no label.
            empty: The source of memory.
            keep: True if the gradient is needed.
        """
        ...

    def dropout(self, x: Array, uniform: Array, rate: float, empty: Empty) -> tuple[Array, Array]:
        """(x * mask, mask), where mask is 0 where ``uniform`` < rate, else 1 / (1 - rate).

        ``uniform`` is float32 from [0, 1), whatever the dtype of ``x``.
        """
        ...

    def uniform(self, key: Array, first: int, shape: Shape, empty: Empty) -> Array:
        """Random numbers in [0, 1), float32, of the stream of a key: see `tinynet.kernels.random`.

        Args:
            key: The key, (2,), int64: that of NumPy's Philox.
            first: The position of the first number in the stream, if all are such numbers.
            shape: The shape of the result.
            empty: The source of memory.
        """
        ...

    def sgd(
        self,
        param: Array,
        grad: Array,
        velocity: Array | None,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        rate: float,
    ) -> None:
        """One step of SGD; without momentum where ``velocity`` is None.

        This and the other updates change the parameter and its state in place, element by element.
        All arrays of one call are contiguous, and of one shape and dtype.
        """
        ...

    def adam(
        self,
        param: Array,
        grad: Array,
        first_moment: Array,
        second_moment: Array,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
        decoupled: bool,
        step: int,
        rate: float,
    ) -> None:
        """One step of Adam; of AdamW where the decay is decoupled."""
        ...

    def rmsprop(
        self,
        param: Array,
        grad: Array,
        mean_square: Array,
        mean: Array | None,
        velocity: Array | None,
        rho: float,
        momentum: float,
        epsilon: float,
        weight_decay: float,
        rate: float,
    ) -> None:
        """One step of RMSprop; centered where there is a ``mean``."""
        ...
