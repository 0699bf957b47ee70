import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.transforms.one_hot import OneHot
from tinynet.builtin.transforms.scale import Scale
from tinynet.builtin.transforms.standardize import Standardize
from tinynet.dataset import Field
from tinynet.errors import DataError


def no_rng(index):
    raise AssertionError("nothing may be drawn")


def run(transform, batch, classes=None, training=True):
    """Describe, fit and apply; what comes out must be what was described."""
    field = Field(batch.shape[1:], batch.dtype.name, classes)
    described = transform.describe(field)
    before = batch.copy()
    batch.setflags(write=False)
    state = transform.fit(field, [batch[:1], batch[1:]])
    y = transform.apply(state, batch, no_rng, training)
    np.testing.assert_array_equal(batch, before)
    assert (y.shape[1:], y.dtype.name) == (described.shape, described.dtype)
    return y, described, state


DTYPES = ["uint8", "int8", "int16", "int32", "int64", "uint64", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("training", [True, False])
def test_scale_is_linear_and_float32_unless_the_data_are_float64(dtype, training):
    batch = np.arange(12).reshape(3, 2, 2).astype(dtype)
    transform = Scale(Scale.Config(factor=1 / 16, offset=-0.5))
    y, described, state = run(transform, batch, training=training)
    np.testing.assert_allclose(y, np.arange(12).reshape(3, 2, 2) / 16 - 0.5, rtol=1e-6)
    assert y.dtype == (np.float64 if dtype == "float64" else np.float32)
    assert described.shape == (2, 2)
    assert state == {}


def test_scale_keeps_the_precision_of_large_integers():
    """Times in seconds would otherwise be rounded to minutes before they are scaled."""
    batch = np.array([[1_700_000_000], [1_700_000_001]])
    y, _, _ = run(Scale(Scale.Config(offset=-1_700_000_000.0)), batch)
    assert y.tolist() == [[0], [1]]


def test_scale_learns_nothing_and_reads_nothing():
    def batches():
        raise AssertionError("scale has nothing to learn")
        yield

    field = Field((2,), "float32", names=("a", "b"))
    transform = Scale(Scale.Config(factor=2.0))
    assert transform.fit(field, batches()) == {}
    assert transform.describe(field).names == ("a", "b")


def test_a_factor_of_zero_is_refused():
    with pytest.raises(ValidationError, match="0 makes all values equal"):
        Scale.Config(factor=0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_return_to_the_units_of_the_data(dtype):
    """Else a regression would predict in standard deviations."""
    x = np.random.default_rng(0).normal(150, 30, (50, 3)).astype(dtype)
    for transform in (Scale(Scale.Config(factor=0.1, offset=3.0)), standardize()):
        y, _, state = run(transform, x.copy())
        back = transform.invert(state, y)
        np.testing.assert_allclose(back, x, rtol=1e-5)
        assert back.dtype == x.dtype


def standardize(epsilon=0.0):
    return Standardize(Standardize.Config(epsilon=epsilon))


@pytest.mark.parametrize("shape", [(40,), (40, 3), (40, 4, 5, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_standardize_brings_every_feature_to_mean_0_and_deviation_1(shape, dtype):
    x = np.random.default_rng(0).normal(50, 9, shape).astype(dtype)
    y, _, state = run(standardize(), x)
    axes = tuple(range(max(1, x.ndim - 1)))
    np.testing.assert_allclose(y.mean(axes, np.float64), 0, atol=1e-4)
    np.testing.assert_allclose(y.std(axes, np.float64), 1, atol=1e-4)
    assert y.dtype == (np.float64 if dtype == "float64" else np.float32)
    assert state["mean"].dtype == state["std"].dtype == np.float64
    assert state["mean"].shape == state["std"].shape == ((x.shape[-1],) if x.ndim > 1 else (1,))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_standardize_does_not_depend_on_how_the_data_are_cut(sizes, seed):
    """A resumed or sharded fit must give the same model."""
    x = np.random.default_rng(seed).normal(1e6, 1.0, (sum(sizes) + 1, 2))
    parts = np.split(x, np.cumsum(sizes))
    state = standardize().fit(Field((2,), "float64"), parts)
    np.testing.assert_allclose(state["mean"], x.mean(axis=0), rtol=1e-14)
    if len(x) > 1:
        np.testing.assert_allclose(state["std"], x.std(axis=0), rtol=1e-8)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.3, -7.0])
def test_a_constant_feature_is_centred_only(value):
    """Rounding must not turn a constant into noise of size 1."""
    x = np.random.default_rng(0).normal(size=(100, 2))
    x[:, 1] = value
    field = Field((2,), "float64")
    transform = standardize()
    state = transform.fit(field, np.split(x, [1, 7, 50]))
    assert state["std"][1] == 1.0
    y = transform.apply(state, x, no_rng, False)
    np.testing.assert_allclose(y[:, 1], 0, atol=1e-6)


def test_epsilon_is_added_to_the_variance():
    x = np.array([[1.0], [3.0]])
    _, _, state = run(standardize(epsilon=3.0), x)
    assert state["std"].tolist() == [2.0]


def test_a_spread_too_small_for_float32_does_not_divide_by_zero():
    x = np.array([[0.0], [1e-45], [0.0]], np.float32)
    assert np.isfinite(run(standardize(), x)[0]).all()


def test_values_too_large_to_standardize_are_a_data_error():
    x = np.array([[0.0, 1e200], [1.0, -1e200]])
    with pytest.raises(DataError, match="mean and deviation of 'feature 1'"):
        run(standardize(), x)


def test_standardize_without_training_data_is_a_data_error():
    for batches in ([], [np.zeros((0, 2))]):
        with pytest.raises(DataError, match="no training data"):
            standardize().fit(Field((2,), "float64"), batches)


def test_other_features_than_those_fitted_are_a_data_error():
    _, _, state = run(standardize(), np.eye(3))
    with pytest.raises(DataError, match="fitted on 3 features, but these samples have 1"):
        standardize().apply(state, np.ones((2, 1)), no_rng, False)


@pytest.mark.parametrize("transform", [Scale(Scale.Config()), standardize()])
def test_classes_are_no_quantities(transform):
    with pytest.raises(
        DataError, match=r"holds 2 classes \(a, b\); use \"one_hot\" to encode them"
    ):
        transform.describe(Field((), "int64", ("a", "b")))
    with pytest.raises(
        DataError, match=r"2, 3, 4, \.\.\.\); for a quantity, set \"target_type\": \"num"
    ):
        transform.describe(Field((), "int64", tuple(map(str, range(80)))))


def one_hot(num_classes=None):
    return OneHot(OneHot.Config(num_classes=num_classes))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 2, 3)])
def test_one_hot_has_a_single_one_at_the_class(shape, dtype):
    x = np.random.default_rng(0).integers(0, 4, shape).astype(dtype)
    y, described, _ = run(one_hot(4), x)
    assert described.shape == (*shape[1:], 4)
    np.testing.assert_array_equal(y.argmax(axis=-1), x)
    np.testing.assert_array_equal(y.sum(axis=-1), 1)


def test_one_hot_knows_the_classes_of_the_dataset():
    """A class that the training data lack still has its column."""
    y, described, _ = run(one_hot(), np.array([1, 0]), classes=("a", "b", "c"))
    assert y.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert described.names == ("a", "b", "c")
    assert described.classes is None


@pytest.mark.parametrize("bad", [-1, 3])
def test_one_hot_refuses_a_value_that_is_no_class(bad):
    state = {"num_classes": np.array(3)}
    with pytest.raises(DataError, match=f"{bad} is not one of the 3 classes") as raised:
        one_hot().apply(state, np.array([0, bad]), no_rng, False)
    assert raised.value.row == 1


@pytest.mark.parametrize(
    ("transform", "field", "message"),
    [
        (one_hot(), Field((), "int64"), 'set "num_classes"'),
        (one_hot(3), Field((), "float64"), "needs integers, but this array holds float64"),
        (
            one_hot(2),
            Field((), "int64", ("a", "b", "c")),
            r'2, but the dataset has 3 classes; set "num_classes": 3',
        ),
    ],
)
def test_one_hot_refuses_what_it_cannot_encode(transform, field, message):
    with pytest.raises(DataError, match=message):
        transform.describe(field)


def test_states_survive_as_plain_arrays():
    """They are saved with the model."""
    for transform, x in ((standardize(), np.eye(2)), (one_hot(2), np.array([0, 1]))):
        _, _, state = run(transform, x)
        assert all(isinstance(array, np.ndarray) for array in state.values())
        assert all(array.dtype.kind in "fi" for array in state.values())


def test_standardize_leaves_indicators_as_they_are():
    """A rare category would become a very large number."""
    rows = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 1.0]])
    field = Field((2,), "float64", indicators=(False, True))
    transform = Standardize(Standardize.Config())
    state = transform.fit(field, iter([rows]))
    scaled = transform.apply(state, rows, None, False)
    assert scaled[:, 1].tolist() == [0.0, 0.0, 1.0]
    assert abs(scaled[:, 0].mean()) < 1e-12
    assert transform.describe(field).indicators == field.indicators
