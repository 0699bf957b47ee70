"""The number of threads that a call may compute on."""

from tinynet_native import _kernels


class OnThreads:
    """See `tinynet.kernels.Kernels.on_threads`. Good for one use: it restores the number before.

    `__exit__` may be called twice, and without `__enter__`: an interrupt can come between any two
    instructions, and the caller cannot know which of the two has run.
    """

    __slots__ = ("_before", "_count")

    def __init__(self, count: int) -> None:
        self._count = count
        self._before = _kernels.threads_in_use()

    def __enter__(self) -> None:
        self._before = _kernels.use_threads(self._count)

    def __exit__(self, *_: object) -> None:
        _kernels.use_threads(self._before)
