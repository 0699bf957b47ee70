"""Substitutes for the engine's objects; each detects one kind of fault."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.memory import Workspace
from tinynet.layer.build import Build, InitializerLike
from tinynet.layer.context import Context
from tinynet.testing.checks import CheckFailed
from tinynet.types import Array, Shape


class Untouchable(np.ndarray[Any, np.dtype[Any]]):
    """An array of a dry build: it has a shape and a dtype, but no values."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> NoReturn:
        raise CheckFailed(
            f"the constructor computes with a parameter (np.{ufunc.__name__}), which"
            " has no values in a dry build; make it an initializer"
        )

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        raise CheckFailed(
            f"the constructor computes with a parameter (np.{func.__name__}), which"
            " has no values in a dry build; make it an initializer"
        )


def _refusal(method: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise CheckFailed(
            f"the constructor reads or writes a parameter ({method}), which has no values in a dry"
            " build; make it an initializer"
        )

    return refuse


for _method in (
    "__getitem__ __setitem__ __iter__ __bool__ __int__ __float__ astype copy dot fill item tobytes"
    " tolist"
).split():
    setattr(Untouchable, _method, _refusal(_method))


@dataclass(kw_only=True)
class RecordingBuild(Build):
    """A build that records the arrays that it returned.

    Attributes:
        made_params: The arrays that `param` returned, by name.
        made_buffers: The arrays that `buffer` returned, by name.
    """

    made_params: dict[str, Array] = field(default_factory=dict)
    made_buffers: dict[str, Array] = field(default_factory=dict)

    def param(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike,
        *,
        fan_in: int | None = None,
        fan_out: int | None = None,
    ) -> Array:
        array = super().param(name, shape, initializer, fan_in=fan_in, fan_out=fan_out)
        self.made_params[name] = array.view(Untouchable) if self.dry else array
        return self.made_params[name]

    def buffer(self, name: str, shape: Shape, initializer: InitializerLike) -> Array:
        array = super().buffer(name, shape, initializer)
        self.made_buffers[name] = array.view(Untouchable) if self.dry else array
        return self.made_buffers[name]


@dataclass(kw_only=True)
class StrictContext(Context):
    """A context that records the use of its random stream, and can forbid it.

    Memory that is not from a workspace is zero, so that a layer which reads memory before writing
    it fails only the check for that fault.

    Attributes:
        forbidden: The finding to raise if random numbers are drawn; empty while that is allowed.
        drawn: True if random numbers have been drawn.
    """

    forbidden: str = ""
    drawn: bool = False

    @property
    def rng(self) -> np.random.Generator:
        if self.forbidden:
            raise CheckFailed(self.forbidden)
        self.drawn = True
        return super().rng

    def uniform(self, shape: Shape) -> Array:
        if self.forbidden:
            raise CheckFailed(self.forbidden)
        self.drawn = True
        return super().uniform(shape)

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        array = super().empty(shape, dtype)
        if self.workspace is None:
            array.fill(0)
        return array


class PoisonedWorkspace(Workspace):
    """A workspace whose recycled memory is invalid: every float is NaN, every integer -1."""

    def __init__(self) -> None:
        super().__init__()
        self._handed_out: list[Array] = []

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        array = super().empty(shape, dtype)
        self._handed_out.append(array)
        _poison(array)
        return array

    def reset(self) -> None:
        for array in self._handed_out:
            _poison(array)
        self._handed_out.clear()
        super().reset()


def _poison(array: Array) -> None:
    array.reshape(-1).view(np.uint8).fill(0xFF)
