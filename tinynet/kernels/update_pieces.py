"""Pieces of a parameter and its state: every pass over one finds it in the cache."""

from typing import Any

import numpy as np

from tinynet.types import Array

PIECE = 2**16
"""Elements that are updated at a time."""


def pieces(param: Array, grad: Array, *slots: Array | None) -> list[tuple[Any, ...]]:
    """Return pieces of the parameter and its gradient, scratch memory, and pieces of each slot.

    In place of arrays there may be lists of those of several parameters.
    """
    if isinstance(param, list):
        arrays = [[None] * len(param) if each is None else each for each in (param, grad, *slots)]
        return [piece for own in zip(*arrays, strict=True) for piece in pieces(*own)]
    scratch = np.empty(min(param.size, PIECE), param.dtype)
    cut = []
    for start in range(0, param.size, PIECE):
        rows = slice(start, start + PIECE)
        state = [None if slot is None else slot.reshape(-1)[rows] for slot in slots]
        p = param.reshape(-1)[rows]
        cut.append((p, grad.reshape(-1)[rows], scratch[: p.size], *state))
    return cut
