"""The kit finds what is wrong with a layer, and names it; correct layers pass."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from pydantic import ConfigDict, Field, field_validator

from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape
from tinynet.testing import CheckFailed, check_layer, layer_checks

# --- Correct layers, one of each nature ----------------------------------------------------------


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


class Centre:
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


class CentreInParts(Centre):
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


class ScaledCentre(Centre):
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

CORRECT: list[tuple[type[Any], list[Shape], dict[str, Any]]] = [
    (Affine, [(3,)], {}),
    (Affine, [(2, 3)], {}),
    (Noise, [(4,)], {}),
    (Centre, [(3,)], {}),
    (CentreInParts, [(3,)], {}),
    (ScaledCentre, [(3,)], {}),
    (Product, [(3,), (3,)], {}),
    (Lookup, [(2,)], {"inputs": INTEGERS}),
]


@pytest.mark.parametrize(("layer", "in_shapes", "kwargs"), CORRECT)
def test_a_correct_layer_passes(
    layer: type[Any], in_shapes: list[Shape], kwargs: dict[str, Any]
) -> None:
    check_layer(layer, {}, in_shapes, **kwargs)


# --- Broken layers: each a correct one with a single fault ---------------------------------------

Broken = tuple[type[Any], str, frozenset[str]]
BROKEN: list[Broken] = []
SEEN: dict[str, Any] = {}
DERIVED: WeakKeyDictionary[Any, Array] = WeakKeyDictionary()
EVERYTHING = [check.name for check in layer_checks(Affine, {}, [(3,)])]


def found_by(check: str, *consequences: str) -> Any:
    """Registers a broken layer: the check that names its fault, and those that must stumble."""

    def register(layer: type[Any]) -> type[Any]:
        BROKEN.append((layer, check, frozenset(consequences)))
        return layer

    return register


@found_by("config")
class ReservedOption(Affine):
    class Config(Affine.Config):
        reserved: ClassVar[frozenset[str]] = frozenset()
        inputs: int = Field(default=1, description="A key that belongs to the spec language.")


@found_by("config")
class AcceptsAnyOption(Affine):
    class Config(Affine.Config):
        model_config = ConfigDict(extra="ignore")


@found_by("config")
class UndescribedOption(Affine):
    class Config(Affine.Config):
        depth: int = 1


@found_by("config")
class ThawedConfig(Affine):
    class Config(Affine.Config):
        model_config = ConfigDict(frozen=False)


@found_by("config")
class CrashesOverAnOption(Affine):
    class Config(Affine.Config):
        window: int = Field(default=2, description="How many are seen together.")

        @field_validator("window")
        @classmethod
        def _divides(cls, value: int) -> int:
            assert 12 % value == 0
            return value


@found_by("arrays_from_build")
class OwnArray(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["bias"] = np.zeros(self.params["bias"].shape, build.dtype)


@found_by("arrays_from_build")
class ForgottenParameter(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.offset = build.param("offset", (1,), "zeros")


@found_by("dry_build", "cost")
class ReadsParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.norm = np.sqrt(self.params["gain"]).sum()


@found_by("dry_build", "cost")
class WritesParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["gain"][0] = 2.0


@found_by("dry_build", "cost", "gradients", "archive_round_trip")
class CopiesParameterInConstructor(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.gain = self.params["gain"].copy()

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return y + self.gain, cache


@found_by(
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


@found_by("out_shape")
class ListAsShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = list(self.out_shape)


@found_by("out_shape")
class NumpyIntegersInShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = tuple(np.array(self.out_shape))


@found_by("out_shape", *EVERYTHING)
class WrongOutShape(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.out_shape = (*self.out_shape, 2)


@found_by("out_shape")
class ShapeOfAnotherBatch(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return (y[:6], cache) if len(y) > 6 else (y, cache)


@found_by("gradient_structure", "several_shards")
class NoInputGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (None,), super().backward(ctx, cache, dy)[1]


@found_by("gradient_structure")
class NoTupleOfGradients(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Any:
        (dx,), grads = super().backward(ctx, cache, dy)
        return [dx], grads


@found_by("gradient_structure", "several_shards")
class ForgottenGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad for name, grad in grads.items() if name != "bias"}


@found_by("gradient_structure", "several_shards")
class MisshapenGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad[np.newaxis] for name, grad in grads.items()}


@found_by("dtypes")
class DoublesItsOutput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        return y * np.sqrt(np.float64(1)), cache


@found_by("dtypes")
class DoublesItsGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad.astype(np.float64) for name, grad in grads.items()}


@found_by("cost")
class CostsHalf(Affine):
    def cost(self) -> Any:
        return 0.5, None


@found_by("pure_forward")
class ChangesItsInput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        x *= 1.0 + 1e-12
        return super().forward(ctx, x)


@found_by("pure_forward")
class BorrowsItsInput(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        first = x.flat[0].copy()
        x.flat[0] = 0.0
        x.flat[0] = first
        return super().forward(ctx, x)


@found_by("pure_forward")
class CountsItsCalls(Affine):
    calls = 0

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        self.calls += 1
        return super().forward(ctx, x)


@found_by("pure_forward", "interleaved_passes")
class KeepsTheInputOnItself(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, self.t = super().forward(ctx, x)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, self.t, dy)


@found_by("pure_forward", "hidden_state", "commit_changes_buffers")
class CommitsInForward(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, x)
        if ctx.training:
            self.commit(cache)
        return y, cache


@found_by("pure_backward", "memory_layout")
class ChangesDy(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        result = super().backward(ctx, cache, dy)
        dy *= 0.5
        return result


@found_by("pure_backward", "repeatable_backward")
class SpendsItsCache(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y, [t]

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, cache.pop(), dy)


@found_by("pure_backward")
class KeepsItsGradients(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        self.gradients = super().backward(ctx, cache, dy)
        return self.gradients


@found_by("repeatable_forward", *EVERYTHING)
class OwnRandomness(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y * np.random.default_rng().random(), t


@found_by("repeatable_backward", *EVERYTHING)
class RandomBackward(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        factor = np.random.default_rng().random()
        return (None if dx is None else dx * factor,), grads


@found_by("interleaved_passes")
class KeepsTheInputElsewhere(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, SEEN["t"] = super().forward(ctx, x)
        return y, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return super().backward(ctx, SEEN["t"], dy)


@found_by("global_randomness")
class SeedsTheProcess(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        np.random.seed(0)
        return super().forward(ctx, x)


@found_by("evaluation_draws_nothing")
class DrawsInEvaluation(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        noise = ctx.rng.random(x.shape).astype(x.dtype)
        return (x * noise, noise) if ctx.training else (x, None)


@found_by("backward_draws_nothing")
class DrawsInBackward(Noise):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        ctx.rng.random()
        return super().backward(ctx, cache, dy)


@found_by("hidden_state")
class RemembersTraining(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        if ctx.training:
            SEEN["mean"] = mean
        return (y, mean) if ctx.training else (y - SEEN.get("mean", 0.0), mean)


@found_by("commit_changes_buffers")
class NeverCommits(Centre):
    commit = None


@found_by("commit_changes_buffers", "several_shards")
class ReplacesItsBuffer(Centre):
    def commit(self, cache: Cache) -> None:
        self.buffers["mean"] = 0.5 * self.buffers["mean"] + 0.5 * cache


@found_by("commit_changes_buffers")
class CommitsMoreThanBuffers(Centre):
    def commit(self, cache: Cache) -> None:
        super().commit(cache)
        self.last = cache


@found_by("commit_changes_buffers")
class CommitsTheLatestPass(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, SEEN["latest"] = super().forward(ctx, x)
        return y, None

    def commit(self, cache: Cache) -> None:
        super().commit(SEEN["latest"])


@found_by("recycled_memory")
class CommitsRecycledMemory(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        lent = ctx.empty(mean.shape, mean.dtype)
        lent[...] = mean
        return y, lent


@found_by("gradients")
class WrongInputGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        (dx,), grads = super().backward(ctx, cache, dy)
        return (None if dx is None else 2 * dx,), grads


@found_by("gradients")
class SlightlyWrongParameterGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad * (1 + 1e-5) for name, grad in grads.items()}


@found_by("gradients")
class OneWrongElement(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        if "gain" in grads:
            grads["gain"][-1] *= 1.001
        return dx, grads


@found_by("gradients")
class ForgetsTheModeInBackward(Centre):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy - dy.mean(axis=0),), {}


@found_by("batch_of_one")
class DividesByOneLess(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        with np.errstate(invalid="ignore", divide="ignore"):
            return y + np.zeros(1, x.dtype) / (len(x) - 1), mean


@found_by("batch_of_one", "per_sample", "several_shards")
class SqueezesTheBatch(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return np.squeeze(y), t


@found_by("large_values")
class Overflows(Noise):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y = np.exp(x) / (1 + np.exp(x))
        return y, y

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy * cache * (1 - cache),), {}


@found_by("memory_layout")
class TrustsTheLayout(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return super().forward(ctx, x.ravel(order="K").reshape(x.shape))


@found_by("per_sample", "several_shards")
class ClaimsTooMuch(Centre):
    per_sample = True


@found_by("per_sample", "gradients", "several_shards")
class AveragesTheGradient(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {name: grad / len(dy) for name, grad in grads.items()}


@found_by("needs_honoured", "several_shards")
class AllOrNothing(Affine):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        if not ctx.needs_param("bias"):
            return (None,), {}
        return super().backward(ctx, cache, dy)


@found_by("keep_false")
class SkipsWorkWithoutCache(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return super().forward(ctx, x) if ctx.keep else (x, None)


@found_by("recycled_memory", "several_shards")
class AddsToWhatIsThere(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        total = ctx.empty(y.shape, y.dtype)
        total += y
        return total, t


@found_by("recycled_memory", "pure_forward")
class KeepsTheWorkspace(Affine):
    ones: Array | None = None

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        if self.ones is None:
            self.ones = ctx.empty((1,), x.dtype)
            self.ones[...] = 1
        return y * self.ones, t


@found_by("archive_round_trip", "gradients", "resumed_run")
class DerivesOnce(Affine):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, t = super().forward(ctx, x)
        return y + DERIVED.setdefault(self, self.params["gain"].copy()), t


@found_by("archive_round_trip", "resumed_run")
class NameOutsideTheFormat(Affine):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        self.params["bias "] = build.param("bias ", (1,), "zeros")

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dx, grads = super().backward(ctx, cache, dy)
        return dx, {**grads, "bias ": np.zeros(1, dy.dtype)}


@found_by("resumed_run", "several_shards")
class CountsItsStepsElsewhere(Centre):
    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        y, mean = super().forward(ctx, x)
        return (y, mean) if ctx.training else (y + SEEN.get("steps", 0) / 8, mean)

    def commit(self, cache: Cache) -> None:
        super().commit(cache)
        SEEN["steps"] = SEEN.get("steps", 0) + 1


@found_by("several_shards")
class IgnoresTheOtherParts(CentreInParts):
    def mean_of(self, summaries: Sequence[Any]) -> Array:
        return super().mean_of(summaries[:1])


@pytest.mark.parametrize(("layer", "check", "consequences"), BROKEN)
def test_a_broken_layer_is_found_by_the_check_that_names_its_fault(
    layer: type[Any], check: str, consequences: Iterable[str]
) -> None:
    SEEN.clear()
    failed = set()
    for candidate in layer_checks(layer, {}, [(3,)]):
        try:
            candidate()
        except CheckFailed:
            failed.add(candidate.name)
    assert check in failed
    assert failed <= {check, *consequences}


def test_a_layer_that_needs_integers_and_does_not_say_so_is_found() -> None:
    class Silent(Lookup):
        integer_inputs = False

    with pytest.raises(CheckFailed, match="raised IndexError: arrays used as indices must be"):
        check_layer(Silent, {}, [(2,)], inputs=INTEGERS)


def test_arguments_the_kit_cannot_use_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="batch is 2; the checks need at least 4 samples"):
        layer_checks(Affine, {}, [(3,)], batch=2)
    with pytest.raises(ValueError, match=r"inputs hold samples of shapes \(\(2,\),\)"):
        layer_checks(Lookup, {}, [(3,)], inputs=INTEGERS)


def test_options_that_the_config_refuses_are_told_once_with_their_reason() -> None:
    with pytest.raises(CheckFailed) as info:
        check_layer(Affine, {"scale": "wide"}, [(3,)])
    (line,) = [line for line in str(info.value).splitlines() if "config" in line]
    assert "Config refuses the options" in line
    assert "scale: Input should be a valid number" in line


def test_a_crash_of_the_config_is_told_with_the_value_that_made_it() -> None:
    with pytest.raises(CheckFailed, match="'window' set to 0 makes Config raise ZeroDivisionError"):
        check_layer(CrashesOverAnOption, {}, [(3,)])


def test_every_check_of_a_layer_is_shown_to_find_something() -> None:
    assert {check for _, check, _ in BROKEN} == set(EVERYTHING)
