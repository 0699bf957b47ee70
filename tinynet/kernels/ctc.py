"""Connectionist temporal classification: the probability of a label sequence in any alignment.

A path goes through S = 2 L + 1 states: a blank before, between and after the L labels. At each time
step it stays in its state, moves to the next one, or skips a blank between two different labels.
The probabilities of all partial paths are summed in the logarithmic domain, from the start and from
the end at once: the second recursion is the first one on reversed time and reversed states.

After each time step the largest value of a row is subtracted from it. So the numbers stay small,
and float32 suffices for long sequences.
"""

import numpy as np

from tinynet.kernels.memory import Empty
from tinynet.types import Array

IMPOSSIBLE = -1e30
"""The logarithm of the probability 0: finite, so that no difference is NaN."""


def ctc(
    logits: Array, labels: Array, lengths: Array, blank: int, empty: Empty, keep: bool
) -> tuple[Array, Array | None]:
    """See `Kernels.ctc`."""
    samples, steps, classes = logits.shape
    log_softmax = empty((steps, samples, classes), logits.dtype)
    np.subtract(logits, logits.max(axis=2, keepdims=True), out=log_softmax.swapaxes(0, 1))
    softmax = np.exp(log_softmax, out=empty(log_softmax.shape, logits.dtype))
    total = softmax.sum(axis=2, keepdims=True)
    log_softmax -= np.log(total)

    states = np.full((samples, 2 * labels.shape[1] + 1), blank, np.intp)
    states[:, 1::2] = labels
    emissions = empty((steps, *states.shape), logits.dtype)
    places = states + classes * np.arange(samples)[:, None]
    # The places are valid: "clip" only spares NumPy a copy that "raise" would make.
    np.take(log_softmax.reshape(steps, -1), places, axis=1, out=emissions, mode="clip")
    emissions[:, np.arange(states.shape[1]) > 2 * lengths[:, None]] = IMPOSSIBLE

    skips = _skips(states, lengths, blank).astype(logits.dtype)
    losses, paths = _sum_paths(emissions, skips if keep else skips[:1], lengths, empty, keep)
    if not keep:
        return losses, None
    gradient = empty(logits.shape, logits.dtype)
    np.divide(softmax, total, out=gradient.swapaxes(0, 1))
    posterior = _posterior(paths, emissions, empty)
    gradient[:, :, blank] -= posterior[:, :, ::2].sum(axis=2).T
    rows = np.arange(samples)
    for i in range(labels.shape[1]):  # label by label: one may occur several times in a sample
        gradient[rows, :, labels[:, i]] -= posterior[:, :, 2 * i + 1].T
    return losses, gradient


def _skips(states: Array, lengths: Array, blank: int) -> Array:
    """Return 0 where a path can come from the last state but one, else `IMPOSSIBLE`: (2, N, S).

    The first axis is the direction: forward, and backward with reversed states. A path starts
    before the first state, from where it can go to the second one.
    """
    samples, count = states.shape
    allowed = np.zeros((2, samples, count), np.bool_)
    allowed[0, :, 2:] = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    allowed[1, :, 2:] = allowed[0, :, :1:-1]
    allowed[0, :, 1] = True
    (labeled,) = np.nonzero(lengths)
    allowed[1, labeled, count - 2 * lengths[labeled]] = True
    return np.where(allowed, 0, IMPOSSIBLE)


def _sum_paths(
    emissions: Array, skips: Array, lengths: Array, empty: Empty, keep: bool
) -> tuple[Array, Array]:
    """Return the losses (N,), and the log probabilities of the partial paths that end in a state.

    The latter are (T + 1, 2, N, S + 2): after each number of time steps, forward and backward, each
    row up to a constant. Two states without paths precede the others. Without ``keep`` there is the
    direction forward alone, and only two time steps are held.
    """
    steps, samples, count = emissions.shape
    held = steps + 1 if keep else 2
    paths = empty((held, len(skips), samples, count + 2), emissions.dtype)
    paths.fill(IMPOSSIBLE)
    before = paths[0].copy()
    before[0, :, 1] = 0
    if keep:  # the reversed states of a sample follow those of its padding
        before[1, np.arange(samples), count - 2 * lengths] = 0
    high, middle, low = (empty(skips.shape, emissions.dtype) for _ in range(3))
    constants = np.zeros(samples)
    for step in range(steps):
        stay, move = before[..., 2:], before[..., 1:-1]
        np.maximum(stay, move, out=high)
        np.minimum(stay, move, out=low)
        np.add(before[..., :-2], skips, out=middle)
        after = paths[(step + 1) % held]
        ends = np.maximum(high, middle, out=after[..., 2:])
        np.minimum(high, middle, out=middle)
        # The logarithm of a sum of three numbers, of which `ends` is the largest.
        for smaller in (middle, low):
            smaller -= ends
            np.exp(smaller, out=smaller)
        low += middle
        ends += np.log1p(low, out=low)
        ends[0] += emissions[step]
        if keep:
            ends[1] += emissions[-1 - step, :, ::-1]
        largest = ends.max(axis=2, keepdims=True)
        ends -= largest
        constants += largest[0, :, 0]
        before = after
    rows, last = np.arange(samples), 2 + 2 * lengths
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        complete = np.logaddexp(before[0, rows, last], before[0, rows, last - 1])
    losses = np.where(complete < IMPOSSIBLE / 2, np.inf, -(constants + complete))
    return losses.astype(emissions.dtype), paths


def _posterior(paths: Array, emissions: Array, empty: Empty) -> Array:
    """Return the probability of each state at each time step, given the labels: (T, N, S)."""
    posterior = empty(emissions.shape, emissions.dtype)
    np.add(paths[1:, 0, :, 2:], paths[:0:-1, 1, :, :1:-1], out=posterior)
    posterior -= emissions  # which both directions have counted
    posterior -= posterior.max(axis=2, keepdims=True)
    np.exp(posterior, out=posterior)
    posterior /= posterior.sum(axis=2, keepdims=True)
    return posterior
