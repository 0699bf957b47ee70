import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.layers.dense import Dense
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs


def build(in_shape, units, dtype="float64", dry=False, **options):
    return Dense(
        Dense.Config(units=units, **options),
        (in_shape,),
        Build(dtype=np.dtype(dtype), dry=dry, create=registry.default().create),
    )


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    units=st.integers(1, 5),
    batch=st.integers(0, 4),
    use_bias=st.booleans(),
)
def test_output_and_gradients_are_those_of_the_affine_map(in_shape, units, batch, use_bias):
    rng = np.random.default_rng(0)
    layer, ctx = build(in_shape, units, use_bias=use_bias), Context(training=True)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    x = rng.standard_normal((batch, *in_shape))
    y, cache = layer.forward(ctx, x)
    assert y.shape == (batch, *layer.out_shape) == (batch, *in_shape[:-1], units)
    expected = np.einsum("...i,iu->...u", x, layer.params["weight"])
    np.testing.assert_allclose(y, expected + layer.params.get("bias", 0), atol=1e-12)

    dy = rng.standard_normal(y.shape)
    ((dx,), grads) = layer.backward(ctx, cache, dy)
    assert grads.keys() == layer.params.keys() == ({"weight", "bias"} if use_bias else {"weight"})
    np.testing.assert_allclose(
        dx, np.einsum("...u,iu->...i", dy, layer.params["weight"]), atol=1e-12
    )
    rows, dy_rows = x.reshape(-1, in_shape[-1]), dy.reshape(-1, units)
    np.testing.assert_allclose(grads["weight"], rows.T @ dy_rows, atol=1e-12)
    if use_bias:
        np.testing.assert_allclose(grads["bias"], dy_rows.sum(axis=0), atol=1e-12)


@pytest.mark.parametrize("trained", [set(), {"weight"}, {"bias"}])
def test_a_frozen_parameter_gets_no_gradient(trained):
    layer = build((3,), 2)
    ctx = Context(training=True, needs=Needs((False,), frozenset(trained)))
    y, cache = layer.forward(ctx, np.ones((4, 3)))
    inputs, grads = layer.backward(ctx, cache, y)
    assert inputs == (None,)
    assert grads.keys() == trained


def test_inference_keeps_nothing():
    assert build((3,), 2).forward(Context(keep=False), np.ones((4, 3)))[1] is None


def test_a_dry_build_knows_shapes_and_cost_without_memory():
    layer = build((7, 2**15), 2**15, "float32", dry=True)
    assert layer.out_shape == (7, 2**15)
    assert layer.cost() == (2 * 7 * 2**30, 7 * 2**15 * 4)


def test_an_input_without_features_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(\.\.\., features\); it got \(\)"):
        build((), 2)


def test_impossible_units_are_refused():
    with pytest.raises(ValidationError):
        Dense.Config(units=0)
