"""Snapshots of an object's state, to detect changes of its attributes and of all they hold."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinynet.testing.checks import CheckFailed

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_UNUSUAL = 1_618_033_988


def snapshot(value: Any, path: str) -> dict[str, Any]:
    """Return the leaves of ``value`` by path: ``layer.params['weight']`` -> its bytes."""
    leaves: dict[str, Any] = {}
    _collect(value, path, leaves, set())
    return leaves


def snapshots(**named: Any) -> dict[str, Any]:
    """Return the leaves of several objects, each named by its keyword."""
    leaves: dict[str, Any] = {}
    for name, value in named.items():
        leaves |= snapshot(value, name)
    return leaves


def require_unchanged(before: dict[str, Any], after: dict[str, Any], who: str) -> None:
    """Raise `CheckFailed`, naming the first leaf that differs."""
    for path in [*before, *(path for path in after if path not in before)]:
        if path not in after:
            raise CheckFailed(f"{who} removed {path}")
        if path not in before:
            raise CheckFailed(f"{who} set {path}")
        if before[path] != after[path]:
            raise CheckFailed(f"{who} changed {path}")


@contextmanager
def no_global_randomness(who: str) -> Iterator[None]:
    """Raise `CheckFailed` if ``who`` changes a random generator of the whole process."""
    kept = np.random.get_state(), random.getstate()
    # An unusual state, so that seeding them changes it even if they were seeded before.
    np.random.seed(_UNUSUAL)
    random.seed(_UNUSUAL)
    try:
        before = _global_random_state()
        yield
        require_unchanged(before, _global_random_state(), who)
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])


def _global_random_state() -> dict[str, Any]:
    return {
        "np.random's global state": snapshot(np.random.get_state(), "state"),
        "the state of Python's random": random.getstate(),
    }


def _collect(value: Any, path: str, leaves: dict[str, Any], ancestors: set[int]) -> None:
    if isinstance(value, _PLAIN):
        leaves[path] = repr(value)
    elif isinstance(value, np.ndarray | np.generic):
        objects = value.dtype.hasobject  # their bytes are addresses
        content = repr(value.tolist()) if objects else value.tobytes()
        leaves[path] = (value.dtype.str, value.shape, content)
    elif isinstance(value, np.random.Generator):
        leaves[path] = snapshot(value.bit_generator.state, path)
    elif id(value) in ancestors:
        leaves[path] = id(value)
    else:
        _collect_parts(value, path, leaves, ancestors | {id(value)})


def _collect_parts(value: Any, path: str, leaves: dict[str, Any], ancestors: set[int]) -> None:
    if isinstance(value, Mapping):
        leaves[path] = tuple(map(repr, value))
        parts = {f"{path}[{key!r}]": part for key, part in value.items()}
    elif isinstance(value, list | tuple):
        leaves[path] = len(value)
        parts = {f"{path}[{index}]": part for index, part in enumerate(value)}
    elif isinstance(value, type) or not hasattr(value, "__dict__"):
        leaves[path] = id(value)
        parts = {}
    else:
        parts = {f"{path}.{name}": part for name, part in vars(value).items()}
    for where, part in parts.items():
        _collect(part, where, leaves, ancestors)
