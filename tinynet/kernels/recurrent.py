"""The simple RNN, and the parts that all kernels of recurrent layers share.

Inside, time is the first axis, and each gate has memory of its own: gates are (G, T, N, U). So the
arrays of one step are contiguous. Products without the state are computed for all steps at once.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from tinynet.kernels.elementwise import channel_sums
from tinynet.kernels.memory import Empty
from tinynet.kernels.recurrence import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.types import Array

EVERY = slice(None)
"""All samples of a batch."""

Skipping: TypeAlias = Array | slice | None
"""The samples that skip a step: their indices, `EVERY`, or None."""


def simple_rnn(
    call: Recurrence, empty: Empty, keep: bool, relu: bool = False
) -> tuple[Array, States, tuple[Array, Array, Array] | None]:
    """See `RecurrentKernels.simple_rnn`."""
    x = time_major(call.x, empty)
    before, after = state_arrays(call, 0, empty)
    project(call, x, call.bias, (0,), 0, after[np.newaxis])
    product, scratch = (empty(call.states[0].shape, x.dtype) for _ in range(2))
    for t, skipping in time_steps(call):
        old, new = before[t], after[t]
        if skipping is EVERY:
            new[...] = old
            continue
        np.dot(multiplied_state(call, old, scratch), call.recurrent_weight, out=product)
        new += product
        if relu:
            np.maximum(new, 0, out=new)
        else:
            np.tanh(new, out=new)
        if skipping is not None:
            new[skipping] = old[skipping]
    saved = (x, before, after) if keep else None
    return after.swapaxes(0, 1), (last_state(call, after),), saved


def simple_rnn_backward(
    dy: Array | None,
    dstates: tuple[Array | None, ...],
    call: Recurrence,
    saved: tuple[Array, Array, Array],
    empty: Empty,
    needs: RecurrentNeeds,
    relu: bool = False,
) -> RecurrentGradients:
    """See `RecurrentKernels.simple_rnn_backward`."""
    x, before, after = saved
    dgates = empty((1, *after.shape), after.dtype)
    recurrent = np.ascontiguousarray(call.recurrent_weight.T)
    dy = None if dy is None else time_major(dy, empty)
    dstate = gradient_of_state(dstates[0], call.states[0], empty)
    for t, skipping in reversed(time_steps(call)):
        if dy is not None:
            dstate += dy[t]
        dgate = dgates[0, t]
        if skipping is EVERY:
            dgate.fill(0)
            continue
        if relu:
            np.greater(after[t], 0, out=dgate)
        else:
            np.multiply(after[t], after[t], out=dgate)
            np.subtract(1, dgate, out=dgate)
        dgate *= dstate
        kept = None
        if skipping is not None:
            dgate[skipping], kept = 0, dstate[skipping]
        np.dot(dgate, recurrent, out=dstate)
        if call.state_factors is not None:
            dstate *= call.state_factors
        if kept is not None:
            dstate[skipping] = kept
    drecurrent = None
    if needs.recurrent_weight:
        drecurrent = empty(call.recurrent_weight.shape, x.dtype)
        weight_gradient(state_rows(call, before, empty), dgates, (0,), drecurrent)
    dx, dweight, dbias = projection_gradients(call, x, dgates, (0,), empty, needs)
    return RecurrentGradients(dx, dweight, drecurrent, dbias, (dstate,))


def time_major(x: Array, empty: Empty) -> Array:
    """(N, T, ...) -> (T, N, ...), contiguous; a view if the memory is ordered so already."""
    swapped = x.swapaxes(0, 1)
    if swapped.flags.c_contiguous:
        return swapped
    copied = empty(swapped.shape, x.dtype)
    copied[...] = swapped
    return copied


def gate_major(columns: Array, order: Sequence[int], sigmoids: int) -> Array:
    """(R, G * U) -> (G, R, U), contiguous, with the gates in another order.

    The first ``sigmoids`` gates are halved, because sigmoid(a) = tanh(a / 2) / 2 + 1 / 2: so one
    call of tanh, which is faster than the exponential function, computes all gates of a step.
    """
    gates = columns.reshape(len(columns), len(order), -1).swapaxes(0, 1)[list(order)]
    gates[:sigmoids] *= 0.5
    return np.ascontiguousarray(gates)


def project(
    call: Recurrence,
    x: Array,
    bias: Array | None,
    order: Sequence[int],
    sigmoids: int,
    gates: Array,
) -> None:
    """Write x @ weight + bias of all steps into ``gates`` (G, T, N, U), for x (T, N, C)."""
    rows = x.reshape(-1, x.shape[-1])
    flat = gates.reshape(len(gates), len(rows), gates.shape[-1])
    np.matmul(rows, gate_major(call.weight, order, sigmoids), out=flat)
    if bias is not None:
        # Repeated for the samples, so that the inner loops of NumPy are long.
        repeated = np.repeat(gate_major(bias[np.newaxis], order, sigmoids), x.shape[1], axis=1)
        gates += repeated[:, np.newaxis]


def time_steps(call: Recurrence) -> list[tuple[int, Skipping]]:
    """Return the steps in the order of processing, each with the samples that skip it."""
    samples, count = call.x.shape[:2]
    times = range(count)[:: -1 if call.reverse else 1]
    if call.mask is None:
        return [(t, None) for t in times]
    skipped = np.less(call.mask.T, 0.5)
    totals = skipped.sum(axis=1).tolist()
    return [(t, _skipping(skipped[t], totals[t], samples)) for t in times]


def _skipping(skipped: Array, total: int, samples: int) -> Skipping:
    if total == 0:
        return None
    return EVERY if total == samples else np.flatnonzero(skipped)


def state_arrays(call: Recurrence, index: int, empty: Empty) -> tuple[Array, Array]:
    """Return arrays of a state before and after each step, (T, N, U), which share their memory.

    The state before the first step is set.
    """
    initial = call.states[index]
    memory = empty((call.x.shape[1] + 1, *initial.shape), initial.dtype)
    before, after = (memory[1:], memory[:-1]) if call.reverse else (memory[:-1], memory[1:])
    before[-1 if call.reverse else 0] = initial
    return before, after


def last_state(call: Recurrence, after: Array) -> Array:
    """Return the state after the last step."""
    last: Array = after[0 if call.reverse else -1]
    return last


def multiplied_state(call: Recurrence, state: Array, scratch: Array) -> Array:
    """Return the state as products with ``recurrent_weight`` take it; it may be ``scratch``."""
    if call.state_factors is None:
        return state
    return np.multiply(state, call.state_factors, out=scratch)


def state_rows(call: Recurrence, before: Array, empty: Empty) -> Array:
    """Return the states of all steps as products take them: (T, N, U) -> (T * N, U)."""
    if call.state_factors is not None:
        before = np.multiply(before, call.state_factors, out=empty(before.shape, before.dtype))
    return before.reshape(-1, before.shape[-1])


def gradient_of_state(dstate: Array | None, state: Array, empty: Empty) -> Array:
    """Return a copy of the gradient of a state after the last step, zeros for None."""
    gradient = empty(state.shape, state.dtype)
    gradient[...] = 0 if dstate is None else dstate
    return gradient


def weight_gradient(
    rows: Array, dgates: Array | Sequence[Array], order: Sequence[int], out: Array
) -> None:
    """Write rows.T @ dgate for each gate into its columns of a weight's gradient.

    Args:
        rows: (R, C).
        dgates: The gradients of some gates, R * U elements each.
        order: The place of each of these gates among all of them.
        out: (C, G * U).
    """
    units = dgates[0].shape[-1]
    columns = out.reshape(len(out), -1, units)
    for dgate, place in zip(dgates, order, strict=True):
        np.matmul(rows.T, dgate.reshape(-1, units), out=columns[:, place])


def projection_gradients(
    call: Recurrence,
    x: Array,
    dgates: Array | Sequence[Array],
    order: Sequence[int],
    empty: Empty,
    needs: RecurrentNeeds,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradients of x, weight and a bias (G * U,), from those of all gates."""
    units, rows = dgates[0].shape[-1], x.reshape(-1, x.shape[-1])
    dx = dweight = dbias = None
    if needs.x:
        columns = call.weight.reshape(x.shape[-1], -1, units)
        total, part = (empty(rows.shape, x.dtype) for _ in range(2))
        for number, (dgate, place) in enumerate(zip(dgates, order, strict=True)):
            weight = columns[:, place].T
            np.matmul(dgate.reshape(-1, units), weight, out=part if number else total)
            if number:
                total += part
        dx = total.reshape(x.shape).swapaxes(0, 1)
    if needs.weight:
        dweight = empty(call.weight.shape, x.dtype)
        weight_gradient(rows, dgates, order, dweight)
    if needs.bias:
        dbias = empty(call.weight.shape[1:], x.dtype)
        for dgate, place in zip(dgates, order, strict=True):
            dbias.reshape(-1, units)[place] = channel_sums(dgate)
    return dx, dweight, dbias
