import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from tinynet.builtin.layers.gelu import GELU
from tinynet.layer import Build
from tinynet.layer.context import Context, Needs

CASES = [
    (ReLU, {}),
    (LeakyReLU, {}),
    (LeakyReLU, {"negative_slope": 0.3}),
    (ELU, {}),
    (ELU, {"alpha": 0.4}),
    (Sigmoid, {}),
    (Tanh, {}),
    (SiLU, {}),
    (GELU, {}),
    (GELU, {"approximate": "tanh"}),
]
every_activation = pytest.mark.parametrize(
    ("cls", "options"), CASES, ids=[f"{cls.__name__}{options or ''}" for cls, options in CASES]
)


def build(cls, options=None, in_shape=(7,), dtype="float64"):
    return cls(cls.Config(**(options or {})), (in_shape,), Build(dtype=np.dtype(dtype)))


def value(cls, x, options=None):
    return build(cls, options).forward(Context(), np.asarray(x, np.float64))[0]


def slope(cls, x, options=None):
    layer, ctx = build(cls, options), Context(training=True)
    x = np.asarray(x, np.float64)
    _, cache = layer.forward(ctx, x)
    ((dx,), grads) = layer.backward(ctx, cache, np.ones_like(x))
    assert grads == {}
    return dx


@pytest.mark.parametrize(
    ("cls", "options", "expected"),
    [
        (ReLU, {}, [0, 0, 1.5]),
        (LeakyReLU, {}, [-0.02, 0, 1.5]),
        (LeakyReLU, {"negative_slope": 0.5}, [-1, 0, 1.5]),
        (ELU, {}, [math.expm1(-2), 0, 1.5]),
        (ELU, {"alpha": 3.0}, [3 * math.expm1(-2), 0, 1.5]),
        (Sigmoid, {}, [1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-1.5))]),
        (Tanh, {}, [math.tanh(-2), 0, math.tanh(1.5)]),
        (SiLU, {}, [-2 / (1 + math.exp(2)), 0, 1.5 / (1 + math.exp(-1.5))]),
    ],
)
def test_values_follow_the_formula(cls, options, expected):
    np.testing.assert_allclose(value(cls, [-2, 0, 1.5], options), expected, rtol=1e-14)


@every_activation
def test_gradient_is_the_derivative(cls, options):
    x = np.random.default_rng(0).uniform(-4, 4, (3, 7))
    step = 1e-6
    numeric = (value(cls, x + step, options) - value(cls, x - step, options)) / (2 * step)
    np.testing.assert_allclose(slope(cls, x, options), numeric, atol=1e-8)


@pytest.mark.parametrize(("cls", "expected"), [(ReLU, 0), (LeakyReLU, 0.01), (ELU, 1)])
def test_gradient_at_the_kink_is_the_documented_one(cls, expected):
    np.testing.assert_array_equal(slope(cls, [0.0, -0.0]), [expected, expected])


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e12])
def test_elu_passes_positive_gradients_exactly_for_any_alpha(alpha):
    np.testing.assert_array_equal(slope(ELU, [0.1, 30.0], {"alpha": alpha}), [1, 1])


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_inputs_give_finite_outputs_and_no_warning(cls, options, dtype):
    layer, ctx = build(cls, options, dtype=dtype), Context(training=True)
    top = float(np.finfo(dtype).max)
    x = np.array([[-top, -1e6, -1000, 0, 1000, 1e6, top]], dtype)
    y, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, np.ones_like(x))
    assert np.isfinite(y).all()
    np.testing.assert_allclose(dx[0, -3:], 1 if cls not in (Sigmoid, Tanh) else 0)


def test_sigmoid_keeps_its_relative_precision_far_below_zero():
    np.testing.assert_allclose(value(Sigmoid, [-40.0, -700.0]), np.exp([-40.0, -700.0]), rtol=1e-12)


@every_activation
def test_nan_is_not_hidden(cls, options):
    """A diverged network must be seen to have diverged."""
    y = value(cls, [np.nan, 1.0], options)
    assert np.isnan(y[0])
    assert not np.isnan(y[1])


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("in_shape", [(), (5,), (4, 3, 2)])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_shape_and_dtype_are_kept(cls, options, dtype, in_shape, batch):
    layer, ctx = build(cls, options, in_shape, dtype), Context(training=True)
    x = np.random.default_rng(0).standard_normal((batch, *in_shape)).astype(dtype)
    y, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, np.ones_like(y))
    assert layer.out_shape == in_shape
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert (dx.shape, dx.dtype) == (x.shape, x.dtype)


@every_activation
def test_nothing_is_kept_or_computed_that_nobody_wants(cls, options):
    layer, x = build(cls, options), np.ones((2, 7))
    assert layer.forward(Context(keep=False), x)[1] is None
    unwanted = Context(training=True, needs=Needs((False,), frozenset()))
    _, cache = layer.forward(unwanted, x)
    assert layer.backward(unwanted, cache, x) == ((None,), {})


@every_activation
def test_cost_counts_elements_and_bytes(cls, options):
    operations, activation_bytes = build(cls, options, (4, 3), "float32").cost()
    assert operations >= 12
    assert activation_bytes == 48


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (LeakyReLU, {"negative_slope": -0.1}),
        (LeakyReLU, {"negative_slope": 1.5}),
        (ELU, {"alpha": 0.0}),
        (GELU, {"approximate": "erf"}),
        (ReLU, {"slope": 0.1}),
    ],
)
def test_impossible_parameters_are_refused(cls, options):
    with pytest.raises(ValidationError):
        cls.Config(**options)
