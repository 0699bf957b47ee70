"""The kit for losses of several outputs, without a target, and over positions."""

from typing import Any, ClassVar

import numpy as np
import pytest

from tinynet import registry
from tinynet.loss import Context, LossConfig
from tinynet.testing import CheckFailed, check_loss, loss_checks
from tinynet.testing.checks import run_all
from tinynet.testing.registered import plugin_cases
from tinynet.types import Array

TARGETS = np.random.default_rng(1).normal(size=(5, 3))
PAIR = [(3,), (3,)]


class Plain:
    per_sample = True

    class Config(LossConfig):
        pass

    def __init__(self, config: Config) -> None:
        pass


class Difference(Plain):
    """Half the sum of squares of left - right - target."""

    output_count = 2

    def forward(
        self, ctx: Context, outputs: Any, targets: Any, weights: Array | None = None
    ) -> tuple[float, Any]:
        left, right = outputs
        rest = left - right - (0 if targets is None else targets)
        scale = np.ones(len(rest), rest.dtype) if weights is None else weights
        value = 0.5 * float((rest**2 * scale[:, None]).sum())
        return value, (rest * scale[:, None]).astype(rest.dtype)

    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache, -cache


class Distance(Difference):
    takes_target = False


class ToConstant(Distance):
    """The distance to a second output that is no variable."""

    examples: ClassVar[Any] = ({"out_shape": [[3], [3]], "constants": [1]},)

    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache, np.zeros_like(cache)


class Size(Plain):
    takes_target = False

    def forward(self, ctx: Context, outputs: Array, targets: None) -> tuple[float, Any]:
        assert targets is None
        return 0.5 * float((outputs**2).sum()), outputs.copy()

    def backward(self, ctx: Context, cache: Any) -> Array:
        return cache

    def predict(self, outputs: Array) -> Array:
        return outputs


class MeanOfPositive(Plain):
    counts_positions = True

    def forward(self, ctx: Context, outputs: Array, targets: Array) -> tuple[float, Any]:
        counts = (targets > 0).astype(outputs.dtype)
        return float((outputs * counts).sum()), counts

    def backward(self, ctx: Context, cache: Any) -> Array:
        return cache

    def predict(self, outputs: Array) -> Array:
        return outputs

    def count(self, targets: Array, weights: Array | None) -> float:
        return np.count_nonzero(targets > 0)


@pytest.mark.parametrize(
    ("loss", "out_shape", "targets", "options"),
    [
        (Difference, PAIR, TARGETS, {}),
        (Distance, PAIR, None, {}),
        (Distance, PAIR, None, {"outputs": [TARGETS, TARGETS + 1]}),
        (ToConstant, PAIR, None, {"constants": [1]}),
        (Size, (3,), None, {}),
        (MeanOfPositive, (3,), TARGETS, {}),
    ],
)
def test_a_correct_loss_passes(
    loss: type[Any], out_shape: Any, targets: Any, options: dict[str, Any]
) -> None:
    check_loss(loss, {}, out_shape, targets, **options)


class WrongSecondGradient(Difference):
    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache, cache


class OneGradient(Difference):
    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache


class GradientInDoublePrecision(Difference):
    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache, -cache.astype(np.float64)


class WritesToTheSecondOutput(Difference):
    def forward(self, ctx: Context, outputs: Any, *args: Any) -> tuple[float, Any]:
        outputs[1][0] += 1e-13
        return super().forward(ctx, outputs, *args)


class GradientOfTheConstant(ToConstant):
    def backward(self, ctx: Context, cache: Any) -> Any:
        return cache, -cache


class CountsSamplesOnce(MeanOfPositive):
    def count(self, targets: Array, weights: Array | None) -> float:
        return 1


class CountsWithWeights(MeanOfPositive):
    def count(self, targets: Array, weights: Array | None) -> float:
        return len(targets) * (1 if weights is None else 2)


class CountsNothing(MeanOfPositive):
    def count(self, targets: Array, weights: Array | None) -> Any:
        return None


class NeedsOneShape(Difference):
    def check_shapes(self, out_shape: Any, target_shape: Any) -> None:
        assert target_shape == (3,)
        raise CheckFailed(f"it got {out_shape}")

    def bad_target(self, out_shape: Any, targets: Array) -> None:
        return None


@pytest.mark.parametrize(
    ("loss", "check", "message"),
    [
        (WrongSecondGradient, "gradients", "the gradient of output 1 at "),
        (OneGradient, "value_and_gradient", "return a tuple of the gradients of 2 outputs"),
        (GradientInDoublePrecision, "value_and_gradient", "the gradient of output 1 is float64"),
        (WritesToTheSecondOutput, "pure", r"forward changed outputs\[1\]"),
        (GradientOfTheConstant, "gradients", "the gradient of output 1 is not 0"),
        (CountsSamplesOnce, "counts", "one by one count 5, but together 1"),
        (CountsWithWeights, "counts", "weights of 1 change the count"),
        (CountsNothing, "counts", "count returns None instead of a number of at least 0"),
        (NeedsOneShape, "good_targets", r"it got \(\(3,\), \(3,\)\)"),
    ],
)
def test_a_broken_loss_is_found_by_the_check_that_names_its_fault(
    loss: type[Any], check: str, message: str
) -> None:
    several, constant = issubclass(loss, Difference), issubclass(loss, ToConstant)
    checks = loss_checks(
        loss,
        {},
        PAIR if several else (3,),
        None if constant else TARGETS,
        constants=[1] if constant else [],
    )
    (candidate,) = (c for c in checks if c.name == check)
    with pytest.raises(CheckFailed, match=f"{loss.__name__}, {check}: .*{message}"):
        candidate()


@pytest.mark.parametrize(
    ("loss", "arguments", "message"),
    [
        (Difference, ((3,), TARGETS), r"\(3,\); a shape for each of 2 outputs is"),
        (Difference, (PAIR,), "Difference needs targets"),
        (Size, (PAIR,), "the shape of its output is expected"),
        (Size, ((3,), TARGETS), "Size takes no target; pass None for targets"),
    ],
)
def test_arguments_that_do_not_fit_the_class_are_refused(
    loss: type[Any], arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_loss(loss, {}, *arguments)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Difference, "with options {} on outputs (6,) and (6,) and targets (8, 6) of float64"),
        (Distance, "with options {} on outputs (6,) and (6,)"),
        (ToConstant, "with options {} on outputs (3,) and (3,) and constants [1]"),
        (Size, "with options {} on outputs (6,)"),
    ],
)
def test_the_kit_tries_outputs_and_targets(loss: type[Any], words: str, register: Any) -> None:
    register("losses", "tried", loss)
    (entry,) = (e for e in registry.default().entries("losses") if e.name == "tried")
    (case,) = plugin_cases(entry)
    assert str(case) == words
    run_all(case.checks)
