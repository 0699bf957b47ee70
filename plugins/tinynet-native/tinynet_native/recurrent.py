"""Recurrent layers. One call computes all steps of all samples.

The forward passes save their values as (N, T, ...), whatever the memory layout of the input.
"""

from typing import NamedTuple, TypeAlias

import numpy as np

from tinynet.kernels import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.kernels.memory import Empty
from tinynet.types import Array
from tinynet_native import _kernels

StateGradients: TypeAlias = tuple[Array | None, ...]


class SavedSimpleRNN(NamedTuple):
    """The values that `simple_rnn` saves for its backward pass."""

    x: Array  # (N, T, C)
    before: Array  # states before each step, (N, T, U)
    y: Array  # states after each step, (N, T, U)


class SavedGRU(NamedTuple):
    """The values that `gru` saves for its backward pass."""

    x: Array  # (N, T, C)
    before: Array  # states before each step, (N, T, U)
    gates: Array  # after their nonlinearity, (N, T, 3 * U)
    inner: Array  # with reset_after the factor of r in h, else r * state, (N, T, U)


class SavedLSTM(NamedTuple):
    """The values that `lstm` saves for its backward pass."""

    x: Array  # (N, T, C)
    before: Array  # states before each step, (N, T, U)
    gates: Array  # after their nonlinearity, (N, T, 4 * U)
    cells: Array  # cells before each step, (N, T, U)


def simple_rnn(
    call: Recurrence, empty: Empty, keep: bool, relu: bool = False
) -> tuple[Array, States, SavedSimpleRNN | None]:
    """See `tinynet.kernels.RecurrentKernels.simple_rnn`."""
    x, y, last = _contiguous(call.x, empty), _steps(call, 1, empty), _like_states(call, empty)
    before = _steps(call, 1, empty) if keep else None
    _kernels.simple_rnn(*_inputs(call, x), call.bias, *call.states, y, *last, before, relu)
    return y, last, None if before is None else SavedSimpleRNN(x, before, y)


def simple_rnn_backward(
    dy: Array | None,
    dstates: StateGradients,
    call: Recurrence,
    saved: SavedSimpleRNN,
    empty: Empty,
    needs: RecurrentNeeds,
    relu: bool = False,
) -> RecurrentGradients:
    """See `tinynet.kernels.RecurrentKernels.simple_rnn_backward`."""
    gradients = _gradients(call, saved.x, empty, needs)
    _kernels.simple_rnn_backward(
        *(*_inputs(call, saved.x), relu, saved.y),
        *_of_backward(call, saved.before, dy, dstates, empty),
        *(_steps(call, 1, empty), *gradients[:-1], *gradients.states),
    )
    return gradients


def gru(
    call: Recurrence, empty: Empty, keep: bool, reset_after: bool = True
) -> tuple[Array, States, SavedGRU | None]:
    """See `tinynet.kernels.RecurrentKernels.gru`."""
    x, y, last = _contiguous(call.x, empty), _steps(call, 1, empty), _like_states(call, empty)
    before, gates, inner = (_steps(call, n, empty) if keep else None for n in (1, 3, 1))
    _kernels.gru(
        *(*_inputs(call, x), reset_after, call.bias, *call.states),
        *(y, *last, before, gates, inner),
    )
    if before is None or gates is None or inner is None:
        return y, last, None
    return y, last, SavedGRU(x, before, gates, inner)


def gru_backward(
    dy: Array | None,
    dstates: StateGradients,
    call: Recurrence,
    saved: SavedGRU,
    empty: Empty,
    needs: RecurrentNeeds,
    reset_after: bool = True,
) -> RecurrentGradients:
    """See `tinynet.kernels.RecurrentKernels.gru_backward`."""
    x, before, gates, inner = saved
    gradients = _gradients(call, x, empty, needs)
    _kernels.gru_backward(
        *(*_inputs(call, x), reset_after, before, gates, inner),
        *_of_backward(call, before, dy, dstates, empty),
        *(_steps(call, 4 if reset_after else 3, empty), *gradients[:-1], *gradients.states),
    )
    return gradients


def lstm(call: Recurrence, empty: Empty, keep: bool) -> tuple[Array, States, SavedLSTM | None]:
    """See `tinynet.kernels.RecurrentKernels.lstm`."""
    x, y, last = _contiguous(call.x, empty), _steps(call, 1, empty), _like_states(call, empty)
    before, gates, cells = (_steps(call, n, empty) if keep else None for n in (1, 4, 1))
    _kernels.lstm(*_inputs(call, x), call.bias, *call.states, y, *last, before, gates, cells)
    if before is None or gates is None or cells is None:
        return y, last, None
    return y, last, SavedLSTM(x, before, gates, cells)


def lstm_backward(
    dy: Array | None,
    dstates: StateGradients,
    call: Recurrence,
    saved: SavedLSTM,
    empty: Empty,
    needs: RecurrentNeeds,
) -> RecurrentGradients:
    """See `tinynet.kernels.RecurrentKernels.lstm_backward`."""
    x, before, gates, cells = saved
    gradients = _gradients(call, x, empty, needs)
    _kernels.lstm_backward(
        *(*_inputs(call, x), gates, cells),
        *_of_backward(call, before, dy, dstates, empty),
        *(_steps(call, 4, empty), *gradients[:-1], *gradients.states),
    )
    return gradients


def _contiguous(array: Array, empty: Empty) -> Array:
    if array.flags.c_contiguous:
        return array
    copied = empty(array.shape, array.dtype)
    copied[...] = array
    return copied


def _inputs(
    call: Recurrence, x: Array
) -> tuple[Array, Array, Array, Array | None, Array | None, bool]:
    """Return the arguments that all functions of `_kernels` begin with."""
    skipped = None if call.mask is None else np.less(call.mask, 0.5).view(np.uint8)
    return x, call.weight, call.recurrent_weight, call.state_factors, skipped, call.reverse


def _steps(call: Recurrence, vectors: int, empty: Empty) -> Array:
    """Return an array (N, T, vectors * U)."""
    samples, steps, _ = call.x.shape
    return empty((samples, steps, vectors * len(call.recurrent_weight)), call.x.dtype)


def _like_states(call: Recurrence, empty: Empty) -> States:
    return tuple(empty(state.shape, state.dtype) for state in call.states)


def _of_backward(
    call: Recurrence, before: Array, dy: Array | None, dstates: StateGradients, empty: Empty
) -> tuple[Array | None, ...]:
    """Return the states as products take them, and the gradients of the outputs."""
    rows = before
    if call.state_factors is not None:
        factors = call.state_factors[:, np.newaxis]
        rows = np.multiply(before, factors, out=empty(before.shape, before.dtype))
    return rows, None if dy is None else _contiguous(dy, empty), *dstates


def _gradients(
    call: Recurrence, x: Array, empty: Empty, needs: RecurrentNeeds
) -> RecurrentGradients:
    """Return memory for the gradients that are needed."""
    arrays = x, call.weight, call.recurrent_weight, call.bias
    required = (
        empty(array.shape, x.dtype) if needed and array is not None else None
        for array, needed in zip(arrays, needs, strict=True)
    )
    return RecurrentGradients(*required, _like_states(call, empty))
