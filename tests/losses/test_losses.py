"""The promises of every built-in loss."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.losses.binary_cross_entropy import BinaryCrossEntropy
from tinynet.builtin.losses.categorical_hinge import CategoricalHinge
from tinynet.builtin.losses.cosine_similarity import CosineSimilarity
from tinynet.builtin.losses.ctc import CTC
from tinynet.builtin.losses.focal_cross_entropy import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
)
from tinynet.builtin.losses.hinge import SquaredHinge
from tinynet.builtin.losses.kl_divergence import KLDivergence
from tinynet.builtin.losses.overlap import Tversky
from tinynet.builtin.losses.poisson import Poisson
from tinynet.builtin.losses.regression import MAE, MSE, Huber, Quantile
from tinynet.builtin.losses.relative_errors import MSLE
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.builtin.losses.ssim import SSIM
from tinynet.errors import ShapeError
from tinynet.layer.context import Context
from tinynet.loss import CheckedLoss

RNG = np.random.default_rng(7)
LABELS = RNG.integers(0, 4, 6)
PADDED_LABELS = np.array([[1, 2, 3], [2, 2, -1], [3, -1, -1], [1, 1, 1], [-1, -1, -1], [3, 1, -1]])

CASES = {
    "labels": (SoftmaxCrossEntropy, {}, (6, 4), LABELS),
    "smoothed labels": (SoftmaxCrossEntropy, {"label_smoothing": 0.1}, (6, 4), LABELS),
    "sequences": (SoftmaxCrossEntropy, {}, (6, 3, 4), RNG.integers(0, 4, (6, 3))),
    "ignored label": (
        SoftmaxCrossEntropy,
        {"ignore_label": 2},
        (6, 3, 4),
        RNG.integers(0, 4, (6, 3)),
    ),
    "one-hot": (SoftmaxCrossEntropy, {}, (6, 4), np.eye(4)[LABELS]),
    "probabilities": (
        SoftmaxCrossEntropy,
        {"label_smoothing": 0.2},
        (6, 2, 4),
        RNG.dirichlet(np.ones(4), (6, 2)),
    ),
    "binary": (BinaryCrossEntropy, {}, (6, 1), RNG.integers(0, 2, 6)),
    "multi-label": (BinaryCrossEntropy, {"label_smoothing": 0.1}, (6, 3), RNG.random((6, 3))),
    "ctc": (CTC, {}, (6, 7, 4), PADDED_LABELS),
    "ctc with a last blank": (CTC, {"blank": 4}, (6, 9, 5), RNG.integers(0, 4, (6, 4))),
    "mse": (MSE, {}, (6, 2, 3), RNG.normal(size=(6, 2, 3))),
    "mse of one unit": (MSE, {}, (6, 1), RNG.normal(size=6)),
    "mae": (MAE, {}, (6, 3), RNG.normal(size=(6, 3))),
    "mse over positions": (
        MSE,
        {"average_over": "positions"},
        (6, 2, 3),
        RNG.normal(size=(6, 2, 3)),
    ),
    "huber": (Huber, {"delta": 0.5}, (6, 3), RNG.normal(size=(6, 3))),
    "quantile": (Quantile, {"quantile": 0.8}, (6, 3), RNG.normal(size=(6, 3))),
    "msle": (MSLE, {}, (6, 3), RNG.uniform(0, 3, (6, 3))),
    "poisson": (Poisson, {"full": True}, (6, 3), RNG.integers(0, 4, (6, 3))),
    "squared hinge": (SquaredHinge, {}, (6, 3), RNG.integers(0, 2, (6, 3))),
    "binary focal": (BinaryFocalCrossEntropy, {"alpha": 0.2}, (6, 3), RNG.random((6, 3))),
    "focal": (CategoricalFocalCrossEntropy, {}, (6, 3, 4), RNG.integers(0, 4, (6, 3))),
    "categorical hinge": (CategoricalHinge, {}, (6, 4), LABELS),
    "kl divergence": (KLDivergence, {}, (6, 2, 4), RNG.dirichlet(np.ones(4), (6, 2))),
    "cosine similarity": (CosineSimilarity, {}, (6, 2, 3), RNG.normal(size=(6, 2, 3))),
    "tversky": (Tversky, {"alpha": 0.2}, (6, 4, 2), RNG.random((6, 4, 2))),
    "ssim": (SSIM, {"filter_size": 2}, (6, 3, 4, 1), RNG.random((6, 3, 4))),
}
WEIGHTS = np.array([0.0, 1.0, 2.5, 0.5, 1.0, 3.0])

every_case = pytest.mark.parametrize(
    ("kind", "options", "shape", "targets"), CASES.values(), ids=CASES.keys()
)


def make(kind: Any, options: dict[str, Any]) -> Any:
    return kind(kind.Config(**options))


def frozen(array: Any) -> Any:
    array = np.array(array)
    array.setflags(write=False)
    return array


@every_case
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_backward_is_the_gradient_of_forward(
    kind: Any, options: Any, shape: Any, targets: Any, weights: Any
) -> None:
    loss, ctx = make(kind, options), Context(training=True)
    outputs = np.random.default_rng(1).normal(size=shape)
    total, cache = loss.forward(ctx, frozen(outputs), frozen(targets), weights)
    gradient = loss.backward(ctx, cache)
    assert isinstance(total, float)

    def value(index: tuple[int, ...], shift: float) -> Any:
        moved = outputs.copy()
        moved[index] += shift
        return loss.forward(ctx, moved, targets, weights)[0]

    numeric = np.empty(shape)
    for index in np.ndindex(shape):
        numeric[index] = (value(index, 1e-6) - value(index, -1e-6)) / 2e-6
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)
    np.testing.assert_array_equal(loss.backward(ctx, cache), gradient)


@every_case
def test_parts_of_a_batch_add_up(kind: Any, options: Any, shape: Any, targets: Any) -> None:
    loss, ctx = make(kind, options), Context(training=True)
    assert loss.per_sample
    outputs = np.random.default_rng(2).normal(size=shape)
    whole, cache = loss.forward(ctx, outputs, targets, WEIGHTS)
    parts = [
        loss.forward(ctx, outputs[rows], targets[rows], WEIGHTS[rows])
        for rows in (slice(0, 1), slice(1, 4), slice(4, 6))
    ]
    assert sum(part for part, _ in parts) == pytest.approx(whole, rel=1e-14)
    joined = np.concatenate([loss.backward(ctx, kept) for _, kept in parts])
    np.testing.assert_allclose(joined, loss.backward(ctx, cache), rtol=1e-14, atol=1e-16)


@every_case
def test_weights_of_one_change_nothing_and_of_zero_everything(
    kind: Any, options: Any, shape: Any, targets: Any
) -> None:
    loss, ctx = make(kind, options), Context(training=True)
    outputs = np.random.default_rng(3).normal(size=shape)
    plain, _ = loss.forward(ctx, outputs, targets)
    ones, _ = loss.forward(ctx, outputs, targets, np.ones(6))
    nothing, cache = loss.forward(ctx, outputs, targets, np.zeros(6))
    assert ones == pytest.approx(plain, rel=1e-14)
    assert nothing == 0
    assert not loss.backward(ctx, cache).any()


@every_case
def test_float32_stays_float32_and_agrees(
    kind: Any, options: Any, shape: Any, targets: Any
) -> None:
    loss, ctx = make(kind, options), Context(training=True)
    outputs = np.random.default_rng(4).normal(size=shape)
    exact, exact_cache = loss.forward(ctx, outputs, targets, WEIGHTS)
    total, cache = loss.forward(ctx, outputs.astype(np.float32), targets, WEIGHTS)
    gradient = loss.backward(ctx, cache)
    assert gradient.dtype == np.float32
    assert loss.predict(outputs.astype(np.float32)).dtype == np.float32
    assert total == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(gradient, loss.backward(ctx, exact_cache), rtol=1e-4, atol=1e-6)


@every_case
def test_evaluation_keeps_nothing(kind: Any, options: Any, shape: Any, targets: Any) -> None:
    loss = make(kind, options)
    outputs = np.random.default_rng(5).normal(size=shape)
    trained, _ = loss.forward(Context(training=True), outputs, targets)
    evaluated, cache = loss.forward(Context(keep=False), outputs, targets)
    assert cache is None
    assert evaluated == trained


@every_case
def test_good_targets_are_found_good(kind: Any, options: Any, shape: Any, targets: Any) -> None:
    loss = make(kind, options)
    assert isinstance(loss, CheckedLoss)
    loss.check_shapes(shape[1:], targets.shape[1:])
    assert loss.bad_target(shape[1:], targets) is None


@every_case
def test_a_target_of_nan_is_found_with_its_row(
    kind: Any, options: Any, shape: Any, targets: Any
) -> None:
    broken = targets.astype(np.float64)
    broken[4] = np.nan
    row, why = make(kind, options).bad_target(shape[1:], broken)
    assert row == 4
    assert "nan" in why


@every_case
def test_shapes_that_do_not_fit_are_never_broadcast(
    kind: Any, options: Any, shape: Any, targets: Any
) -> None:
    loss, ctx = make(kind, options), Context(training=True)
    with pytest.raises(ShapeError):
        loss.check_shapes((7, 9), (5, 4))
    with pytest.raises(ShapeError):
        loss.forward(ctx, np.zeros((6, 9)), np.zeros((6, 5)))
