"""Masks in the conformance kit: how they are drawn, declared, and passed on by name."""

from typing import Any, ClassVar

import numpy as np
import pytest

from tinynet.kernels.random import derive
from tinynet.layer import Array, Build, Cache, Context, Gradients, Shape, ShapeError
from tinynet.testing import CheckFailed, NotCheckableError, check_layer, layer_checks, plugin_checks
from tinynet.testing.checks import run_all
from tinynet.testing.masks import clear_masked, draw_mask, replace_masked
from tinynet.testing.registered import entries_named, plugin_cases

from .correct_layers import Lookup
from .faults import WITH_MASK
from .masked_layers import Attention, Centered, MaskedMean


class MaskRequired(Centered):
    """A layer without examples that needs a mask."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if in_shapes[1] != in_shapes[0][:1] or len(in_shapes[0]) < 2:
            raise ShapeError("it needs a sequence (T, C) and a mask (T,)")


class WithExample(Centered):
    examples: ClassVar[Any] = ({"in_shapes": [[5, 2], [5]], "mask": 1},)


class WithExampleOfTwoInputs(Attention):
    examples: ClassVar[Any] = ({**Attention.arguments, "options": {}},)


class MaskedLookup(Lookup):
    """A row of a table for each integer that counts, zeros for the others."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes[:1], build)

    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:  # type: ignore[override]
        y, _ = super().forward(ctx, x)
        return y * mask[..., np.newaxis], (x, mask)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        x, mask = cache
        (dx,), grads = super().backward(ctx, x, dy * mask[..., np.newaxis])
        return (dx, None), grads


class AddsTheLastToken(MaskedLookup):
    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:  # type: ignore[override]
        y, cache = super().forward(ctx, x, mask)
        return y + x[:, -1:, np.newaxis].astype(y.dtype), cache


class TwoMasks(Attention):
    """Attention whose queries have a mask, too."""

    arguments: ClassVar[dict[str, Any]] = {
        "in_shapes": [(4, 2), (6, 2), (4,), (6,)],
        "mask": {2: 0, 3: 1},
    }

    def forward(  # type: ignore[override]
        self, ctx: Context, q: Array, x: Array, q_mask: Array, mask: Array
    ) -> tuple[Array, Cache]:
        y, cache = super().forward(ctx, q, x, mask)
        return y * q_mask[..., np.newaxis], (cache, q_mask)

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        inner, q_mask = cache
        (dq, dx, _), grads = super().backward(ctx, inner, dy * q_mask[..., np.newaxis])
        return (dq, dx, None, None), grads


class IgnoresTheSecondMask(TwoMasks):
    def hidden(self, scores: Array, mask: Array) -> Array:
        return scores


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_masks_are_full_empty_interrupted_and_of_random_length(steps: int) -> None:
    mask = draw_mask(derive("mask"), 40, steps)
    full, empty, interrupted, *others = mask
    assert full.all()
    assert not empty.any()
    assert interrupted[-1] == (steps > 1)
    assert not interrupted.all()
    lengths = {int(row.sum()) for row in others}
    assert lengths == set(range(1, max(2, steps)))
    assert all((np.diff(row) <= 0).all() for row in others)


def test_values_at_masked_steps_are_replaced_along_their_axis() -> None:
    mask = np.array([[1.0, 0.0, 1.0]])
    array = np.arange(1.0, 7.0).reshape(1, 3, 2)
    np.testing.assert_array_equal(
        replace_masked(array, mask, -array)[0], [[1, 2], [-3, -4], [5, 6]]
    )
    np.testing.assert_array_equal(clear_masked(array, mask)[0], [[1, 2], [0, 0], [5, 6]])
    scores = np.ones((1, 2, 3, 3))
    np.testing.assert_array_equal(clear_masked(scores, mask)[0, 1], np.outer(mask[0], mask[0]))
    np.testing.assert_array_equal(clear_masked(np.ones((1, 2)), mask), np.ones((1, 2)))


def test_a_layer_without_a_mask_has_no_checks_of_masks() -> None:
    without = {check.name for check in layer_checks(MaskedMean, {}, [(5, 3)])}
    names = {check.name for check in layer_checks(MaskedMean, {}, **WITH_MASK)}
    assert names - without == {
        "masked_values",
        "masked_gradients",
        "empty_mask",
        "full_mask",
        "padding",
    }


def test_integers_may_have_a_mask() -> None:
    tokens = derive("tokens").integers(5, size=(6, 5))
    arguments = {"in_shapes": [(5,), (5,)], "inputs": [tokens, np.ones((6, 5))], "mask": 1}
    check_layer(MaskedLookup, {}, **arguments)
    with pytest.raises(CheckFailed, match="with other values at masked steps of input 0"):
        check_layer(AddsTheLastToken, {}, **arguments)


def test_several_masks_are_checked_one_by_one() -> None:
    check_layer(TwoMasks, {}, **TwoMasks.arguments)
    checks = layer_checks(IgnoresTheSecondMask, {}, **TwoMasks.arguments)
    findings = [check.finding() for check in checks if check.name == "masked_values"]
    assert "at masked steps of input 1 (training)" in str(findings[0])


@pytest.mark.parametrize(
    ("in_shapes", "mask", "message"),
    [
        ([(5, 3), (5,)], 2, "mask names input 2, but the inputs are 0 to 1"),
        ([(5, 3), (5,)], 0, r"input 0 of shape \(5, 3\) cannot be a mask"),
        ([(5, 3), (4,)], 1, r"input 1 of shape \(4,\) .* input 0, whose shape is \(5, 3\)"),
        ([(5, 3), (5, 1)], 1, r"input 1 of shape \(5, 1\) cannot be a mask \(T,\)"),
        ([(5, 3), (5,)], {1: 3}, "mask names input 3"),
    ],
)
def test_an_input_that_cannot_be_a_mask_is_refused(
    in_shapes: list[Shape], mask: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        layer_checks(MaskedMean, {}, in_shapes, mask=mask)


def words(name: str, **arguments: Any) -> list[str]:
    (entry,) = entries_named(name)
    return [str(case) for case in plugin_cases(entry, **arguments)]


def test_an_example_says_which_input_is_a_mask(register: Any) -> None:
    register("layers", "masked", WithExample)
    register("layers", "attention", WithExampleOfTwoInputs)
    assert words("masked") == [
        "with options {} on inputs (5, 2) and (5,) masked by input 1",
    ]
    assert words("attention")[0].endswith("and (6,) masked by input 2")
    run_all(plugin_checks("masked"))


def test_the_mask_of_an_example_stays_where_it_fits_other_shapes(register: Any) -> None:
    register("layers", "masked", WithExample)
    (with_mask,) = words("masked", in_shapes=[(3, 4), (3,)])
    assert with_mask.endswith("masked by input 1")
    (without,) = words("masked", in_shapes=[(3, 4), (3, 4)])
    assert "mask" not in without


def test_a_layer_that_requires_a_mask_is_found_by_trying(register: Any) -> None:
    register("layers", "masked", MaskRequired)
    assert words("masked") == ["with options {} on inputs (4, 6) and (4,) masked by input 1"]
    run_all(plugin_checks("masked"))


def test_the_caller_names_the_mask(register: Any) -> None:
    register("layers", "masked", MaskedMean)
    assert words("masked", in_shapes=[(7, 2), (7,)], mask=1) == [
        "with options {} on inputs (7, 2) and (7,) masked by input 1"
    ]
    with pytest.raises(NotCheckableError, match=r"refuses the inputs: input 1 of shape \(6,\)"):
        plugin_checks("masked", in_shapes=[(7, 2), (6,)], mask=1)
    with pytest.raises(NotCheckableError, match="the loss 'huber' is not checked on 'mask'"):
        plugin_checks("huber", mask=1)
