"""Scenarios of the conformance kit for the kernels of recurrent layers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tinynet.kernels import Kernels, Recurrence, RecurrentNeeds
from tinynet.testing.arrays import Arrays, read_only
from tinynet.testing.kernel_draw import Draw
from tinynet.types import Array, Shape


def simple_rnn(kernels: Kernels, draw: Draw) -> Arrays:
    """Simple recurrence with tanh or ReLU, forward and backward."""
    relu = draw.flag()
    call = _call(draw, gates=1, states=1)
    forward = partial(kernels.simple_rnn, relu=relu)
    return _outcome(call, forward, partial(kernels.simple_rnn_backward, relu=relu), draw)


def gru(kernels: Kernels, draw: Draw) -> Arrays:
    """Gated recurrent units of both conventions, forward and backward."""
    after = draw.flag()
    call = _call(draw, gates=3, states=1, bias_rows=(2,) if after else ())
    forward = partial(kernels.gru, reset_after=after)
    return _outcome(call, forward, partial(kernels.gru_backward, reset_after=after), draw)


def lstm(kernels: Kernels, draw: Draw) -> Arrays:
    """Long short-term memory, forward and backward."""
    return _outcome(_call(draw, gates=4, states=2), kernels.lstm, kernels.lstm_backward, draw)


def _call(draw: Draw, gates: int, states: int, bias_rows: Shape = ()) -> Recurrence:
    samples, steps = draw.integer(1, 6), draw.integer(1, 6)
    channels, units = draw.integer(1, 20), draw.integer(1, 20)
    return Recurrence(
        x=draw.normal(samples, steps, channels),
        weight=draw.normal(channels, gates * units),
        recurrent_weight=read_only(draw.normal(units, gates * units) / 2),
        bias=draw.normal(*bias_rows, gates * units) if draw.flag() else None,
        states=tuple(draw.normal(samples, units) for _ in range(states)),
        mask=_mask(draw, samples, steps) if draw.flag() else None,
        state_factors=draw.normal(samples, units) if draw.flag() else None,
        reverse=draw.flag(),
    )


def _mask(draw: Draw, samples: int, steps: int) -> Array:
    """Return a mask (N, T), in which all samples skip the last step."""
    mask = draw.rng.integers(2, size=(samples, steps)).astype(draw.dtype)
    mask[:, -1] = 0
    return read_only(mask)


def _outcome(
    call: Recurrence, forward: Callable[..., Any], backward: Callable[..., Any], draw: Draw
) -> Arrays:
    y, states, saved = forward(call, draw.empty, True)
    light, light_states, _ = forward(call, draw.empty, False)
    dy = draw.normal(*y.shape) if draw.flag() else None
    dstates = tuple(draw.normal(*s.shape) if draw.flag() else None for s in states)
    needs = RecurrentNeeds(
        draw.flag(), draw.flag(), draw.flag(), call.bias is not None and draw.flag()
    )
    gradients = backward(dy, dstates, call, saved, draw.empty, needs)
    named = {"y": y, "y_without_cache": light}
    named |= {f"state {i}": state for i, state in enumerate(states)}
    named |= {f"state {i} without cache": state for i, state in enumerate(light_states)}
    named |= {f"gradient of state {i}": d for i, d in enumerate(gradients.states)}
    named |= {
        f"gradient of {name}": getattr(gradients, name)
        for name, needed in needs._asdict().items()
        if needed
    }
    return {name: np.array(array) for name, array in named.items()}
