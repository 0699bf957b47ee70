"""The base of optimizers whose update is a function of `tinynet.kernels.updates`."""

from collections.abc import Callable
from typing import Any

from tinynet.kernels import Kernels
from tinynet.types import Array


class FusedOptimizer:
    """An optimizer whose update is a single kernel.

    Attributes:
        kernel: The update in NumPy; kernels may have a faster one of the same name.
    """

    kernel: Callable[..., None]
    config: Any

    def __init__(self, config: Any) -> None:
        self.config = config

    def arguments(self, slots: dict[str, Any], step: int, rate: float) -> tuple[Any, ...]:
        """Return the arguments of `kernel` after the parameter and its gradient.

        ``slots`` holds arrays by name, or lists of those of several parameters.
        """
        raise NotImplementedError

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        self.kernel(param, grad, *self.arguments(slots, step, rate))

    def update_with(
        self,
        kernels: Kernels,
        param: Array,
        grad: Array,
        slots: dict[str, Array],
        step: int,
        rate: float,
    ) -> None:
        update = getattr(kernels, self.kernel.__name__, self.kernel)
        update(param, grad, *self.arguments(slots, step, rate))

    def update_all(
        self,
        kernels: Kernels,
        params: list[Array],
        grads: list[Array],
        slots: list[dict[str, Array]],
        step: int,
        rate: float,
    ) -> None:
        update = getattr(kernels, self.kernel.__name__, self.kernel)
        by_name = {name: [own[name] for own in slots] for name in slots[0]}
        update(params, grads, *self.arguments(by_name, step, rate))
