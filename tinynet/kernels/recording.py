"""Recording of NumPy's kernels: calls that are made again on the same arrays.

A call gets the arrays again that it has taken from ``empty``. Other arrays among its results are
copied to where they were, since views of them may be arguments of later calls. What a call saves
for another one is that of the last time.
"""

import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.blas import one_blas_thread
from tinynet.kernels.memory import Empty
from tinynet.types import Array, Shape


class _Thread(threading.local):
    """The recording of a thread, while none of its kernels is running."""

    recording: "RecordedCalls | None" = None


_thread = _Thread()


def recorded(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel whose calls are recorded while its thread has a recording."""

    @wraps(kernel)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _thread.recording is None:
            return kernel(*args, **kwargs)
        return _thread.recording.call(kernel, args, kwargs)

    return call


class RecordedCalls:
    """A `tinynet.kernels.Recording`."""

    faithful = True

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._sources: dict[int, _Source] = {}

    def start(self) -> None:
        """See `Recording.start`."""
        _thread.recording = self

    def stop(self) -> None:
        """See `Recording.stop`."""
        _thread.recording = None

    def call(
        self, kernel: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a kernel and record it, without the kernels that it calls itself."""
        self.stop()
        try:
            call = _Call(kernel, args, kwargs, self._sources)
        finally:
            self.start()
        self._calls.append(call)
        if isinstance(call.results, tuple):
            for position, value in enumerate(call.results):
                if value is not None and not isinstance(value, np.ndarray):
                    self._sources[id(value)] = _Source(call, position)
        return call.results

    def run(self) -> None:
        """See `Recording.run`."""
        with np.errstate(all="ignore"):
            one_blas_thread().call(self._run)

    def _run(self) -> None:
        for call in self._calls:
            call.run()


class _Source(NamedTuple):
    """The place of a value among the results of a call."""

    call: "_Call"
    position: int


class _Call:
    """A call of a kernel.

    Attributes:
        results: The results of the first time.
        last_results: Those of the last time.
    """

    def __init__(
        self,
        kernel: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        sources: dict[int, _Source],
    ) -> None:
        """Make the call for the first time; ``sources`` are those of earlier results, by id."""
        self._kernel, self._memory = kernel, _Memory()
        self._saved = [(i, sources[id(arg)]) for i, arg in enumerate(args) if id(arg) in sources]
        own = [self._memory.record_from(arg) if callable(arg) else arg for arg in args]
        named = {k: self._memory.record_from(v) if callable(v) else v for k, v in kwargs.items()}
        self.results = self.last_results = kernel(*own, **named)
        again = self._memory.again
        self._args = [again if callable(arg) else arg for arg in args]
        self._kwargs = {k: again if callable(v) else v for k, v in kwargs.items()}

    def run(self) -> None:
        """Make the call again."""
        for number, (call, position) in self._saved:
            self._args[number] = call.last_results[position]
        self._memory.rewind()
        self.last_results = self._kernel(*self._args, **self._kwargs)
        _copy(self.last_results, self.results)


class _Memory:
    """The arrays that a call takes from ``empty``: the same ones each time."""

    def __init__(self) -> None:
        self._arrays: list[Array] = []
        self._rest: Iterator[Array] = iter(())

    def record_from(self, empty: Empty) -> Empty:
        """Return a source of arrays that are kept."""

        def record(shape: Shape, dtype: DTypeLike) -> Array:
            array = empty(shape, dtype)
            self._arrays.append(array)
            return array

        return record

    def rewind(self) -> None:
        """Let `again` begin with the first array."""
        self._rest = iter(self._arrays)

    def again(self, shape: Shape, dtype: DTypeLike) -> Array:
        """Return the next array that was kept; a new one where a call takes another than before."""
        array = next(self._rest, None)
        if array is None or array.shape != shape or array.dtype != dtype:
            return np.empty(shape, dtype)
        return array


def _copy(values: Any, into: Any) -> None:
    """Copy arrays, also those in tuples, to where they were the first time."""
    if isinstance(into, np.ndarray):
        if values is not into:
            into[...] = values
    elif isinstance(into, tuple):
        for value, target in zip(values, into, strict=True):
            _copy(value, target)
