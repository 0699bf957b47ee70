"""The memory of training: of the process, the network, and the arrays of each node."""

import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinynet.layer.context import Context
from tinynet.profiling.recorder import Place, RowKey
from tinynet.types import Array

P = ParamSpec("P")
T = TypeVar("T")

_DEPTH = 6
"""Levels of tuples, dicts and dataclasses that are searched for arrays."""


class MemoryMeter:
    """The bytes of the arrays that the forward pass of each node makes: outputs and caches."""

    def __init__(self, others: Mapping[str, Array]) -> None:
        """Start without a measurement.

        Args:
            others: Arrays that a cache may hold, and that belong to no pass: the parameters.
        """
        self._others = _owners(others)
        self._measured: list[tuple[RowKey, int]] = []

    def wrap(
        self, call: Callable[P, T], place: Place, shape_of: int | None = None
    ) -> Callable[P, T]:
        """Return the function, observed if it is a forward pass of a layer; see `Wrapper`."""
        row = place.row
        if place.category != "layer" or place.direction != "forward" or row is None:
            return call

        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            result = call(*args, **kwargs)
            made = _owners(result)
            known = _owners([argument for argument in args if not isinstance(argument, Context)])
            size = sum(made[key] for key in made.keys() - known.keys() - self._others.keys())
            # Threads append; a dict would lose some of their additions.
            self._measured.append((row, size))
            return result

        return measured

    def bytes(self) -> dict[RowKey, int]:
        """Return the bytes of each node, of all shards of a step together."""
        sums: dict[RowKey, int] = {}
        for row, size in self._measured:
            sums[row] = sums.get(row, 0) + size
        return sums


def nbytes(arrays: Any) -> int:
    """Return the bytes of the memory of all arrays in nested dicts, tuples and dataclasses."""
    return sum(_owners(arrays).values())


def peak_bytes() -> int:
    """Return the largest memory that this process has had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _owners(value: Any) -> dict[int, int]:
    """Return the bytes of each piece of memory that arrays use, by its identity."""
    found: dict[int, int] = {}
    _add_owners(value, found, _DEPTH)
    return found


def _add_owners(value: Any, found: dict[int, int], depth: int) -> None:
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        found[id(value)] = value.nbytes
    elif not depth or isinstance(value, Context):
        return
    elif isinstance(value, Mapping):
        for part in value.values():
            _add_owners(part, found, depth - 1)
    elif isinstance(value, tuple | list):
        for part in value:
            _add_owners(part, found, depth - 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            _add_owners(getattr(value, part.name), found, depth - 1)
