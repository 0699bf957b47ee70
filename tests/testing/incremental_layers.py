"""Layers that compute a sequence one position at a time: a correct one, and some with a fault."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape, ShapeError

from .faults import detected_by


class RunningSum:
    """y[t] = x[0] + ... + x[t], times a factor; backward in time it has no cache."""

    per_sample = True
    arguments: ClassVar[dict[str, Any]] = {"in_shapes": [(5, 2)]}

    class Config(LayerConfig):
        backward: bool = Field(default=False, description="True to start with the last step.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.step = -1 if config.backward else 1
        self.params = {"gain": build.param("gain", self.out_shape[-1:], "ones")}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        total = np.cumsum(x[:, :: self.step], axis=1)[:, :: self.step]
        return total * self.params["gain"], total

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        reverse = slice(None, None, -self.step)
        dx = np.cumsum(dy[:, reverse], axis=1)[:, reverse] * self.params["gain"]
        return (dx,), {"gain": (dy * cache).sum(axis=(0, 1))}

    def start_cache(self, samples: int, length: int) -> Cache:
        if self.step < 0:
            raise ShapeError("it starts with the last position")
        return {"total": np.zeros((samples, 1, self.out_shape[1]))}

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        cache["total"] += x
        total: Array = cache["total"] * self.params["gain"]
        return total


@detected_by("incremental", finding="one position at a time, by forward_next: the output at")
class WithoutGain(RunningSum):
    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        return super().forward_next(ctx, cache, position, x) / self.params["gain"]


@detected_by("incremental", finding="one position at a time, by forward_next: the output at")
class KeepsBorrowedMemory(RunningSum):
    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        y = ctx.empty(x.shape, x.dtype)
        y[...] = super().forward_next(ctx, cache, position, x)
        cache["total"] = y
        return y


@detected_by("incremental", finding="after forward_next: gain")
class ChangesItsParameters(RunningSum):
    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        self.params["gain"] += 1
        return super().forward_next(ctx, cache, position, x)


@detected_by("incremental", finding="start_cache returns a cache, but the output has shape")
class Last(RunningSum):
    """The sum of the whole sequence, which is none itself."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.steps, size = self.out_shape
        self.out_shape = (size,)

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, total = super().forward(ctx, x)
        return y[:, -1], total

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        every = np.zeros_like(cache)
        every[:, -1] = dy
        return super().backward(ctx, cache, every)

    def start_cache(self, samples: int, length: int) -> Cache:
        return {}


class WithTotal(RunningSum):
    """A running sum with the total as its second output, which no single position has."""

    final_outputs: ClassVar[Any] = ("total",)

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shapes = {"sums": self.out_shape, "total": self.out_shape[1:]}

    def forward(self, ctx: Context, x: Array) -> Any:
        y, total = super().forward(ctx, x)
        return (y, y[:, -1]), total

    def backward(self, ctx: Context, cache: Cache, dy: Any) -> Gradients:
        dsums = np.zeros_like(cache) if dy[0] is None else np.array(dy[0])
        if dy[1] is not None:
            dsums[:, -1] += dy[1]
        return super().backward(ctx, cache, dsums)

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Any:
        return (super().forward_next(ctx, cache, position, x),)


@detected_by("incremental", finding="not return a tuple of 1 outputs, one for each of `out_shapes`")
class ReturnsATotal(WithTotal):
    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Any:
        (y,) = super().forward_next(ctx, cache, position, x)
        return y, y[:, -1]


@detected_by(
    "incremental", finding=r"final_outputs is \('sums',\), not names of outputs other than"
)
class HasNoSequence(WithTotal):
    final_outputs: ClassVar[Any] = ("sums",)


@detected_by("incremental", finding="start_cache returns a cache, but the output 'total' has shape")
class ForgetsToDeclare(WithTotal):
    final_outputs: ClassVar[Any] = ()


class SumOfSeveral(RunningSum):
    """A running sum that takes several positions in one call."""

    several_positions = True

    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        totals = cache["total"] + np.cumsum(x, axis=1)
        cache["total"] = totals[:, -1:]
        total: Array = totals * self.params["gain"]
        return total


@detected_by("incremental", finding="several positions at a time, by forward_next: the output at")
class KeepsTheFirstOfSeveral(SumOfSeveral):
    def forward_next(self, ctx: Context, cache: Cache, position: int, x: Array) -> Array:
        y = super().forward_next(ctx, cache, position, x)
        cache["total"] = y[:, :1] / self.params["gain"]
        return y
