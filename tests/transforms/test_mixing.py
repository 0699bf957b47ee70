"""Mixup and CutMix, against loops over samples and pixels."""

import numpy as np
import pytest

from tinynet.builtin.transforms.mixing import CutMix, Mixup
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.kernels.random import derive

from .augmentations import images, make

ONE_HOT = np.eye(5, dtype=np.float32)
CLASSES = Field((), "int64", ("cat", "dog"))


def mixed(transform, *arrays, seed=0, training=True):
    """Return arrays after one transform, which draws the same numbers for each."""
    fields = [Field(array.shape[1:], array.dtype.name) for array in arrays]
    for field in fields:
        assert transform.describe(field) == field
    state = transform.fit(fields[0], iter(arrays))
    copies = [array.copy() for array in arrays]
    results = [transform.apply(state, a, lambda i: derive("b", seed), training) for a in arrays]
    assert all(map(np.array_equal, arrays, copies))
    assert [a.dtype for a in results] == [a.dtype for a in arrays]
    return results


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-12), ("float32", 1e-6), ("uint8", 1)])
def test_mixup_mixes_inputs_and_targets_alike(dtype, error):
    x, y = images(30, dtype=dtype), ONE_HOT[np.arange(30) % 5]
    new_x, new_y = mixed(make(Mixup, alpha=0.7), x, y)
    draws = derive("b", 0)
    partners, weights = draws.permutation(30), draws.beta(0.7, 0.7, 30)
    for i, (j, w) in enumerate(zip(partners, weights, strict=True)):
        right = w * x[i].astype(float) + (1 - w) * x[j].astype(float)
        np.testing.assert_allclose(new_x[i].astype(float), right, atol=error)
        np.testing.assert_allclose(new_y[i], w * y[i] + (1 - w) * y[j], atol=1e-6)
    np.testing.assert_allclose(new_y.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("alpha", "spread"), [(0.1, 0.45), (1.0, 0.289), (50.0, 0.05)])
def test_weights_have_the_distribution_of_alpha(alpha, spread):
    """The standard deviation of Beta(a, a) is 1 / sqrt(4 (2 a + 1))."""
    y = np.eye(1500, dtype=np.float32)
    (new,) = mixed(make(Mixup, alpha=alpha), y)
    weights = new.diagonal()
    assert abs(weights.mean() - 0.5) < 0.03
    assert abs(weights.std() - spread) < 0.03


def test_cutmix_pastes_a_rectangle_of_the_partner():
    x = images(40, 9, 7) // 2
    x = np.where(np.arange(40).reshape(-1, 1, 1, 1) % 2, x + 127, x).astype(np.uint8)
    masks = np.arange(40).reshape(-1, 1, 1).repeat(9, axis=1).repeat(7, axis=2)
    labels = np.eye(40)
    new_x, new_masks, new_labels = mixed(make(CutMix), x, masks, labels)
    partners = derive("b", 0).permutation(40)
    shares = []
    for i, j in enumerate(partners):
        pasted = new_masks[i] == j
        assert np.all(pasted | (new_masks[i] == i)), "masks are cut and pasted as well"
        assert np.array_equal(new_x[i], np.where(pasted[..., None], x[j], x[i]))
        share = pasted.mean()
        np.testing.assert_allclose(new_labels[i], (1 - share) * labels[i] + share * labels[j])
        if i != j and pasted.any():
            rows, columns = pasted.any(axis=1).nonzero()[0], pasted.any(axis=0).nonzero()[0]
            assert pasted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
            shares.append(share)
    assert len(shares) > 25
    assert min(shares) < 0.15 < 0.4 < max(shares)


@pytest.mark.parametrize("transform", [Mixup, CutMix])
def test_outside_of_training_nothing_is_mixed(transform):
    x = images()
    assert mixed(make(transform), x, training=False)[0] is x


@pytest.mark.parametrize("transform", [Mixup, CutMix])
@pytest.mark.parametrize("field", [CLASSES, Field((), "int64"), Field((3,), "uint8")])
def test_targets_that_cannot_be_mixed_are_refused_with_a_remedy(transform, field):
    with pytest.raises(DataError, match=r'add \{"type": "one_hot", "on": "target"\} before it'):
        make(transform).describe(field)


def test_mixup_refuses_masks():
    with pytest.raises(DataError, match="indices of 2 classes; add"):
        make(Mixup).describe(Field((4, 4), "int64", ("cat", "dog")))


def test_cutmix_takes_masks_of_the_size_of_the_images_only():
    with pytest.raises(DataError, match=r"cannot mix int64 of shape \(2, 2\)"):
        mixed(make(CutMix), images(), np.ones((6, 2, 2), np.int64))
    with pytest.raises(DataError, match='images first in "on"'):
        mixed(make(CutMix), ONE_HOT)
