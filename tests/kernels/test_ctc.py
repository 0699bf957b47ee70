"""The probability of label sequences, against a sum over every alignment."""

import itertools

import numpy as np
import pytest

from tinynet.kernels.memory import aligned_empty
from tinynet.kernels.numpy import NumpyKernels


def ctc(logits, labels, lengths, blank=0, keep=True):
    return NumpyKernels().ctc(
        np.asarray(logits), np.array(labels), np.array(lengths), blank, aligned_empty, keep
    )


def probability_of_labels(logits, labels, blank):
    """Return the sum of the probabilities of every alignment, one after the other."""
    steps, classes = logits.shape
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        collapsed = [c for c, _ in itertools.groupby(path) if c != blank]
        if collapsed == list(labels):
            total += np.prod(probabilities[np.arange(steps), path])
    return total


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("pattern", [[], [0], [0, 1], [0, 0], [1, 0, 1], [1, 1, 0]])
@pytest.mark.parametrize("steps", [4, 5])
def test_it_sums_over_every_alignment(pattern, blank, steps):
    logits = np.random.default_rng(0).standard_normal((2, steps, 3))
    classes = [c for c in range(3) if c != blank]
    labels = [classes[i] for i in pattern]
    padded = labels + [blank] * (4 - len(labels))
    losses, _ = ctc(logits, [padded, padded], [len(labels)] * 2, blank)
    expected = [-np.log(probability_of_labels(sample, labels, blank)) for sample in logits]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


def test_samples_of_different_lengths_do_not_affect_each_other():
    logits = np.random.default_rng(1).standard_normal((3, 6, 4))
    labels, lengths = [[1, 2, 3], [3, 0, 0], [2, 2, 0]], [3, 1, 2]
    losses, gradient = ctc(logits, labels, lengths)
    for i in range(3):
        alone = ctc(logits[i : i + 1], labels[i : i + 1], lengths[i : i + 1])
        np.testing.assert_array_equal(alone[0][0], losses[i])
        np.testing.assert_array_equal(alone[1][0], gradient[i])


def test_labels_without_any_alignment_have_an_infinite_loss():
    losses, gradient = ctc(np.zeros((2, 2, 3)), [[1, 1], [1, 2]], [2, 2])
    assert losses[0] == np.inf
    assert losses[1] == pytest.approx(2 * np.log(3))
    assert np.isfinite(gradient).all()


def test_large_logits_do_not_overflow():
    logits = np.zeros((1, 3, 2))
    logits[0, :, 0] = 1e4
    losses, gradient = ctc(logits, [[1]], [1])
    assert losses[0] == pytest.approx(1e4 - np.log(3), rel=1e-12)
    np.testing.assert_allclose(gradient[0], [[1 / 3, -1 / 3]] * 3, rtol=1e-9)


def test_nan_is_not_lost():
    logits = np.zeros((1, 3, 2))
    logits[0, 1, 1] = np.nan
    assert np.isnan(ctc(logits, [[1]], [1])[0]).all()


def test_float32_keeps_its_digits_over_long_sequences():
    logits = np.random.default_rng(2).standard_normal((2, 500, 20))
    labels, lengths = np.random.default_rng(3).integers(1, 20, (2, 100)), [100, 60]
    labels[1, 60:] = 0
    exact = ctc(logits, labels, lengths)
    losses, gradient = ctc(logits.astype(np.float32), labels, lengths)
    assert losses.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(losses, exact[0], rtol=1e-6)
    np.testing.assert_allclose(gradient, exact[1], atol=1e-4)


def test_without_gradient_the_losses_have_the_same_bits():
    logits = np.random.default_rng(4).standard_normal((3, 9, 4)).astype(np.float32)
    labels, lengths = [[1, 2, 3], [3, 0, 0], [2, 2, 0]], [3, 1, 2]
    losses, gradient = ctc(logits, labels, lengths, keep=False)
    assert gradient is None
    np.testing.assert_array_equal(losses, ctc(logits, labels, lengths)[0])
