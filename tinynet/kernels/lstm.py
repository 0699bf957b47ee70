"""Long short-term memory."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.kernels.recurrence import Recurrence, RecurrentGradients, RecurrentNeeds, States
from tinynet.kernels.recurrent import (
    EVERY,
    gate_major,
    gradient_of_state,
    last_state,
    multiplied_state,
    project,
    projection_gradients,
    state_arrays,
    state_rows,
    time_major,
    time_steps,
    weight_gradient,
)
from tinynet.types import Array

ORDER = (3, 0, 1, 2)
"""Gates o, i, f, c: first those with a sigmoid, last those whose gradient is that of the cell."""

SIGMOIDS = 3


class SavedLSTM(NamedTuple):
    """The values that `lstm` saves for `lstm_backward`."""

    x: Array  # (T, N, C)
    gates: Array  # after their sigmoid or tanh, (4, T, N, U) in `ORDER`
    before: Array  # states before each step, (T, N, U)
    after: Array
    cells_before: Array
    cells_after: Array


def lstm(call: Recurrence, empty: Empty, keep: bool) -> tuple[Array, States, SavedLSTM | None]:
    """See `RecurrentKernels.lstm`."""
    x = time_major(call.x, empty)
    shape = call.states[0].shape
    gates = empty((len(ORDER), len(x), *shape), x.dtype)
    project(call, x, call.bias, ORDER, SIGMOIDS, gates)
    recurrent = gate_major(call.recurrent_weight, ORDER, SIGMOIDS)
    before, after = state_arrays(call, 0, empty)
    cells_before, cells_after = state_arrays(call, 1, empty)
    product, scratch = empty((len(ORDER), *shape), x.dtype), empty(shape, x.dtype)
    for t, skipping in time_steps(call):
        old, new, old_cell, new_cell = before[t], after[t], cells_before[t], cells_after[t]
        if skipping is EVERY:
            new[...], new_cell[...] = old, old_cell
            continue
        gate = gates[:, t]
        np.matmul(multiplied_state(call, old, scratch), recurrent, out=product)
        gate += product
        np.tanh(gate, out=gate)
        sigmoids = gate[:SIGMOIDS]
        sigmoids *= 0.5
        sigmoids += 0.5
        o, i, f, c = gate
        np.multiply(f, old_cell, out=new_cell)
        new_cell += np.multiply(i, c, out=scratch)
        np.tanh(new_cell, out=new)
        new *= o
        if skipping is not None:
            new[skipping], new_cell[skipping] = old[skipping], old_cell[skipping]
    saved = SavedLSTM(x, gates, before, after, cells_before, cells_after) if keep else None
    return after.swapaxes(0, 1), (last_state(call, after), last_state(call, cells_after)), saved


def lstm_backward(
    dy: Array | None,
    dstates: tuple[Array | None, ...],
    call: Recurrence,
    saved: SavedLSTM,
    empty: Empty,
    needs: RecurrentNeeds,
) -> RecurrentGradients:
    """See `RecurrentKernels.lstm_backward`."""
    x, gates, before, after, cells_before, cells_after = saved
    dgates, shape = empty(gates.shape, x.dtype), call.states[0].shape
    recurrent = np.ascontiguousarray(gate_major(call.recurrent_weight, ORDER, 0).swapaxes(1, 2))
    dy = None if dy is None else time_major(dy, empty)
    dstate, dcell = (
        gradient_of_state(d, state, empty) for d, state in zip(dstates, call.states, strict=True)
    )
    product, scratch = empty((len(ORDER), *shape), x.dtype), empty(shape, x.dtype)
    for t, skipping in reversed(time_steps(call)):
        if dy is not None:
            dstate += dy[t]
        gate, dgate = gates[:, t], dgates[:, t]
        if skipping is EVERY:
            dgate.fill(0)
            continue
        kept = None if skipping is None else (dstate[skipping], dcell[skipping])
        o, i, f, c = gate
        do, di, df, dc = dgate
        # o * (1 - tanh(cell)**2) is o - state * tanh(cell).
        np.tanh(cells_after[t], out=scratch)
        scratch *= after[t]
        np.subtract(o, scratch, out=scratch)
        scratch *= dstate
        dcell += scratch
        # The slope of a sigmoid s is s * (1 - s), that of a tanh is (1 + c) * (1 - c).
        np.subtract(1, gate, out=dgate)
        do *= after[t]
        do *= dstate
        dgate[1:3] *= gate[1:3]
        di *= c
        df *= cells_before[t]
        dc *= np.add(c, 1, out=scratch)
        dc *= i
        dgate[1:] *= dcell
        dcell *= f
        if skipping is not None:
            dgate[:, skipping] = 0
        np.matmul(dgate, recurrent, out=product)
        np.add.reduce(product, axis=0, out=dstate)
        if call.state_factors is not None:
            dstate *= call.state_factors
        if kept is not None:
            dstate[skipping], dcell[skipping] = kept
    drecurrent = None
    if needs.recurrent_weight:
        drecurrent = empty(call.recurrent_weight.shape, x.dtype)
        weight_gradient(state_rows(call, before, empty), dgates, ORDER, drecurrent)
    dx, dweight, dbias = projection_gradients(call, x, dgates, ORDER, empty, needs)
    return RecurrentGradients(dx, dweight, drecurrent, dbias, (dstate, dcell))
