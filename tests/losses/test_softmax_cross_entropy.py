"""Cross-entropy over classes: exact values, stability, and what it says about bad targets."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.errors import ShapeError
from tinynet.layer.context import Context


def loss_of(outputs: Any, targets: Any, smoothing: float = 0.0) -> float:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config(label_smoothing=smoothing))
    total, _ = loss.forward(Context(), np.array(outputs), np.array(targets))
    return total


def test_uniform_logits_cost_the_logarithm_of_the_classes() -> None:
    assert loss_of([[5.0] * 8] * 3, [0, 4, 7]) == pytest.approx(3 * math.log(8), rel=1e-14)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_one_hot_targets_mean_the_same_as_labels(smoothing: float) -> None:
    rng = np.random.default_rng(0)
    outputs, labels = rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    by_label = loss_of(outputs, labels, smoothing)
    assert loss_of(outputs, np.eye(4)[labels], smoothing) == pytest.approx(by_label, rel=1e-13)


def test_labels_of_any_number_type_mean_the_same() -> None:
    outputs = np.random.default_rng(1).normal(size=(3, 4))
    expected = loss_of(outputs, [0, 3, 2])
    for dtype in (np.uint8, np.int32, np.int64, np.float32):
        assert loss_of(outputs, np.array([0, 3, 2], dtype)) == expected


def test_a_sequence_costs_the_mean_of_its_positions() -> None:
    rng = np.random.default_rng(2)
    outputs, labels = rng.normal(size=(2, 3, 4)), rng.integers(0, 4, (2, 3))
    flat = loss_of(outputs.reshape(6, 4), labels.reshape(6))
    assert loss_of(outputs, labels) == pytest.approx(flat / 3, rel=1e-14)


@pytest.mark.parametrize("targets", [[0, 1], [[1.0, 0.0], [0.0, 1.0]]])
def test_huge_logits_neither_overflow_nor_lose_the_loss(targets: Any) -> None:
    assert loss_of([[1e4, -1e4], [1e4, -1e4]], targets) == 2e4


def test_predictions_are_probabilities() -> None:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    probabilities = loss.predict(np.log([[[1.0, 3.0], [2.0, 2.0]]]))
    np.testing.assert_allclose(probabilities, [[[0.25, 0.75], [0.5, 0.5]]], rtol=1e-14)


def test_an_output_of_one_unit_is_refused_with_the_remedy() -> None:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    with pytest.raises(ShapeError) as caught:
        loss.check_shapes((1,), ())
    assert str(caught.value) == (
        "softmax_cross_entropy cannot compare an output of shape (1,) with a target of shape ():"
        " give the output a last axis of the number of classes, at least 2, such as the units of a"
        " last dense layer"
    )


@pytest.mark.parametrize(
    ("out_shape", "target_shape", "remedy"),
    [
        (
            (10,),
            (5,),
            "give the output a last axis of 5, one for each class, such as the units of a last"
            " dense layer",
        ),
        ((2,), (1,), "save the labels without their last axis, with the shape (samples,)"),
        ((6, 2), (6, 1), "save the labels without their last axis, with the shape (samples, 6)"),
        ((8, 8, 10), (), "end the network with outputs (classes,), one unit for each class"),
        ((10,), (6, 7), "end the network with outputs (6, 7, classes), one unit for each class"),
        (
            (),
            (),
            "give the output a last axis of the number of classes, at least 2, such as the units of"
            " a last dense layer",
        ),
    ],
)
def test_shapes_that_do_not_fit_say_what_would(
    out_shape: Any, target_shape: Any, remedy: str
) -> None:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    with pytest.raises(ShapeError) as caught:
        loss.check_shapes(out_shape, target_shape)
    assert str(caught.value).endswith(remedy)


@pytest.mark.parametrize(
    ("targets", "row", "why"),
    [
        ([0, 3, 1], 1, "3 is not an integer label from 0 to 2, for outputs of 3 classes"),
        ([0, -0.5], 1, "-0.5 is not an integer label from 0 to 2, for outputs of 3 classes"),
        ([0, np.inf], 1, "inf is not an integer label from 0 to 2, for outputs of 3 classes"),
        ([0.5, 1.0, 2.0], 0, "0.5 is not an integer label from 0 to 2, for outputs of 3 classes"),
        ([[1.0, 0.0, 0.0], [1.5, -0.5, 0.0]], 1, "1.5 is not a number from 0 to 1"),
        (
            [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]],
            1,
            "the probabilities of the classes sum to 2, not to 1",
        ),
    ],
)
def test_impossible_targets_are_found_before_training(targets: Any, row: int, why: str) -> None:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    bad_row = loss.bad_target((3,), np.array(targets))
    assert bad_row == (row, why)


def test_a_bad_label_in_a_sequence_is_found_by_its_sample() -> None:
    loss = SoftmaxCrossEntropy(SoftmaxCrossEntropy.Config())
    bad_row = loss.bad_target((2, 3), np.array([[0, 1], [2, 9]]))
    assert bad_row is not None
    assert bad_row[0] == 1


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan])
def test_impossible_smoothing_is_refused(smoothing: float) -> None:
    with pytest.raises(ValidationError):
        SoftmaxCrossEntropy.Config(label_smoothing=smoothing)
