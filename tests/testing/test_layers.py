"""Correct layers pass the conformance kit; every fault is detected by the check that names it."""

import re
from typing import Any

import pytest

from tinynet.layer import Array, Cache, Context, Shape
from tinynet.testing import CheckFailed, check_layer, layer_checks

from . import broken_masks, broken_outputs  # noqa: F401 - they register broken layers
from .broken_declarations import CrashesOverAnOption
from .broken_passes import MEMORY
from .correct_layers import (
    INTEGERS,
    Affine,
    Center,
    CenterInParts,
    CenterTwice,
    Lookup,
    MergedCenter,
    Noise,
    Powers,
    Product,
    ScaledCenter,
    Sign,
)
from .faults import BROKEN, WITH_MASK, Broken
from .incremental_layers import RunningSum, SumOfSeveral, WithTotal
from .masked_layers import (
    Attention,
    Backwards,
    Centered,
    MaskedCenter,
    MaskedMean,
    Recurrent,
    SelfAttention,
)

CORRECT: list[tuple[type[Any], list[Shape], dict[str, Any]]] = [
    (Affine, [(3,)], {}),
    (Affine, [(2, 3)], {}),
    (Noise, [(4,)], {}),
    (Center, [(3,)], {}),
    (CenterInParts, [(3,)], {}),
    (MergedCenter, [(3,)], {}),
    (CenterTwice, [(3,)], {}),
    (ScaledCenter, [(3,)], {}),
    (Product, [(3,), (3,)], {}),
    (Powers, [(3,)], {}),
    (Sign, [(3,)], {}),
    (Lookup, [(2,)], {"inputs": INTEGERS}),
    (MaskedMean, [(5, 3)], {}),
    (RunningSum, [(5, 2)], {}),
    (WithTotal, [(5, 2)], {}),
    (SumOfSeveral, [(5, 2)], {}),
    (SumOfSeveral, [(1, 2)], {}),
]


@pytest.mark.parametrize(("layer", "in_shapes", "kwargs"), CORRECT)
def test_a_correct_layer_passes(
    layer: type[Any], in_shapes: list[Shape], kwargs: dict[str, Any]
) -> None:
    check_layer(layer, {}, in_shapes, **kwargs)


def test_a_layer_may_refuse_to_compute_one_position_at_a_time() -> None:
    """The same layer, backward in time, has nothing to compute before the last position."""
    check_layer(RunningSum, {"backward": True}, [(5, 2)])


@pytest.mark.parametrize(
    "layer", [MaskedMean, Centered, Recurrent, Backwards, Attention, SelfAttention, MaskedCenter]
)
def test_a_correct_layer_with_a_mask_passes(layer: type[Any]) -> None:
    check_layer(layer, {}, **layer.arguments)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.layer.__name__)
def test_a_broken_layer_fails_the_check_that_names_its_fault(broken: Broken) -> None:
    MEMORY.clear()
    findings = {check.name: check.finding() for check in broken.checks()}
    failed = {name for name, finding in findings.items() if finding is not None}
    assert broken.check in failed
    assert failed <= {broken.check, *broken.consequences}
    assert re.search(broken.finding, findings[broken.check] or "")


def test_a_layer_with_undeclared_integer_inputs_is_detected() -> None:
    class Silent(Lookup):
        integer_inputs = False

    with pytest.raises(CheckFailed, match="raised IndexError: arrays used as indices must be"):
        check_layer(Silent, {}, [(2,)], inputs=INTEGERS)


def test_equal_random_numbers_of_two_seeds_do_not_count_as_none() -> None:
    class Dropped(Noise):
        def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
            if not ctx.training:
                return x, None
            kept = (ctx.rng.random(x.shape) < 0.9).astype(x.dtype)
            return x * kept, kept

    for seed in range(8):
        check_layer(Dropped, {}, [(1,)], seed=seed)


def test_unusable_arguments_of_the_kit_raise_value_error() -> None:
    with pytest.raises(ValueError, match="batch is 2; the checks need at least 4 samples"):
        layer_checks(Affine, {}, [(3,)], batch=2)
    with pytest.raises(ValueError, match=r"inputs hold samples of shapes \(\(2,\),\)"):
        layer_checks(Lookup, {}, [(3,)], inputs=INTEGERS)


def test_rejected_options_are_reported_once_with_the_reason() -> None:
    with pytest.raises(CheckFailed) as info:
        check_layer(Affine, {"scale": "wide"}, [(3,)])
    (line,) = [line for line in str(info.value).splitlines() if "config" in line]
    assert "Config refuses the options" in line
    assert "scale: Input should be a valid number" in line


def test_a_crash_of_the_config_is_reported_with_the_value() -> None:
    with pytest.raises(CheckFailed, match="'window' set to 0 makes Config raise ZeroDivisionError"):
        check_layer(CrashesOverAnOption, {}, [(3,)])


def test_every_layer_check_detects_some_broken_layer() -> None:
    checks = layer_checks(MaskedMean, {}, **WITH_MASK)
    assert {broken.check for broken in BROKEN} == {check.name for check in checks}
