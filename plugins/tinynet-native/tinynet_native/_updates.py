"""Updates of optimizers, in place and in one pass, with the bits that the reference gives."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import ParamSpec

from tinynet_native import _kernels

P = ParamSpec("P")


def compiled(reference: Callable[P, None]) -> Callable[P, None]:
    """Return the compiled version of an update of `tinynet.kernels.updates`."""
    function = getattr(_kernels, reference.__name__)

    @wraps(reference)
    def update(*args: P.args, **kwargs: P.kwargs) -> None:
        if kwargs:
            function(*signature(reference).bind(*args, **kwargs).args)
        else:
            function(*args)

    return update
