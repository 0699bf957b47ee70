"""Pieces of a parameter and its state: every pass over one finds it in the cache."""

from collections.abc import Iterator
from typing import Any

import numpy as np

PIECE = 2**17
"""Elements that are updated at a time."""

SMALL = 2**12
"""Most elements of a parameter that is updated together with others: copies take less time than the
calls of NumPy."""


def pieces(param: Any, grad: Any, *slots: Any) -> Iterator[tuple[Any, ...]]:
    """Yield pieces of the parameter and its gradient, scratch memory, and pieces of each slot.

    In place of arrays there may be lists of those of several parameters. A piece is complete, with
    its changes, when the next one is requested.
    """
    if isinstance(param, list):
        yield from _pieces_of_several(param, grad, *slots)
        return
    flat: list[Any] = [None if each is None else each.reshape(-1) for each in (param, grad, *slots)]
    scratch = np.empty(min(param.size, PIECE), param.dtype)
    for start in range(0, param.size, PIECE):
        cut: list[Any] = [None if each is None else each[start : start + PIECE] for each in flat]
        yield *cut[:2], scratch[: len(cut[0])], *cut[2:]


def _pieces_of_several(*lists: Any) -> Iterator[tuple[Any, ...]]:
    params = lists[0]
    small = [i for i, param in enumerate(params) if param.size <= SMALL]
    for i in range(len(params)):
        if params[i].size > SMALL:
            yield from pieces(*[None if each is None else each[i] for each in lists])
    if not small:
        return
    parts = [None if each is None else [each[i].reshape(-1) for i in small] for each in lists]
    joined: list[Any] = [None if each is None else np.concatenate(each) for each in parts]
    yield from pieces(*joined)
    for each, whole in zip(parts, joined, strict=True):
        if each is not None and each is not parts[1]:  # the gradient does not change
            start = 0
            for array in each:
                array[...] = whole[start : start + array.size]
                start += array.size
