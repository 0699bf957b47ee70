"""Correct layers, one of each nature, for the tests of the conformance kit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape


class Affine:
    """y = scale * tanh(x) * gain + bias, for each feature."""

    per_sample = True

    class Config(LayerConfig):
        scale: float = Field(default=1.5, description="What everything is multiplied by.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (shape,) = in_shapes
        self.scale = config.scale
        self.out_shape = shape
        self.params = {
            "gain": build.param("gain", shape[-1:], "ones"),
            "bias": build.param("bias", shape[-1:], "zeros"),
        }

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        t = np.tanh(x)
        y = ctx.empty(x.shape, x.dtype)
        np.multiply(t, self.params["gain"], out=y)
        y *= self.scale
        y += self.params["bias"]
        return y, t

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        t, axes = cache, tuple(range(dy.ndim - 1))
        grads = {}
        if ctx.needs_param("gain"):
            grads["gain"] = (dy * t).sum(axis=axes) * self.scale
        if ctx.needs_param("bias"):
            grads["bias"] = dy.sum(axis=axes)
        if not ctx.needs_input():
            return (None,), grads
        return (dy * (1 - t * t) * self.params["gain"] * self.scale,), grads

    def cost(self) -> tuple[int, int]:
        return 4 * int(np.prod(self.out_shape)), 8 * int(np.prod(self.out_shape))


class Noise:
    """Multiplies by random numbers in training: the nature of dropout."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if not ctx.training:
            return x, None
        noise = ctx.rng.random(x.shape).astype(x.dtype)
        return x * noise, noise

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy if cache is None else dy * cache,), {}


class Center:
    """Subtracts the batch's mean, in evaluation a running one: the nature of batch norm."""

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}
        self.buffers = {"mean": build.buffer("mean", self.out_shape, "zeros")}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        mean = x.mean(axis=0) if ctx.training else self.buffers["mean"]
        return x - mean, mean

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy - dy.mean(axis=0) if ctx.training else dy,), {}

    def commit(self, cache: Cache) -> None:
        self.buffers["mean"] *= 0.5
        self.buffers["mean"] += 0.5 * cache


class CenterInParts(Center):
    """The same for a batch in parts, each of which gets the sums of all."""

    def summarize(self, ctx: Context, x: Array) -> Any:
        return x.sum(axis=0), len(x)

    def forward_with(self, ctx: Context, summaries: Sequence[Any], x: Array) -> tuple[Array, Cache]:
        mean = self.mean_of(summaries)
        return x - mean, mean

    def summarize_gradient(self, ctx: Context, cache: Cache, dy: Array) -> Any:
        return (dy.sum(axis=0), len(dy)), {}

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[Any], dy: Array
    ) -> tuple[Array, ...]:
        return (dy - self.mean_of(summaries),)

    def mean_of(self, summaries: Sequence[Any]) -> Array:
        return np.sum([total for total, _ in summaries], axis=0) / sum(n for _, n in summaries)


class MergedCenter(CenterInParts):
    """The same with one summary of all parts, if they are many."""

    def merge_summaries(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1] + second[1]

    def merge_gradient_summaries(self, first: Any, second: Any) -> Any:
        return self.merge_summaries(first, second)


class CenterTwice(CenterInParts):
    """The same with two outputs, the second of which is twice the first."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shapes = {"once": self.out_shape, "twice": self.out_shape}

    def forward(self, ctx: Context, x: Array) -> tuple[Any, Cache]:
        y, mean = super().forward(ctx, x)
        return (y, 2 * y), mean

    def backward(self, ctx: Context, cache: Cache, dy: Any) -> Gradients:
        return super().backward(ctx, cache, self.total(dy))

    def forward_with(self, ctx: Context, summaries: Sequence[Any], x: Array) -> tuple[Any, Cache]:
        y, mean = super().forward_with(ctx, summaries, x)
        return (y, 2 * y), mean

    def summarize_gradient(self, ctx: Context, cache: Cache, dy: Any) -> Any:
        return super().summarize_gradient(ctx, cache, self.total(dy))

    def backward_with(
        self, ctx: Context, cache: Cache, summaries: Sequence[Any], dy: Any
    ) -> tuple[Array, ...]:
        return super().backward_with(ctx, cache, summaries, self.total(dy))

    def total(self, dy: Any) -> Array:
        return sum(k * part for k, part in enumerate(dy, 1) if part is not None)


class ScaledCenter(Center):
    """The same with a learned factor; it gets the whole batch, and has a parameter."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params = {"gain": build.param("gain", (), "ones")}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        return y * self.params["gain"], (y, mean)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dx,), _ = super().backward(ctx, cache, dy)
        return (dx * self.params["gain"],), {"gain": np.asarray((dy * cache[0]).sum())}

    def commit(self, cache: Cache) -> None:
        super().commit(cache[1])


class Product:
    """Two inputs, multiplied."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape, _ = in_shapes
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, a: Array, b: Array) -> tuple[Array, Cache]:
        return a * b, (a, b)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        a, b = cache
        return (dy * b, dy * a), {}


class Powers:
    """Two outputs: gain * x, and the mean of x squared."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.out_shapes = {"scaled": self.out_shape, "power": (1,)}
        self.params = {"gain": build.param("gain", self.out_shape, "ones")}

    def forward(self, ctx: Context, x: Array) -> tuple[tuple[Array, ...], Cache]:
        return (x * self.params["gain"], np.square(x).mean(axis=1, keepdims=True)), x

    def backward(self, ctx: Context, cache: Cache, dy: tuple[Array | None, ...]) -> Gradients:
        x, (scaled, power) = cache, dy
        dx, dgain = np.zeros_like(x), np.zeros_like(self.params["gain"])
        if scaled is not None:
            dx += scaled * self.params["gain"]
            dgain += (scaled * x).sum(axis=0)
        if power is not None:
            dx += power * 2 * x / x.shape[1]
        return (dx,), {"gain": dgain}


class Sign:
    """Signs, through which no gradient flows."""

    per_sample = True
    differentiable = False

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return np.sign(x), None


class Lookup:
    """A row of a table for each integer; the integers have no gradient."""

    per_sample = True
    integer_inputs = True

    class Config(LayerConfig):
        pass

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        self.out_shape = (*in_shapes[0], 3)
        self.params = {"table": build.param("table", (5, 3), "glorot_uniform")}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return self.params["table"][x], x

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        grad = np.zeros_like(self.params["table"])
        np.add.at(grad, cache, dy)
        return (None,), {"table": grad}


INTEGERS = [np.arange(12).reshape(6, 2) % 5]
