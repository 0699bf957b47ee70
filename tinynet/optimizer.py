"""The protocol of optimizers, and every name that the author of an optimizer imports."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import Field

from tinynet.config import Config
from tinynet.kernels import Kernels
from tinynet.types import Array

__all__ = ["Array", "Fused", "Optimizer", "OptimizerConfig"]


class OptimizerConfig(Config):
    """The base of an optimizer's ``Config``: the options of every optimizer."""

    learning_rate: float = Field(default=0.001, gt=0, description="Step size, before a schedule.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest Euclidean norm of all gradients together; larger is scaled down.",
    )


class Optimizer(Protocol):
    """The update rule of a parameter. Constructed as ``Type(config)``.

    Its state is a set of named arrays for each parameter, which checkpoints save. `update` gets a
    whole parameter, after the gradients were clipped by their global norm. It is elementwise,
    unless the class has an attribute ``elementwise`` that is False: an update that uses a norm, for
    example. It sees one gradient, so methods that evaluate the loss several times in a step, such
    as L-BFGS, are not optimizers of this kind.
    """

    Config: ClassVar[type[Any]]

    def slots(self, param: Array) -> dict[str, Array]:
        """Return the initial state of one parameter: arrays of the parameter's shape."""
        ...

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        """Update ``param`` and ``slots`` in place, and change nothing else.

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
    """The ability of an optimizer whose update is one kernel, in a single pass over memory."""

    def update_with(
        self,
        kernels: Kernels,
        param: Array,
        grad: Array,
        slots: dict[str, Array],
        step: int,
        rate: float,
    ) -> None:
        """Update as `Optimizer.update`, with these kernels; every array is contiguous."""
        ...
