"""Kernels of NumPy that can be recorded, as compiled ones can: a stand-in for tests."""

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from tinynet.engine.numeric_context import one_blas_thread
from tinynet.kernels.numpy import NumpyKernels

_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]


class _Thread(threading.local):
    """The recording of a thread."""

    recording: "RecordedCalls | None" = None


_thread = _Thread()


class RecordedCalls:
    """A `tinynet.kernels.Recording`."""

    def __init__(self) -> None:
        self.faithful = True
        self._calls: list[_Call] = []

    def start(self) -> None:
        _thread.recording = self

    def stop(self) -> None:
        _thread.recording = None

    def add(self, *call: Any) -> None:
        """Add a function with its arguments and its results."""
        self._calls.append(call)

    def run(self) -> None:
        # These kernels use BLAS and NumPy's arithmetic, and may be replayed without a context.
        with np.errstate(all="ignore"):
            one_blas_thread().call(self._run)

    def _run(self) -> None:
        for function, args, kwargs, results in self._calls:
            _copy(function(*args, **kwargs), results)


class RecordingKernels(NumpyKernels):
    """The kernels of NumPy, whose calls can be recorded."""

    recording = RecordedCalls


def _recorded(function: Callable[..., Any], *, is_method: bool) -> Callable[..., Any]:
    @wraps(function)
    def call(self: RecordingKernels, *args: Any, **kwargs: Any) -> Any:
        own = (self, *args) if is_method else args
        results = function(*own, **kwargs)
        if _thread.recording is not None:
            fresh = tuple([np.empty if callable(value) else value for value in own])
            kwargs = {k: np.empty if callable(v) else v for k, v in kwargs.items()}
            _thread.recording.add(function, fresh, kwargs, results)
        return results

    return call


def _copy(values: Any, into: Any) -> None:
    """Copy arrays, also those in tuples, into arrays at the same places."""
    if isinstance(into, np.ndarray):
        into[...] = values
    elif isinstance(into, tuple):
        for value, target in zip(values, into, strict=True):
            _copy(value, target)


for _name, _value in list(vars(NumpyKernels).items()):
    if callable(getattr(NumpyKernels, _name)) and _name[0] != "_" and _name != "on_threads":
        _function = _value.__func__ if isinstance(_value, staticmethod) else _value
        setattr(
            RecordingKernels,
            _name,
            _recorded(_function, is_method=not isinstance(_value, staticmethod)),
        )
