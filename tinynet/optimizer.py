"""The protocol of optimizers, and every name that the author of an optimizer imports."""

from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from tinynet.config import Common, Config, is_common
from tinynet.kernels import Kernels
from tinynet.types import Array

__all__ = ["Array", "Fused", "MultiTensor", "Optimizer", "OptimizerConfig"]


class OptimizerConfig(Config):
    """The base of an optimizer's ``Config``: the options of every optimizer.

    Gradients are clipped before `Optimizer.update`. A subclass that declares ``clip_value`` itself
    gives it a meaning of its own: it applies the option, and gradients are not clipped by it.
    """

    learning_rate: float = Field(default=0.001, gt=0, description="Step size, before a schedule.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="Largest Euclidean norm of all gradients together; larger is scaled down.",
    )
    clip_value: Annotated[float | None, Common()] = Field(
        default=None,
        gt=0,
        description="Largest size of each element of a gradient; larger is set to it.",
    )

    @field_validator("clip_value")
    @classmethod
    def _only_one_limit(cls, value: Any, info: ValidationInfo) -> Any:
        if not is_common(cls, "clip_value") or value is None or info.data.get("clip_norm") is None:
            return value
        message = "'clip_norm' and 'clip_value' are both set; keep one of the two"
        raise PydanticCustomError("clip", message)


class Optimizer(Protocol):
    """The update rule of a parameter. Constructed as ``Type(config)``.

    Its state is a set of named arrays for each parameter, which checkpoints save. `update` gets a
    whole parameter, after the gradients were clipped. It is elementwise, unless the class has an
    attribute ``elementwise`` that is False: an update that uses a norm, for example. It sees one
    gradient, so methods that evaluate the loss several times in a step, such as L-BFGS, are not
    optimizers of this kind.
    """

    Config: ClassVar[type[Any]]

    def slots(self, param: Array) -> dict[str, Array]:
        """Return the initial state of one parameter: arrays of the parameter's dtype.

        They have the parameter's shape if the update is elementwise, and otherwise any shape.
        `update` keeps it.
        """
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


@runtime_checkable
class MultiTensor(Protocol):
    """The ability of a fused optimizer to update several parameters in one call."""

    def update_all(
        self,
        kernels: Kernels,
        params: list[Array],
        grads: list[Array],
        slots: list[dict[str, Array]],
        step: int,
        rate: float,
    ) -> None:
        """Update each parameter as `Fused.update_with`, with kernels of `multi_tensor_updates`.

        The lists hold the parameters, and the gradient and the state of each of them.
        """
        ...
