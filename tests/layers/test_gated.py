import numpy as np
import pytest

from tinynet.builtin.layers.gated import GLU, SwiGLU
from tinynet.layer import Build, Context, ShapeError
from tinynet.layer.context import Needs


def build(cls, in_shape, dtype="float64", **options):
    return cls(cls.Config(**options), (in_shape,), Build(dtype=np.dtype(dtype)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_the_first_half_passes_the_gate_of_the_second():
    x = np.array([[1.0, 2.0, 0.0, -3.0]])
    y, _ = build(GLU, (4,)).forward(Context(), x)
    np.testing.assert_allclose(y, [[0.5, 2 * sigmoid(-3)]], rtol=1e-14)


def test_swiglu_is_silu_of_the_first_half_times_the_second():
    """The gate comes first, as in the feed-forward layers of language models."""
    x = np.array([[1.0, 2.0, 0.5, -3.0]])
    y, _ = build(SwiGLU, (4,)).forward(Context(), x)
    np.testing.assert_allclose(y, [[0.5 * sigmoid(1), -6 * sigmoid(2)]], rtol=1e-14)


@pytest.mark.parametrize(
    ("axis", "out_shape"), [(-1, (4, 2, 3)), (3, (4, 2, 3)), (1, (2, 2, 6)), (-3, (2, 2, 6))]
)
def test_any_axis_of_a_sample_can_be_halved(axis, out_shape):
    layer = build(GLU, (4, 2, 6), axis=axis)
    assert layer.out_shape == out_shape
    assert layer.forward(Context(), np.ones((5, 4, 2, 6)))[0].shape == (5, *out_shape)


def test_axes_of_odd_size_or_that_do_not_exist_are_refused():
    with pytest.raises(ShapeError, match=r"glu halves axis -1, .* even size; .* \(4, 3\) has 3"):
        build(GLU, (4, 3))
    with pytest.raises(ShapeError, match="swiglu halves axis -1"):
        build(SwiGLU, (3,))
    with pytest.raises(ShapeError, match=r"glu: axis 0 .* axis 0 is the batch"):
        build(GLU, (4,), axis=0)


@pytest.mark.parametrize("cls", [GLU, SwiGLU])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_inputs_of_the_gate_are_no_trouble(cls, dtype):
    layer, ctx = build(cls, (4,), dtype), Context(training=True)
    x = np.array([[-1e9, 1e9, 1e9, -1e9]], dtype)
    y, cache = layer.forward(ctx, x)
    (dx,), _ = layer.backward(ctx, cache, np.ones_like(y))
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("cls", [GLU, SwiGLU])
def test_nothing_is_kept_or_computed_that_nobody_needs(cls):
    layer, x = build(cls, (4,)), np.ones((2, 4))
    assert layer.forward(Context(keep=False), x)[1] is None
    ctx = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(ctx, layer.forward(ctx, x)[1], x) == ((None,), {})


def test_cost():
    assert build(GLU, (3, 4), "float32").cost() == (36, 24)
