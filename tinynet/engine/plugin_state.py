"""The state of plugins: named arrays that a checkpoint must be able to hold."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from tinynet.archive.header import tensor_problem
from tinynet.engine.layer_calls import described
from tinynet.types import Array, Shape

_MAX_LISTED = 5


def state_problem(
    state: Any,
    method: str,
    prefix: str,
    *,
    finite: bool,
    writable: bool = False,
) -> str | None:
    """Return a message if a plugin returned anything but arrays by name that a checkpoint can hold.

    Args:
        state: The value that the plugin returned.
        method: The method that returned it.
        prefix: The group of the arrays in a checkpoint: ``slots/dense_1/weight``.
        finite: True if checkpoints refuse NaN and infinity there.
        writable: True if a resumed run loads the arrays in place.

    Returns:
        A message that lists every array that is wrong; None if all are good.
    """
    if not isinstance(state, Mapping):
        return f"{method} must return a dict of arrays; it returned {described(state)}"
    problems = [p for name, a in state.items() if (p := _problem(name, a, prefix, finite=finite))]
    if writable and not problems:
        read_only = (name for name, array in state.items() if not array.flags.writeable)
        problems = [f"{name!r} is read-only; return a copy of it" for name in read_only]
    if not problems:
        return None
    more = "; ..." if len(problems) > _MAX_LISTED else ""
    return (
        f"{method} must return a dict of arrays that a checkpoint can hold:"
        f" {'; '.join(problems[:_MAX_LISTED])}{more}"
    )


def _problem(name: Any, array: Any, prefix: str, *, finite: bool) -> str | None:
    if not isinstance(name, str):
        return f"the name {name!r} must be a text"
    if not isinstance(array, np.ndarray):
        return f"{name!r} must be an array; it is {described(array)}"
    if problem := tensor_problem(f"{prefix}/{name}", array):
        return problem
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        return f"{name!r} must be finite; it holds NaN or infinity"
    return None


Layout: TypeAlias = dict[str, tuple[Shape, str]]
"""Shape and dtype of arrays by name."""


def layout(arrays: Mapping[str, Array]) -> Layout:
    """Return shape and dtype of each array."""
    return {name: (array.shape, array.dtype.str) for name, array in arrays.items()}


def layout_problem(before: Layout, state: Mapping[str, Any], method: str) -> str | None:
    """Return a message if a method added, removed, reshaped or retyped an array of its state.

    Args:
        before: The layout of the state before the call.
        state: The state after it.
        method: The method that was called.

    Returns:
        A message that lists every such array; None if there is none.
    """
    # A NumPy scalar takes the place of an array without axes: it is saved and loaded like one.
    arrays = all(isinstance(array, np.ndarray | np.generic) for array in state.values())
    if arrays and layout(state) == before:
        return None
    problems = []
    for name in dict.fromkeys([*before, *state]):
        old, new = before.get(name), state.get(name)
        if old is None:
            problems.append(f"{name!r} is new")
        elif not isinstance(new, np.ndarray | np.generic):
            problems.append(f"{name!r} is {'gone' if name not in state else described(new)}")
        elif (new.shape, new.dtype.str) != old:
            shape, dtype = old
            problems.append(
                f"{name!r} was {np.dtype(dtype)} {shape}, and is {new.dtype} {new.shape}"
            )
    return (
        f"{method} must change the arrays of the state in place, as they are saved and loaded by"
        f" shape and dtype: {'; '.join(problems[:_MAX_LISTED])}"
    )
