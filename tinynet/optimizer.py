"""The protocol of optimizers, and everything the author of one imports."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import Field

from tinynet.config import Config
from tinynet.kernels import Kernels
from tinynet.types import Array

__all__ = ["Array", "Fused", "Optimizer", "OptimizerConfig"]


class OptimizerConfig(Config):
    """The base of an optimizer's ``Config``: what every optimizer has."""

    learning_rate: float = Field(default=0.001, gt=0, description="Step size, before a schedule.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest Euclidean norm of all gradients together; larger is scaled down.",
    )


class Optimizer(Protocol):
    """The update rule of a parameter. Constructed as ``Type(config)``.

    Its state is plain named arrays that belong to the parameter and are checkpointed with it.
    `update` is elementwise, so that the work may be cut anywhere; global quantities (the clip
    norm) are applied to the gradient before.
    """

    Config: ClassVar[type[Any]]

    def slots(self, param: Array) -> dict[str, Array]:
        """Return the initial state of one parameter: arrays of the parameter's shape."""
        ...

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        """One step: change ``param`` and ``slots`` in place, and nothing else.

        Args:
            param: The parameter, any shape.
            grad: Its gradient, averaged over the batch; not to be changed.
            slots: The state of this parameter.
            step: Number of this step, counted from 1.
            rate: Learning rate of this step, after the schedule.
        """
        ...


@runtime_checkable
class Fused(Protocol):
    """The ability of an optimizer whose update is a kernel, which may take one pass over memory."""

    def update_with(
        self,
        kernels: Kernels,
        param: Array,
        grad: Array,
        slots: dict[str, Array],
        step: int,
        rate: float,
    ) -> None:
        """As `Optimizer.update`, with these kernels; every array is contiguous."""
        ...
