import math

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from tinynet.builtin.layers.exponential_linear import CELU, ELU, SELU
from tinynet.builtin.layers.gelu import GELU
from tinynet.builtin.layers.piecewise_activations import (
    Clip,
    HardShrink,
    HardSigmoid,
    HardSiLU,
    HardTanh,
    ReLU6,
    SoftShrink,
    Threshold,
)
from tinynet.builtin.layers.smooth_activations import (
    Exponential,
    LogSigmoid,
    Mish,
    Softplus,
    Softsign,
    TanhShrink,
)
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
    (CELU, {}),
    (CELU, {"alpha": 0.4}),
    (SELU, {}),
    (Softplus, {}),
    (LogSigmoid, {}),
    (Softsign, {}),
    (Mish, {}),
    (TanhShrink, {}),
    (ReLU6, {}),
    (HardTanh, {}),
    (HardSigmoid, {}),
    (HardSiLU, {}),
    (Clip, {"min": -0.5, "max": 2}),
    (Clip, {"min": 0.5}),
    (Threshold, {"threshold": 1, "default_value": -3.5}),
    (HardShrink, {}),
    (SoftShrink, {"threshold": 1.5}),
]
SATURATING = (Sigmoid, Tanh, LogSigmoid, Softsign, ReLU6, HardTanh, HardSigmoid)
LOG_1P_EXP = math.log1p(math.exp(1.5))
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
        (CELU, {"alpha": 3.0}, [3 * math.expm1(-2 / 3), 0, 1.5]),
        (
            SELU,
            {},
            [1.0507009873554805 * 1.6732632423543772 * math.expm1(-2), 0, 1.5760514810332206],
        ),
        (Exponential, {}, [math.exp(-2), 1, math.exp(1.5)]),
        (Softplus, {}, [math.log1p(math.exp(-2)), math.log(2), math.log1p(math.exp(1.5))]),
        (LogSigmoid, {}, [-math.log1p(math.exp(2)), -math.log(2), -math.log1p(math.exp(-1.5))]),
        (Softsign, {}, [-2 / 3, 0, 0.6]),
        (Mish, {}, [-2 * math.tanh(math.log1p(math.exp(-2))), 0, 1.5 * math.tanh(LOG_1P_EXP)]),
        (TanhShrink, {}, [-2 - math.tanh(-2), 0, 1.5 - math.tanh(1.5)]),
        (ReLU6, {}, [0, 0, 1.5]),
        (HardTanh, {}, [-1, 0, 1]),
        (HardSigmoid, {}, [1 / 6, 0.5, 0.75]),
        (HardSiLU, {}, [-1 / 3, 0, 1.125]),
        (Clip, {"min": -1}, [-1, 0, 1.5]),
        (Clip, {"max": 1}, [-2, 0, 1]),
        (Threshold, {"threshold": 0.5}, [0, 0, 1.5]),
        (Threshold, {"threshold": 0.0, "default_value": 7}, [7, 7, 1.5]),
        (HardShrink, {}, [-2, 0, 1.5]),
        (HardShrink, {"threshold": 1.5}, [-2, 0, 0]),
        (SoftShrink, {}, [-1.5, 0, 1]),
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


@pytest.mark.parametrize(
    ("cls", "expected"), [(ReLU, 0), (LeakyReLU, 0.01), (ELU, 1), (CELU, 1), (ReLU6, 0)]
)
def test_gradient_at_the_kink_is_the_documented_one(cls, expected):
    np.testing.assert_array_equal(slope(cls, [0.0, -0.0]), [expected, expected])


@pytest.mark.parametrize(
    ("cls", "options", "expected"),
    [
        (ReLU6, {}, [0, 1, 0]),
        (HardTanh, {}, [1, 0, 0]),
        (Clip, {"min": 0, "max": 6}, [1, 1, 1]),
        (Threshold, {"threshold": 1}, [0, 0, 1]),
        (HardShrink, {"threshold": 1}, [0, 0, 1]),
        (SoftShrink, {"threshold": 1}, [0, 0, 1]),
    ],
)
def test_gradient_at_the_bounds_is_the_documented_one(cls, options, expected):
    np.testing.assert_array_equal(slope(cls, [0.0, 1.0, 6.0], options), expected)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e12])
def test_elu_passes_positive_gradients_exactly_for_any_alpha(alpha):
    np.testing.assert_array_equal(slope(ELU, [0.1, 30.0], {"alpha": alpha}), [1, 1])


@every_activation
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_inputs_give_finite_outputs_and_no_warning(cls, options, dtype):
    layer, ctx = build(cls, options, dtype=dtype), Context(training=True)
    top = float(np.finfo(dtype).max) / 2  # SELU increases it
    x = np.array([[-top, -1e6, -1000, 0, 1000, 1e6, top]], dtype)
    y, cache = layer.forward(ctx, x)
    ((dx,), _) = layer.backward(ctx, cache, np.ones_like(x))
    assert np.isfinite(y).all()
    saturates = cls in SATURATING or "max" in options
    limit = value(SELU, [1.0])[0] if cls is SELU else 1
    np.testing.assert_allclose(dx[0, -3:], 0 if saturates else limit, atol=1e-5)


@pytest.mark.parametrize("cls", [Sigmoid, Softplus, Exponential])
def test_relative_precision_is_kept_far_below_zero(cls):
    x = np.array([-40.0, -700.0])
    np.testing.assert_allclose(value(cls, x), np.exp(x), rtol=1e-12)
    np.testing.assert_allclose(slope(cls, x), np.exp(x), rtol=1e-12)


def test_log_sigmoid_keeps_its_relative_precision_on_both_sides():
    x = np.array([-1e4, -700.0, 40.0, 700.0])
    np.testing.assert_allclose(value(LogSigmoid, x), [-1e4, -700, *-np.exp(-x[2:])], rtol=1e-12)
    np.testing.assert_allclose(slope(LogSigmoid, x), [1, 1, *np.exp(-x[2:])], rtol=1e-12)


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
        (CELU, {"alpha": 0.0}),
        (GELU, {"approximate": "erf"}),
        (Clip, {}),
        (Clip, {"min": 2, "max": 2}),
        (Threshold, {}),
        (HardShrink, {"threshold": -0.1}),
        (ReLU, {"slope": 0.1}),
    ],
)
def test_impossible_parameters_are_refused(cls, options):
    with pytest.raises(ValidationError):
        cls.Config(**options)
