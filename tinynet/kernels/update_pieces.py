"""Pieces of a parameter and its state: every pass over one finds it in the cache."""

from typing import Any

import numpy as np

from tinynet.types import Array

PIECE = 32_768
"""Elements that are updated at a time."""


def pieces(param: Array, grad: Array, *slots: Array | None) -> list[tuple[Any, ...]]:
    """Return pieces of the parameter and its gradient, scratch memory, and pieces of each slot."""
    scratch = np.empty(min(param.size, PIECE), param.dtype)
    cut = []
    for start in range(0, param.size, PIECE):
        rows = slice(start, start + PIECE)
        state = [None if slot is None else slot.reshape(-1)[rows] for slot in slots]
        p = param.reshape(-1)[rows]
        cut.append((p, grad.reshape(-1)[rows], scratch[: p.size], *state))
    return cut
