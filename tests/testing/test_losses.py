"""The kit finds what is wrong with a loss, and names it; a correct loss passes."""

from typing import Any

import numpy as np
import pytest
from pydantic import ConfigDict

from tinynet.loss import Context, LossConfig
from tinynet.testing import CheckFailed, check_loss, loss_checks
from tinynet.types import Array

TARGETS = np.random.default_rng(1).normal(size=(5, 3))
SEEN: dict[str, Any] = {}


class Squares:
    """Sum of w (output - target)^2."""

    per_sample = True

    class Config(LossConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        residual = ctx.empty(outputs.shape, outputs.dtype)
        np.subtract(outputs, targets, out=residual)
        scale = np.ones(len(outputs), outputs.dtype) if weights is None else weights
        gradient = 2 * residual * scale[:, None]
        return float((residual**2 * scale[:, None]).sum()), gradient

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        return outputs

    def check_shapes(self, out_shape: Any, target_shape: Any) -> None:
        pass

    def bad_target(self, out_shape: Any, targets: Array) -> tuple[int, str] | None:
        return None


class Unweighted(Squares):
    def forward(self, ctx: Context, outputs: Array, targets: Array) -> tuple[float, Any]:
        return super().forward(ctx, outputs, targets)


@pytest.mark.parametrize("loss", [Squares, Unweighted])
def test_a_correct_loss_passes(loss: type[Any]) -> None:
    check_loss(loss, {}, (3,), TARGETS)


class AcceptsAnyOption(Squares):
    class Config(Squares.Config):
        model_config = ConfigDict(extra="ignore")


class GivesAnArray(Squares):
    def forward(self, *args: Any) -> Any:
        value, cache = super().forward(*args)
        return np.float32(value), cache


class DoublesItsGradient(Squares):
    def backward(self, ctx: Context, cache: Any) -> Array:
        return cache.astype(np.float64)


class WrongGradient(Squares):
    def backward(self, ctx: Context, cache: Any) -> Array:
        return cache / 2


class GivesTheMean(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        value, gradient = super().forward(ctx, outputs, *args)
        return value / len(outputs), gradient / len(outputs)


class NormalizesWeights(Squares):
    def forward(self, ctx: Context, x: Array, t: Array, weights: Any = None) -> tuple[float, Any]:
        return super().forward(ctx, x, t, None if weights is None else weights / weights.mean())


class DividesByOneLess(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        value, gradient = super().forward(ctx, outputs, *args)
        return value, gradient * (1 if len(outputs) > 1 else np.nan)


class ChangesItsOutputs(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        outputs -= 0.0
        outputs[0] += 1e-13
        return super().forward(ctx, outputs, *args)


class SpendsItsCache(Squares):
    def forward(self, *args: Any) -> tuple[float, Any]:
        value, gradient = super().forward(*args)
        return value, [gradient]

    def backward(self, ctx: Context, cache: Any) -> Array:
        return cache.pop()


class KeepsTheGradientElsewhere(Squares):
    def forward(self, *args: Any) -> tuple[float, Any]:
        value, SEEN["gradient"] = super().forward(*args)
        return value, None

    def backward(self, ctx: Context, cache: Any) -> Array:
        return SEEN["gradient"]


class DrawsInEvaluation(Squares):
    def forward(self, ctx: Context, *args: Any) -> tuple[float, Any]:
        ctx.rng.random()
        return super().forward(ctx, *args)


class Overflows(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        np.exp(outputs)
        return super().forward(ctx, outputs, *args)


class TrustsTheLayout(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        return super().forward(ctx, outputs.ravel(order="K").reshape(outputs.shape), *args)


class AddsToWhatIsThere(Squares):
    def forward(self, ctx: Context, outputs: Array, *args: Any) -> tuple[float, Any]:
        total = ctx.empty(outputs.shape, outputs.dtype)
        total += outputs
        return super().forward(ctx, total, *args)


class PredictsByTheBatch(Squares):
    def predict(self, outputs: Array) -> Array:
        return outputs - outputs.mean(axis=0)


class RefusesGoodTargets(Squares):
    def bad_target(self, out_shape: Any, targets: Array) -> tuple[int, str] | None:
        return 0, "below 0"


@pytest.mark.parametrize(
    ("loss", "check"),
    [
        (AcceptsAnyOption, "config"),
        (GivesAnArray, "value_and_gradient"),
        (DoublesItsGradient, "value_and_gradient"),
        (WrongGradient, "gradients"),
        (GivesTheMean, "per_sample"),
        (NormalizesWeights, "sample_weights"),
        (DividesByOneLess, "batch_of_one"),
        (ChangesItsOutputs, "pure"),
        (SpendsItsCache, "pure"),
        (KeepsTheGradientElsewhere, "interleaved_passes"),
        (DrawsInEvaluation, "evaluation"),
        (Overflows, "large_values"),
        (TrustsTheLayout, "memory_layout"),
        (AddsToWhatIsThere, "recycled_memory"),
        (PredictsByTheBatch, "predictions"),
        (RefusesGoodTargets, "good_targets"),
    ],
)
def test_a_broken_loss_is_found_by_the_check_that_names_its_fault(
    loss: type[Any], check: str
) -> None:
    SEEN.clear()
    (candidate,) = (c for c in loss_checks(loss, {}, (3,), TARGETS) if c.name == check)
    with pytest.raises(CheckFailed, match=f"{loss.__name__}, {check}: "):
        candidate()
