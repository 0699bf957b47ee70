"""Losses of several outputs or without a target: exact values, weights, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.losses.activity_regularization import ActivityRegularization
from tinynet.builtin.losses.contrastive import Contrastive
from tinynet.builtin.losses.distillation import Distillation
from tinynet.builtin.losses.gaussian_nll import GaussianNLL
from tinynet.builtin.losses.standard_normal_kl import StandardNormalKL
from tinynet.builtin.losses.triplet import Triplet
from tinynet.errors import ShapeError
from tinynet.layer.context import Context

RNG = np.random.default_rng(0)


def make(kind: Any, **options: Any) -> Any:
    return kind(kind.Config(**options))


def both(loss: Any, outputs: Any, targets: Any = None, weights: Any = None) -> tuple[float, Any]:
    """Return the sum and its gradients."""
    ctx = Context(training=True)
    value, cache = loss.forward(ctx, outputs, targets, weights)
    return value, loss.backward(ctx, cache)


# distillation


def test_distillation_is_the_divergence_from_the_teacher() -> None:
    student, teacher = np.log([[0.5, 0.5]]), np.log([[0.8, 0.2]])
    value, (gradient, constant) = both(make(Distillation), (student, teacher))
    assert value == pytest.approx(0.8 * math.log(1.6) + 0.2 * math.log(0.4), rel=1e-14)
    np.testing.assert_allclose(gradient, [[-0.3, 0.3]], rtol=1e-14)
    np.testing.assert_array_equal(constant, [[0, 0]])


def test_a_student_like_its_teacher_has_no_loss() -> None:
    logits = RNG.normal(size=(3, 4)) * 5
    value, (gradient, _) = both(make(Distillation, temperature=3.0), (logits + 7, logits))
    assert value == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose(gradient, 0, atol=1e-14)


def test_a_temperature_softens_both_and_keeps_the_size_of_gradients() -> None:
    outputs = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    value, (gradient, _) = both(make(Distillation, temperature=2.0), outputs)
    expected, (other, _) = both(make(Distillation), (outputs[0] / 2, outputs[1] / 2))
    assert value == pytest.approx(4 * expected, rel=1e-13)
    np.testing.assert_allclose(gradient, 2 * other, rtol=1e-13)


def test_distillation_of_sequences_is_the_mean_over_positions() -> None:
    student, teacher = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
    value, (gradient, _) = both(make(Distillation), (student, teacher))
    flat, (rows, _) = both(make(Distillation), (student.reshape(6, 4), teacher.reshape(6, 4)))
    assert value == pytest.approx(flat / 3, rel=1e-14)
    np.testing.assert_allclose(gradient.reshape(6, 4), rows / 3, rtol=1e-13)
    weights = np.array([[1.0, 0, 0], [0, 0, 2.0]])
    weighted, (gradient, _) = both(make(Distillation), (student, teacher), None, weights)
    first, _ = both(make(Distillation), (student[:1, 0], teacher[:1, 0]))
    last, _ = both(make(Distillation), (student[1:, 2], teacher[1:, 2]))
    assert weighted == pytest.approx((first + 2 * last) / 3, rel=1e-13)
    assert not gradient[weights == 0].any()


# contrastive


def test_contrastive_pulls_similar_samples_and_pushes_others() -> None:
    left = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    right = np.array([[3.0, 4.0], [3.0, 4.0], [6.0, 8.0]])
    value, (d_left, d_right) = both(
        make(Contrastive, margin=7.0), (left, right), np.array([1, 0, 0])
    )
    assert value == 12.5 + 2.0 + 0.0  # distances 5, 5 and 10
    np.testing.assert_allclose(d_left, [[-3, -4], [1.2, 1.6], [0, 0]], rtol=1e-14)
    np.testing.assert_array_equal(d_right, -d_left)


def test_contrastive_at_distance_0_has_a_loss_and_no_gradient() -> None:
    value, (d_left, _) = both(
        make(Contrastive), (np.ones((2, 3)), np.ones((2, 3))), np.array([[1], [0]])
    )
    assert value == 0.5
    np.testing.assert_array_equal(d_left, np.zeros((2, 3)))


def test_contrastive_weighs_samples() -> None:
    outputs, targets = (np.zeros((2, 2)), np.ones((2, 2))), np.array([1, 1])
    value, (d_left, _) = both(make(Contrastive), outputs, targets, np.array([0.0, 3.0]))
    assert value == pytest.approx(3.0, rel=1e-15)
    np.testing.assert_array_equal(d_left, [[0, 0], [-3, -3]])
    with pytest.raises(ShapeError, match=r"contrastive needs one weight for each sample, \(N,\)"):
        both(make(Contrastive), outputs, targets, np.ones((2, 2)))


def test_contrastive_labels_are_0_or_1() -> None:
    loss = make(Contrastive)
    assert loss.bad_target(((3,), (3,)), np.array([0, 1, 1])) is None
    bad = loss.bad_target(((3,), (3,)), np.array([[0], [1], [0.5]]))
    assert bad == (2, "0.5 is not 1 (similar) or 0")
    assert loss.bad_target(((3,), (3,)), np.array([0.0, math.nan]))[0] == 1


# standard_normal_kl


def test_the_standard_normal_distribution_has_no_divergence() -> None:
    value, gradients = both(make(StandardNormalKL), (np.zeros((2, 3)), np.zeros((2, 3))))
    assert value == 0
    assert not np.any(gradients)


def test_standard_normal_kl_is_summed_over_elements() -> None:
    mean, log_variance = np.array([[1.0, -2.0]]), np.log([[4.0, 0.25]])
    value, (d_mean, d_log_variance) = both(make(StandardNormalKL), (mean, log_variance))
    expected = (1 + 4 - 1 - math.log(4)) / 2 + (4 + 0.25 - 1 - math.log(0.25)) / 2
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_array_equal(d_mean, mean)
    np.testing.assert_allclose(d_log_variance, [[1.5, -0.375]], rtol=1e-14)


def test_standard_normal_kl_weighs_samples_and_positions() -> None:
    mean, log_variance = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 3, 4))
    loss = make(StandardNormalKL)
    parts = np.array([[both(loss, (m[None], v[None]))[0] for m, v in zip(*rows, strict=True)]
                      for rows in zip(mean, log_variance, strict=True)])  # fmt: skip
    for weights in (np.array([0.5, 2.0]), RNG.uniform(size=(2, 3))):
        value, gradients = both(loss, (mean, log_variance), None, weights)
        every = weights if weights.ndim == 2 else weights[:, None]
        assert value == pytest.approx((parts * every).sum(), rel=1e-13)
        np.testing.assert_allclose(gradients[0], mean * every[..., None], rtol=1e-14)


# activity_regularization


def test_activity_regularization_is_the_sum_of_its_terms() -> None:
    outputs = np.array([[1.0, -2.0], [0.0, 3.0]])
    value, gradient = both(make(ActivityRegularization, l1=0.5, l2=0.25), outputs)
    assert value == 0.5 * 6 + 0.25 * 14
    np.testing.assert_array_equal(gradient, [[1.0, -1.5], [0.0, 2.0]])
    weighted, gradient = both(
        make(ActivityRegularization, l1=1.0), outputs, None, np.array([[1.0, 0.0], [2.0, 0.5]])
    )
    assert weighted == 1 + 1.5
    np.testing.assert_array_equal(gradient, [[1.0, 0.0], [0.0, 0.5]])


def test_activity_regularization_predicts_the_outputs() -> None:
    outputs = np.ones((2, 3))
    assert make(ActivityRegularization, l1=1.0).predict(outputs) is outputs


def test_activity_regularization_needs_a_factor() -> None:
    """Without one it would be 0. A factor of 0 is a choice, as in a search for the best one."""
    with pytest.raises(ValidationError, match='set "l1" or "l2"'):
        make(ActivityRegularization)
    assert make(ActivityRegularization, l1=0.0, l2=0.0).l2 == 0


# all


CASES = {
    "distillation": (make(Distillation, temperature=2.0), RNG.normal(size=(2, 6, 4)), None),
    "contrastive": (make(Contrastive), RNG.normal(size=(2, 6, 4)), RNG.integers(0, 2, 6)),
    "standard_normal_kl": (make(StandardNormalKL), RNG.normal(size=(2, 6, 4)), None),
    "gaussian_nll": (
        make(GaussianNLL, full=True),
        RNG.uniform(0.5, 2, (2, 6, 4)),
        RNG.normal(size=(6, 4)),
    ),
    "triplet": (make(Triplet, margin=3.0, swap=True), RNG.normal(size=(3, 6, 4)), None),
    "activity_regularization": (
        make(ActivityRegularization, l1=0.1, l2=0.2),
        RNG.normal(size=(6, 4)),
        None,
    ),
}


@pytest.mark.parametrize(("loss", "outputs", "targets"), CASES.values(), ids=CASES)
def test_evaluation_keeps_nothing(loss: Any, outputs: Any, targets: Any) -> None:
    passed = tuple(outputs) if outputs.ndim == 3 else outputs
    trained, _ = loss.forward(Context(training=True), passed, targets)
    evaluated, cache = loss.forward(Context(keep=False), passed, targets)
    assert cache is None
    assert evaluated == trained


@pytest.mark.parametrize(("loss", "outputs", "targets"), CASES.values(), ids=CASES)
def test_float32_stays_float32_and_agrees(loss: Any, outputs: Any, targets: Any) -> None:
    weights = np.array([0.0, 1.0, 2.5, 0.5, 1.0, 3.0])
    exact = tuple(outputs) if outputs.ndim == 3 else outputs
    single = outputs.astype(np.float32)
    rounded = tuple(single) if outputs.ndim == 3 else single
    value, gradients = both(loss, rounded, targets, weights.astype(np.float32))
    expected, others = both(loss, exact, targets, weights)
    assert value == pytest.approx(expected, rel=1e-5)
    several = isinstance(gradients, tuple)
    for gradient in gradients if several else (gradients,):
        assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradients, others, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "out_shape", "target_shape", "message"),
    [
        (Distillation, ((3,), (4,)), None, r"the student has the shape \(3,\) and the teacher"),
        (Distillation, ((3, 1), (3, 1)), None, "with at least 2 classes"),
        (Distillation, ((), ()), None, "with at least 2 classes"),
        (Contrastive, ((3,), (4,)), (), r"they have the shapes \(3,\) and \(4,\)"),
        (Contrastive, ((3,), (3,)), (2,), r"one label for each sample.* the shape \(2,\)"),
        (StandardNormalKL, ((3,), (4,)), None, r"the mean has the shape \(3,\) and the log_var"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    kind: Any, out_shape: Any, target_shape: Any, message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        make(kind).check_shapes(out_shape, target_shape)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Distillation, {"temperature": 0.0}),
        (Contrastive, {"margin": 0.0}),
        (ActivityRegularization, {"l1": -0.1}),
        (ActivityRegularization, {"l2": -0.1}),
    ],
)
def test_impossible_options_are_refused(kind: Any, options: Any) -> None:
    with pytest.raises(ValidationError):
        kind.Config(**options)
