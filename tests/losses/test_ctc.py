"""CTC: exact values, its options, and the targets that it refuses."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import tinynet
from tinynet.builtin.losses.ctc import CTC
from tinynet.errors import DataError, ShapeError
from tinynet.layer.context import Context


def make(**options: Any) -> CTC:
    return CTC(CTC.Config(**options))


def loss_of(outputs: Any, targets: Any, **options: Any) -> float:
    total, _ = make(**options).forward(Context(), np.array(outputs), np.array(targets))
    return total


def test_equal_logits_count_the_alignments() -> None:
    """Of 3 ** 3 paths, six spell the label 1 and nothing else."""
    paths = 6  # 100, 010, 001, 110, 011, 111
    assert loss_of(np.zeros((1, 3, 3)), [[1, -1]]) == pytest.approx(math.log(27 / paths), rel=1e-14)


def test_a_target_without_labels_is_all_blank() -> None:
    logits = np.log([[[0.5, 0.5], [0.25, 0.75]]])
    assert loss_of(logits, [[-1, -1]]) == pytest.approx(math.log(8), rel=1e-14)


def test_blank_and_padding_can_be_chosen() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 4))
    expected = loss_of(logits, [[1, 3, 3], [2, -1, -1]])
    last = loss_of(np.roll(logits, -1, axis=2), [[0, 2, 2], [1, 9, 9]], blank=3, padding_value=9)
    assert last == pytest.approx(expected, rel=1e-13)
    assert loss_of(logits, [[1, 3, 3], [2, 0, 0]], padding_value=0) == expected


def test_labels_of_any_number_type_mean_the_same() -> None:
    logits = np.random.default_rng(1).normal(size=(2, 5, 4))
    for dtype in (np.int8, np.int64, np.float32):
        targets = np.array([[1, 3], [2, -1]], dtype)
        assert loss_of(logits, targets) == loss_of(logits, [[1, 3], [2, -1]])


def test_predictions_are_probabilities_of_each_step() -> None:
    probabilities = make().predict(np.log([[[1.0, 3.0], [2.0, 2.0]]]))
    np.testing.assert_allclose(probabilities, [[[0.25, 0.75], [0.5, 0.5]]], rtol=1e-14)


@pytest.mark.parametrize(
    ("out_shape", "target_shape"),
    [((4,), (2,)), ((7, 4), ()), ((7, 4), (7, 4)), ((7, 1), (2,)), ((2, 7, 4), (2,))],
)
def test_shapes_that_do_not_fit_are_refused(out_shape: Any, target_shape: Any) -> None:
    with pytest.raises(ShapeError) as caught:
        make().check_shapes(out_shape, target_shape)
    assert str(caught.value) == (
        "ctc needs outputs of shape (time steps, classes), with at least 2 classes, and targets of"
        f" shape (labels,), padded with -1; the output has the shape {out_shape} and the target"
        f" {target_shape}"
    )


def test_a_blank_that_is_no_class_is_refused() -> None:
    with pytest.raises(ShapeError, match="blank 4 is not one of the 4 classes of the output; set"):
        make(blank=4).check_shapes((7, 4), (2,))


LABEL = "is not an integer label from 0 to 3 other than the blank 0, nor the padding -1"


@pytest.mark.parametrize(
    ("targets", "row", "why"),
    [
        ([[1, 2, 3], [1, 4, -1]], 1, f"4 {LABEL}"),
        ([[1, 2, 3], [-2, -1, -1]], 1, f"-2 {LABEL}"),
        ([[1, 2, 3], [1, 0, 2]], 1, f"0 {LABEL}"),
        ([[1, 2.5, 3]], 0, f"2.5 {LABEL}"),
        ([[1, np.inf, 3]], 0, f"inf {LABEL}"),
        ([[1, 2, -1], [-1, 2, -1]], 1, "a label follows the padding -1, which must come last"),
        (
            [[1, 2, 3], [1, 1, 1]],
            1,
            "its labels need 5 time steps (one for each of 3 labels, and 2 between equal"
            " neighbors), but the output has 4",
        ),
        (
            [[1, 2, 3, 1, 2]],
            0,
            "its labels need 5 time steps (one for each of 5 labels), but the output has 4",
        ),
    ],
)
def test_impossible_targets_are_found_before_training(targets: Any, row: int, why: str) -> None:
    assert make().bad_target((4, 4), np.array(targets)) == (row, why)


def test_the_first_bad_row_is_named_whatever_is_wrong_with_it() -> None:
    bad = make().bad_target((2, 3), np.array([[1, -1], [1, 1], [7, -1]]))
    assert bad is not None
    assert bad[0] == 1


def test_weights_of_positions_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"one weight for each sample.* shape \(2, 3\)"):
        make().forward(Context(), np.zeros((2, 3, 4)), np.ones((2, 3)), np.ones((2, 3)))


@pytest.mark.parametrize("options", [{"blank": -1}, {"padding_value": 0.5}])
def test_impossible_options_are_refused(options: Any) -> None:
    with pytest.raises(ValidationError):
        CTC.Config(**options)


def trainer(rate: float = 0.5) -> tinynet.Trainer:
    return tinynet.Trainer(
        {
            "tinynet": 1,
            "name": "spelling",
            "network": {"input_shape": [6, 3], "layers": [{"type": "dense", "units": 4}]},
            "training": {
                "steps": 60,
                "loss": "ctc",
                "optimizer": {"type": "adam", "learning_rate": rate},
            },
        }
    )


def test_a_network_learns_to_spell() -> None:
    """Each input step shows a letter or nothing; the targets tell only the order of the letters."""
    words = [[1, 2], [2, 2], [3, -1], [3, 1]]
    x = np.zeros((4, 6, 3), np.float32)
    for row, word in enumerate(words):
        for i, letter in enumerate(letter for letter in word if letter > 0):
            x[row, 3 * i : 3 * i + 2, letter - 1] = 1
    spelled = trainer()
    losses = [spelled.train_step(x, np.array(words)) for _ in range(60)]
    assert losses[-1] < 0.1 * losses[0]
    best = spelled.network.predict(x).argmax(axis=-1)
    np.testing.assert_array_equal(best, [[1, 1, 0, 2, 2, 0], [2, 2, 0, 2, 2, 0],
                                         [3, 3, 0, 0, 0, 0], [3, 3, 0, 1, 1, 0]])  # fmt: skip


def test_training_refuses_an_impossible_target_with_its_row() -> None:
    with pytest.raises(DataError, match="target 1 of the batch: its labels need 11 time steps"):
        trainer().train_step(np.zeros((2, 6, 3)), np.array([[1, 2] * 3, [1] * 6]))
