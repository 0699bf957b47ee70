"""How many threads a call may compute on."""

from tinynet_native import _kernels


class OnThreads:
    """See `tinynet.kernels.Kernels.on_threads`. Good for one use: it remembers what was before."""

    __slots__ = ("_before", "_count")

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._before = _kernels.use_threads(self._count)

    def __exit__(self, *_: object) -> None:
        _kernels.use_threads(self._before)
