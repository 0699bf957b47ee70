import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.layers.embedding import Embedding
from tinynet.errors import DataError
from tinynet.layer import Build
from tinynet.layer.context import Context, Needs


def build(input_dim, output_dim, in_shape=(), dtype="float64", **build_options):
    return Embedding(
        Embedding.Config(input_dim=input_dim, output_dim=output_dim),
        (in_shape,),
        Build(dtype=np.dtype(dtype), create=registry.default().create, **build_options),
    )


@settings(deadline=None)
@given(
    input_dim=st.integers(1, 9),
    output_dim=st.integers(1, 5),
    in_shape=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    batch=st.integers(0, 4),
    dtype=st.sampled_from(["int8", "uint8", "int64", "uint64", "float32", "float64"]),
)
def test_rows_go_out_and_gradients_come_back_to_them(input_dim, output_dim, in_shape, batch, dtype):
    rng = np.random.default_rng(0)
    layer, ctx = build(input_dim, output_dim, in_shape), Context(training=True)
    weight = layer.params["weight"]
    x = rng.integers(0, input_dim, (batch, *in_shape))
    y, cache = layer.forward(ctx, x.astype(dtype))
    assert layer.out_shape == (*in_shape, output_dim)
    np.testing.assert_array_equal(y, weight[x])

    dy = rng.standard_normal(y.shape)
    inputs, grads = layer.backward(ctx, cache, dy)
    expected = np.zeros_like(weight)
    np.add.at(expected, x, dy)
    assert inputs == (None,)
    np.testing.assert_allclose(grads["weight"], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_network_s_dtype_rules_whatever_the_indices_are(dtype):
    layer, ctx = build(5, 3, (2,), dtype), Context(training=True)
    y, cache = layer.forward(ctx, np.array([[0, 4]], np.int64))
    _, grads = layer.backward(ctx, cache, y)
    assert y.dtype == grads["weight"].dtype == dtype


@pytest.mark.parametrize(
    ("x", "bad"),
    [
        (np.array([[1, 2], [-1, 0]]), "-1"),
        (np.array([[1, 2], [5, 0]]), "5"),
        (np.array([[1, 2], [2**64 - 1, 0]], np.uint64), str(2**64 - 1)),
        (np.array([[1.0, 2.0], [2.5, 0.0]]), "2.5"),
        (np.array([[1.0, 2.0], [np.nan, 0.0]], np.float32), "nan"),
        (np.array([[1.0, 2.0], [np.inf, 0.0]]), "inf"),
        (np.array([[1.0, 2.0], [-0.5, 0.0]]), "-0.5"),
    ],
)
def test_a_bad_index_is_named_with_its_place_and_the_allowed_range(x, bad):
    """No index may wrap round and silently train another row."""
    with pytest.raises(DataError) as caught:
        build(5, 3, (2,)).forward(Context(node="words", first_sample=10), x)
    assert str(caught.value) == (
        f"words: index {bad} (sample 11, position [0] of the batch) is not one of the whole"
        " numbers 0 to 4; correct the data, or raise input_dim"
    )


def test_a_bad_index_of_a_single_number_per_sample():
    with pytest.raises(DataError, match=r"^embedding: index 7 \(sample 1 of the batch\)"):
        build(5, 3).forward(Context(), np.array([0, 7]))


def test_nothing_is_kept_or_computed_that_nobody_wants():
    layer, x = build(5, 3), np.array([1, 2])
    assert layer.forward(Context(keep=False), x)[1] is None
    frozen = Context(training=True, needs=Needs((False,), frozenset()))
    y, cache = layer.forward(frozen, x)
    assert layer.backward(frozen, cache, y) == ((None,), {})


def test_a_dry_build_takes_no_memory():
    layer = build(2**28, 4, (7,), "float32", dry=True)
    assert layer.out_shape == (7, 4)
    assert layer.cost() == (0, 112)


@pytest.mark.parametrize("options", [{"input_dim": 0}, {"output_dim": 0}, {"mask_zero": True}])
def test_impossible_parameters_are_refused(options):
    with pytest.raises(ValidationError):
        Embedding.Config(**{"input_dim": 3, "output_dim": 2} | options)
