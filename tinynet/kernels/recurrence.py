"""The interface of the kernels of recurrent layers.

Each call computes whole sequences in one direction. N is the number of samples, T of time steps, C
of channels, U of units, and G of gates.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from tinynet.kernels.memory import Empty
from tinynet.types import Array

States: TypeAlias = tuple[Array, ...]
"""The states at one time step, (N, U) each: (state, cell) of an LSTM, (state,) of the others."""


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """The arguments of a recurrent layer, in one direction.

    Attributes:
        x: The sequences, (N, T, C).
        weight: (C, G * U).
        recurrent_weight: (U, G * U).
        bias: (G * U,), or None for zeros. That of a GRU with ``reset_after`` is (2, G * U): one for
            the product with ``weight``, one for that with ``recurrent_weight``.
        states: The states before the first step.
        mask: (N, T), or None. Where it is 0, the states stay as they are.
        state_factors: (N, U), or None. In products with ``recurrent_weight`` the state is
            multiplied by it.
        reverse: True to process the last time step first.
    """

    x: Array
    weight: Array
    recurrent_weight: Array
    bias: Array | None
    states: States
    mask: Array | None = None
    state_factors: Array | None = None
    reverse: bool = False


class RecurrentNeeds(NamedTuple):
    """The gradients that are needed, besides those of the states before the first step."""

    x: bool
    weight: bool
    recurrent_weight: bool
    bias: bool


class RecurrentGradients(NamedTuple):
    """The gradients of the arrays of a `Recurrence`, each None if it is not needed."""

    x: Array | None
    weight: Array | None
    recurrent_weight: Array | None
    bias: Array | None
    states: States


class RecurrentKernels(Protocol):
    """The kernels of recurrent layers.

    A forward kernel returns (y, states, saved): the state after each step, (N, T, U) in the order
    of the steps of ``x`` and of any memory layout, and the states after the last step. A backward
    kernel takes the gradients of both, each None where no loss depends on it.

    Columns of weights are ordered by gates, as in Keras.
    """

    def simple_rnn(
        self, call: Recurrence, empty: Empty, keep: bool, relu: bool = False
    ) -> tuple[Array, States, Any]:
        """Compute state = f(x @ weight + state @ recurrent_weight + bias); f is tanh or ReLU."""
        ...

    def simple_rnn_backward(
        self,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        call: Recurrence,
        saved: Any,
        empty: Empty,
        needs: RecurrentNeeds,
        relu: bool = False,
    ) -> RecurrentGradients:
        """Return the gradients."""
        ...

    def gru(
        self, call: Recurrence, empty: Empty, keep: bool, reset_after: bool = True
    ) -> tuple[Array, States, Any]:
        """Compute state = z * state + (1 - z) * h, with sigmoid gates z and r.

        h is tanh of x @ weight plus r * (state @ recurrent_weight), or without ``reset_after``
        (r * state) @ recurrent_weight. The gates are ordered z, r, h.
        """
        ...

    def gru_backward(
        self,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        call: Recurrence,
        saved: Any,
        empty: Empty,
        needs: RecurrentNeeds,
        reset_after: bool = True,
    ) -> RecurrentGradients:
        """Return the gradients."""
        ...

    def lstm(self, call: Recurrence, empty: Empty, keep: bool) -> tuple[Array, States, Any]:
        """Compute cell = f * cell + i * c and state = o * tanh(cell).

        i, f and o are sigmoid gates, c is a tanh. They are ordered i, f, c, o.
        """
        ...

    def lstm_backward(
        self,
        dy: Array | None,
        dstates: tuple[Array | None, ...],
        call: Recurrence,
        saved: Any,
        empty: Empty,
        needs: RecurrentNeeds,
    ) -> RecurrentGradients:
        """Return the gradients."""
        ...
