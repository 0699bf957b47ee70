"""Layers with one fault each in their config, constructor, shapes or declared cost."""

from typing import Any, ClassVar

import numpy as np
from pydantic import ConfigDict, Field, field_validator

from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape

from .correct_layers import Affine, Noise
from .faults import EVERYTHING, detected_by


@detected_by("config")
class ReservedOption(Affine):
    class Config(Affine.Config):
        reserved: ClassVar[frozenset[str]] = frozenset()
        inputs: int = Field(default=1, description="A key that belongs to the spec language.")


@detected_by("config")
class AcceptsAnyOption(Affine):
    class Config(Affine.Config):
        model_config = ConfigDict(extra="ignore")


@detected_by("config")
class UndescribedOption(Affine):
    class Config(Affine.Config):
        depth: int = 1


@detected_by("config")
class ThawedConfig(Affine):
    class Config(Affine.Config):
        model_config = ConfigDict(frozen=False)


@detected_by("config")
class CrashesOverAnOption(Affine):
    class Config(Affine.Config):
        window: int = Field(default=2, description="How many are seen together.")

        @field_validator("window")
        @classmethod
        def _divides(cls, value: int) -> int:
            assert 12 % value == 0
            return value


@detected_by("arrays_from_build")
class OwnArray(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["bias"] = np.zeros(self.params["bias"].shape, build.dtype)


@detected_by("arrays_from_build")
class ForgottenParameter(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.offset = build.param("offset", (1,), "zeros")


@detected_by("dry_build", "cost")
class ReadsParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.norm = np.sqrt(self.params["gain"]).sum()


@detected_by("dry_build", "cost")
class WritesParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["gain"][0] = 2.0


@detected_by("dry_build", "cost", "gradients", "archive_round_trip")
class CopiesParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.gain = self.params["gain"].copy()

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return y + self.gain, cache


@detected_by(
    "repeatable_build",
    "hidden_state",
    "recycled_memory",
    "archive_round_trip",
    "resumed_run",
    "several_shards",
)
class RandomConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.scale = float(np.random.default_rng().uniform(1, 2))


@detected_by("out_shape")
class ListAsShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = list(self.out_shape)


@detected_by("out_shape")
class NumpyIntegersInShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = tuple(np.array(self.out_shape))


@detected_by("out_shape", *EVERYTHING)
class WrongOutShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = (*self.out_shape, 2)


@detected_by("out_shape")
class ShapeOfAnotherBatch(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return (y[:6], cache) if len(y) > 6 else (y, cache)


@detected_by("gradient_structure", "several_shards")
class NoInputGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (None,), super().backward(ctx, cache, dy)[1]


@detected_by("gradient_structure")
class NoTupleOfGradients(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Any:
        (dx,), grads = super().backward(ctx, cache, dy)
        return [dx], grads


@detected_by("gradient_structure", "several_shards")
class ForgottenGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad for name, grad in grads.items() if name != "bias"}


@detected_by("gradient_structure", "several_shards")
class MisshapenGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad[np.newaxis] for name, grad in grads.items()}


@detected_by("dtypes")
class DoublesItsOutput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return y * np.sqrt(np.float64(1)), cache


@detected_by("dtypes")
class DoublesItsGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad.astype(np.float64) for name, grad in grads.items()}


@detected_by("cost")
class CostsHalf(Affine):
    def cost(self) -> Any:
        return 0.5, None


@detected_by("replayed", finding="computes something besides calls of ctx.kernels")
class ComputesBesidesItsKernels(Affine):
    replayable = True


@detected_by("replayed", finding="draws random numbers otherwise")
class DrawsWithoutTheContext(Noise):
    replayable = True

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        if not ctx.training:
            return x, None
        uniform = ctx.rng.random(x.shape, np.float32)
        return ctx.kernels.dropout(x, uniform, 0.5, ctx.empty)
