"""Layers with one fault each in their passes, state or gradients."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape

from .correct_layers import Affine, Center, CenterInParts, MergedCenter, Noise
from .faults import EVERYTHING, detected_by

MEMORY: dict[str, Any] = {}
DERIVED: WeakKeyDictionary[Any, Array] = WeakKeyDictionary()


@detected_by("pure_forward")
class ChangesItsInput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        x *= 1.0 + 1e-12
        return super().forward(ctx, x)


@detected_by("pure_forward")
class BorrowsItsInput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        first = x.flat[0].copy()
        x.flat[0] = 0.0
        x.flat[0] = first
        return super().forward(ctx, x)


@detected_by("pure_forward")
class CountsItsCalls(Affine):
    calls = 0

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        self.calls += 1
        return super().forward(ctx, x)


@detected_by("pure_forward", "interleaved_passes")
class KeepsTheInputOnItself(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, self.t = super().forward(ctx, x)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, self.t, dy)


@detected_by("pure_forward", "hidden_state", "commit_changes_buffers")
class CommitsInForward(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        if ctx.training:
            self.commit(cache)
        return y, cache


@detected_by("pure_backward", "memory_layout")
class ChangesDy(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        result = super().backward(ctx, cache, dy)
        dy *= 0.5
        return result


@detected_by("pure_backward", "repeatable_backward")
class SpendsItsCache(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y, [t]

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, cache.pop(), dy)


@detected_by("pure_backward")
class KeepsItsGradients(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        self.gradients = super().backward(ctx, cache, dy)
        return self.gradients


@detected_by("repeatable_forward", *EVERYTHING)
class OwnRandomness(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y * np.random.default_rng().random(), t


@detected_by("repeatable_backward", *EVERYTHING)
class RandomBackward(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        factor = np.random.default_rng().random()
        return (None if dx is None else dx * factor,), grads


@detected_by("interleaved_passes")
class KeepsTheInputElsewhere(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, MEMORY["t"] = super().forward(ctx, x)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, MEMORY["t"], dy)


@detected_by("global_randomness")
class SeedsTheProcess(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        np.random.seed(0)
        return super().forward(ctx, x)


@detected_by("evaluation_draws_nothing")
class DrawsInEvaluation(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        noise = ctx.rng.random(x.shape).astype(x.dtype)
        return (x * noise, noise) if ctx.training else (x, None)


@detected_by("backward_draws_nothing")
class DrawsInBackward(Noise):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        ctx.rng.random()
        return super().backward(ctx, cache, dy)


@detected_by("hidden_state")
class RemembersTraining(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        if ctx.training:
            MEMORY["mean"] = mean
        return (y, mean) if ctx.training else (y - MEMORY.get("mean", 0.0), mean)


@detected_by("commit_changes_buffers")
class NeverCommits(Center):
    commit = None


@detected_by("commit_changes_buffers", "several_shards")
class ReplacesItsBuffer(Center):
    def commit(self, cache: Cache) -> None:
        self.buffers["mean"] = 0.5 * self.buffers["mean"] + 0.5 * cache


@detected_by("commit_changes_buffers")
class CommitsMoreThanBuffers(Center):
    def commit(self, cache: Cache) -> None:
        super().commit(cache)
        self.last = cache


@detected_by("commit_changes_buffers")
class CommitsTheLatestPass(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, MEMORY["latest"] = super().forward(ctx, x)
        return y, None

    def commit(self, cache: Cache) -> None:
        super().commit(MEMORY["latest"])


@detected_by("recycled_memory")
class CommitsRecycledMemory(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        lent = ctx.empty(mean.shape, mean.dtype)
        lent[...] = mean
        return y, lent


@detected_by("gradients")
class WrongInputGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        return (None if dx is None else 2 * dx,), grads


@detected_by("gradients")
class SlightlyWrongParameterGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad * (1 + 1e-5) for name, grad in grads.items()}


@detected_by("gradients")
class OneWrongElement(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        if "gain" in grads:
            grads["gain"][-1] *= 1.001
        return dx, grads


@detected_by("gradients")
class ForgetsTheModeInBackward(Center):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy - dy.mean(axis=0),), {}


@detected_by("batch_of_one")
class DividesByOneLess(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        with np.errstate(invalid="ignore", divide="ignore"):
            return y + np.zeros(1, x.dtype) / (len(x) - 1), mean


@detected_by("batch_of_one", "per_sample", "several_shards")
class SqueezesTheBatch(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return np.squeeze(y), t


@detected_by("large_values")
class Overflows(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.exp(x) / (1 + np.exp(x))
        return y, y

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy * cache * (1 - cache),), {}


@detected_by("memory_layout")
class TrustsTheLayout(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return super().forward(ctx, x.ravel(order="K").reshape(x.shape))


@detected_by("per_sample", "several_shards")
class ClaimsTooMuch(Center):
    per_sample = True


@detected_by("per_sample", "gradients", "several_shards")
class AveragesTheGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad / len(dy) for name, grad in grads.items()}


@detected_by("needs_honoured", "several_shards")
class AllOrNothing(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_param("bias"):
            return (None,), {}
        return super().backward(ctx, cache, dy)


@detected_by("keep_false")
class SkipsWorkWithoutCache(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return super().forward(ctx, x) if ctx.keep else (x, None)


@detected_by("recycled_memory", "several_shards")
class AddsToWhatIsThere(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        total = ctx.empty(y.shape, y.dtype)
        total += y
        return total, t


@detected_by("recycled_memory", "pure_forward")
class KeepsTheWorkspace(Affine):
    ones: Array | None = None

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        if self.ones is None:
            self.ones = ctx.empty((1,), x.dtype)
            self.ones[...] = 1
        return y * self.ones, t


@detected_by("archive_round_trip", "gradients", "resumed_run")
class DerivesOnce(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y + DERIVED.setdefault(self, self.params["gain"].copy()), t


@detected_by("archive_round_trip", "resumed_run")
class NameOutsideTheFormat(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["bias "] = build.param("bias ", (1,), "zeros")

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {**grads, "bias ": np.zeros(1, dy.dtype)}


@detected_by("resumed_run", "several_shards")
class CountsItsStepsElsewhere(Center):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        return (y, mean) if ctx.training else (y + MEMORY.get("steps", 0) / 8, mean)

    def commit(self, cache: Cache) -> None:
        super().commit(cache)
        MEMORY["steps"] = MEMORY.get("steps", 0) + 1


@detected_by("merged_summaries")
class MergesWithoutTheNumber(MergedCenter):
    def merge_summaries(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1]


@detected_by("merged_summaries")
class MergesGradientsInPart(MergedCenter):
    def merge_gradient_summaries(self, first: Any, second: Any) -> Any:
        return first[0], first[1] + second[1]


@detected_by("several_shards")
class IgnoresTheOtherParts(CenterInParts):
    def mean_of(self, summaries: Sequence[Any]) -> Array:
        return super().mean_of(summaries[:1])
