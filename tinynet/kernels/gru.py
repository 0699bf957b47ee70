"""Gated recurrent units."""

from typing import NamedTuple

import numpy as np

from tinynet.kernels.elementwise import channel_sums
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

ORDER = (0, 1, 2)
"""Gates z, r, h: that of Keras, which has the sigmoids first."""

SIGMOIDS = 2


class SavedGRU(NamedTuple):
    """The values that `gru` saves for `gru_backward`."""

    x: Array  # (T, N, C)
    gates: Array  # after their sigmoid or tanh, (3, T, N, U) in `ORDER`
    before: Array  # states before each step, (T, N, U)
    inner: Array  # with reset_after the factor of r in h, else r * state, (T, N, U)


def gru(
    call: Recurrence, empty: Empty, keep: bool, reset_after: bool = True
) -> tuple[Array, States, SavedGRU | None]:
    """See `RecurrentKernels.gru`."""
    x = time_major(call.x, empty)
    shape = call.states[0].shape
    gates = empty((len(ORDER), len(x), *shape), x.dtype)
    bias, inner_bias = _biases(call, reset_after)
    project(call, x, bias, ORDER, SIGMOIDS, gates)
    recurrent = gate_major(call.recurrent_weight, ORDER, SIGMOIDS)
    before, after = state_arrays(call, 0, empty)
    inner = empty(before.shape, x.dtype)
    count = len(ORDER) if reset_after else SIGMOIDS
    product, scratch = empty((count, *shape), x.dtype), empty(shape, x.dtype)
    for t, skipping in time_steps(call):
        old, new = before[t], after[t]
        if skipping is EVERY:
            new[...] = old
            inner[t].fill(0)  # It is a factor in the gradient of recurrent_weight.
            continue
        (z, r, h), sigmoids = gates[:, t], gates[:SIGMOIDS, t]
        multiplied = multiplied_state(call, old, scratch)
        np.matmul(multiplied, recurrent[:count], out=product)
        sigmoids += product[:SIGMOIDS]
        np.tanh(sigmoids, out=sigmoids)
        sigmoids *= 0.5
        sigmoids += 0.5
        if reset_after:
            np.add(product[2], inner_bias, out=inner[t])
            np.multiply(r, inner[t], out=scratch)
        else:
            np.multiply(r, multiplied, out=inner[t])
            np.dot(inner[t], recurrent[2], out=scratch)
        h += scratch
        np.tanh(h, out=h)
        np.subtract(old, h, out=new)
        new *= z
        new += h
        if skipping is not None:
            new[skipping] = old[skipping]
    saved = SavedGRU(x, gates, before, inner) if keep else None
    return after.swapaxes(0, 1), (last_state(call, after),), saved


def gru_backward(
    dy: Array | None,
    dstates: tuple[Array | None, ...],
    call: Recurrence,
    saved: SavedGRU,
    empty: Empty,
    needs: RecurrentNeeds,
    reset_after: bool = True,
) -> RecurrentGradients:
    """See `RecurrentKernels.gru_backward`."""
    x, gates, before, inner = saved
    shape = call.states[0].shape
    # With reset_after, the gradient of `inner` comes before that of h, so that those which are
    # multiplied by recurrent_weight are the first three.
    dgates = empty((4 if reset_after else 3, *before.shape), x.dtype)
    count = len(ORDER) if reset_after else SIGMOIDS
    recurrent = np.ascontiguousarray(gate_major(call.recurrent_weight, ORDER, 0).swapaxes(1, 2))
    dy = None if dy is None else time_major(dy, empty)
    dstate = gradient_of_state(dstates[0], call.states[0], empty)
    product, slopes = empty((count, *shape), x.dtype), empty((SIGMOIDS, *shape), x.dtype)
    scratch, other = (empty(shape, x.dtype) for _ in range(2))
    for t, skipping in reversed(time_steps(call)):
        if dy is not None:
            dstate += dy[t]
        dgate = dgates[:, t]
        if skipping is EVERY:
            dgate.fill(0)
            continue
        kept = None if skipping is None else dstate[skipping]
        z, r, h = gates[:, t]
        dz, dr, dh = dgate[0], dgate[1], dgate[-1]
        np.subtract(1, gates[:SIGMOIDS, t], out=slopes)
        np.multiply(slopes[0], dstate, out=dh)
        slopes *= gates[:SIGMOIDS, t]
        np.subtract(before[t], h, out=dz)
        dz *= dstate
        dz *= slopes[0]
        np.multiply(h, h, out=scratch)
        dh *= np.subtract(1, scratch, out=scratch)
        if reset_after:
            np.multiply(dh, inner[t], out=dr)
            np.multiply(dh, r, out=dgate[2])
        else:
            np.dot(dh, recurrent[2], out=scratch)
            np.multiply(scratch, multiplied_state(call, before[t], other), out=dr)
            scratch *= r
        dr *= slopes[1]
        if skipping is not None:
            dgate[:, skipping] = 0
        dstate *= z
        np.matmul(dgate[:count], recurrent[:count], out=product)
        np.add.reduce(product, axis=0, out=other)
        if not reset_after:
            other += scratch
        if call.state_factors is not None:
            other *= call.state_factors
        dstate += other
        if kept is not None:
            dstate[skipping] = kept
    drecurrent = _recurrent_gradient(call, before, inner, dgates, reset_after, empty, needs)
    projected = (*dgates[:2], dgates[-1])
    dx, dweight, dbias = projection_gradients(call, x, projected, ORDER, empty, needs)
    if dbias is not None and reset_after:
        dbias = np.stack([dbias, np.concatenate([channel_sums(d) for d in dgates[:3]])])
    return RecurrentGradients(dx, dweight, drecurrent, dbias, (dstate,))


def _biases(call: Recurrence, reset_after: bool) -> tuple[Array | None, Array | float]:
    """Return the bias of the gates, (3 * U,), and that within the product with r, (N, U)."""
    if call.bias is None or not reset_after:
        return call.bias, 0.0
    samples, units = call.states[0].shape
    bias = call.bias[0].copy()
    bias[: SIGMOIDS * units] += call.bias[1, : SIGMOIDS * units]
    return bias, np.repeat(call.bias[1:, SIGMOIDS * units :], samples, axis=0)


def _recurrent_gradient(
    call: Recurrence,
    before: Array,
    inner: Array,
    dgates: Array,
    reset_after: bool,
    empty: Empty,
    needs: RecurrentNeeds,
) -> Array | None:
    if not needs.recurrent_weight:
        return None
    out = empty(call.recurrent_weight.shape, before.dtype)
    rows = state_rows(call, before, empty)
    if reset_after:
        weight_gradient(rows, dgates[:3], ORDER, out)
    else:
        weight_gradient(rows, dgates[:2], ORDER[:2], out)
        weight_gradient(inner.reshape(rows.shape), dgates[2:], ORDER[2:], out)
    return out
