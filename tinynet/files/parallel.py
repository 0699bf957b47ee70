"""Work on files in a few threads, with results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MAX_THREADS = 8


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_threads(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order; a few are computed at the same time.

    An exception of a call is raised where its result would be yielded.
    """
    threads = min(MAX_THREADS, available_cores(), len(items))
    if threads < 2:
        yield from map(function, items)
        return
    rest = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        # Results may be large, so only a few calls are ahead of the one that is yielded.
        ahead = deque(_submit(pool, function, item) for item in islice(rest, 2 * threads))
        try:
            while ahead:
                result = ahead.popleft().result()
                ahead.extend(_submit(pool, function, item) for item in islice(rest, 1))
                yield result
        finally:
            for future in ahead:
                future.cancel()


def _submit(pool: ThreadPoolExecutor, function: Callable[[T], R], item: T) -> Future[R]:
    """Start a call in a thread, or make it here if no thread can be started."""
    try:
        return pool.submit(function, item)
    except RuntimeError:
        future = Future[R]()
        try:
            future.set_result(function(item))
        except Exception as error:
            future.set_exception(error)
        return future
