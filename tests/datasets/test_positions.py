"""Weights of positions, padded labels, and data without targets in NumPy's files."""

import numpy as np
import pytest

from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError

X = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
LABELS = np.array([[0, 1, 2], [1, 1, 0], [2, 0, 0], [0, 0, 0]])
WEIGHTS = np.array([[1.0, 0.5, 0.0], [1.0, 0.0, 0.0], [2.0, 1.0, 1.0], [0.0, 0.0, 0.0]])


@pytest.fixture
def open_npz(tmp_path):
    def open_npz(weights=None, targets="y", classes=None, **arrays):
        path = tmp_path / "data.npz"
        arrays = {"x": X, "y": LABELS, **arrays}
        np.savez(path, **arrays, **({} if weights is None else {"w": weights}))
        names = {"targets": targets} | ({} if weights is None else {"weights": "w"})
        return NPZ(NPZ.Config(path=str(path), classes=classes, **names))

    return open_npz


def test_weights_of_positions_come_with_the_batch(open_npz):
    batch = open_npz(WEIGHTS.astype(np.float32)).gather(np.array([2, 0]))
    np.testing.assert_array_equal(batch.weights, WEIGHTS[[2, 0]])
    assert batch.weights.dtype == np.float64


def test_npy_files_may_hold_weights_of_positions(tmp_path):
    paths = {}
    for name, array in (("inputs", X), ("targets", LABELS), ("weights", WEIGHTS)):
        paths[name] = str(tmp_path / f"{name}.npy")
        np.save(paths[name], array)
    batch = NPY(NPY.Config(**paths)).gather(np.array([3, 1]))
    np.testing.assert_array_equal(batch.weights, WEIGHTS[[3, 1]])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_weights_may_have_any_of_the_leading_axes_of_the_targets(open_npz, axes):
    weights = np.ones((4, 3, 2)[:axes])
    assert open_npz(weights, y=np.zeros((4, 3, 2))).gather(np.arange(4)).weights.ndim == axes


@pytest.mark.parametrize("shape", [(4, 2), (4, 1), (4, 3, 3)])
def test_weights_that_do_not_fit_the_targets_are_refused(open_npz, shape):
    with pytest.raises(DataError) as raised:
        open_npz(np.ones(shape))
    assert str(raised.value).partition("array 'w' ")[2] == (
        f"has shape {shape}; save weights with the shape (samples,), one number for each sample,"
        " or (samples, 3), one for each position of the targets"
    )


def test_weights_of_positions_fit_one_of_several_targets(open_npz):
    several = {"targets": {"labels": "y", "kind": "k"}, "k": np.arange(4)}
    assert open_npz(np.ones(4), **several).gather(np.arange(2)).weights.shape == (2,)
    assert open_npz(WEIGHTS, **several).gather(np.arange(2)).weights.shape == (2, 3)
    with pytest.raises(DataError, match=r"with the shape \(samples,\), one number for each sample"):
        open_npz(np.ones((4, 2)), **several)


def test_weights_of_positions_may_be_those_of_an_input(open_npz):
    """An input may be the target of a loss, beside a target without positions."""
    data = open_npz(np.ones((4, 3)), y=np.arange(4))
    assert data.gather(np.arange(2)).weights.shape == (2, 3)


def test_a_negative_weight_is_named_with_its_position(open_npz):
    weights = WEIGHTS.copy()
    weights[2, 1] = -0.5
    with pytest.raises(DataError, match=r"row 2 .*, at \[1\]: the weight -0\.5 is negative"):
        open_npz(weights)


def test_padding_that_is_no_class_has_a_remedy(open_npz):
    padded = np.where(WEIGHTS > 0, LABELS, -100)
    message = r'such as padding, set "target_type": "number", and "ignore_label": -100 in the loss'
    for labels in (padded, padded[:, 2]):
        with pytest.raises(DataError, match=message):
            open_npz(y=labels)
    message = r'replace "classes" by "target_type": "number", and set "ignore_label": -100 in the'
    with pytest.raises(DataError, match=message):
        open_npz(y=padded, classes=("a", "b", "c"))


def test_data_may_have_no_targets(open_npz, tmp_path):
    data = open_npz(targets=None)
    assert data.targets == {}
    assert data.gather(np.array([1])).targets == {}
    np.save(tmp_path / "x.npy", X)
    assert NPY(NPY.Config(inputs=str(tmp_path / "x.npy"))).fingerprint == data.fingerprint
    assert open_npz().fingerprint != data.fingerprint


def test_without_targets_weights_fit_an_input(open_npz):
    assert open_npz(WEIGHTS, targets=None).gather(np.arange(2)).weights.shape == (2, 3)
    with pytest.raises(DataError, match=r"or \(samples, 3\), one for each position of the inputs"):
        open_npz(np.ones((4, 2)), targets=None)
