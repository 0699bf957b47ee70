import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tinynet.builtin.layers.merge import Add, Concat, Multiply, Subtract
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs

OF_MANY = pytest.mark.parametrize("cls", [Add, Multiply, Concat])


def build(cls, *in_shapes, dtype="float64", **options):
    return cls(cls.Config(**options), in_shapes, Build(dtype=np.dtype(dtype)))


def draw(*shapes):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    count=st.integers(2, 5),
    batch=st.integers(0, 3),
)
def test_add_sums_and_hands_the_gradient_to_everyone(in_shape, count, batch):
    layer, ctx = build(Add, *[in_shape] * count), Context(training=True)
    *inputs, dy = draw(*[(batch, *in_shape)] * (count + 1))
    y, cache = layer.forward(ctx, *inputs)
    assert layer.out_shape == in_shape
    np.testing.assert_allclose(y, sum(inputs), rtol=1e-14)
    grads, _ = layer.backward(ctx, cache, dy)
    assert len(grads) == count
    for dx in grads:
        np.testing.assert_array_equal(dx, dy)


@settings(deadline=None)
@given(in_shape=st.lists(st.integers(1, 4), max_size=3).map(tuple), batch=st.integers(0, 3))
def test_subtract_takes_the_second_from_the_first(in_shape, batch):
    """The order decides the sign."""
    layer, ctx = build(Subtract, in_shape, in_shape), Context(training=True)
    first, second, dy = draw(*[(batch, *in_shape)] * 3)
    y, cache = layer.forward(ctx, first, second)
    assert layer.out_shape == in_shape
    np.testing.assert_array_equal(y, first - second)
    (of_first, of_second), _ = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(of_first, dy)
    np.testing.assert_array_equal(of_second, -dy)


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    count=st.integers(2, 5),
    batch=st.integers(0, 3),
)
def test_multiply_gives_each_input_the_product_of_the_others(in_shape, count, batch):
    layer, ctx = build(Multiply, *[in_shape] * count), Context(training=True)
    *inputs, dy = draw(*[(batch, *in_shape)] * (count + 1))
    inputs[0][...] = 0  # where a division y / x would give NaN
    y, cache = layer.forward(ctx, *inputs)
    assert layer.out_shape == in_shape
    np.testing.assert_allclose(y, np.prod(inputs, axis=0), rtol=1e-14)
    grads, _ = layer.backward(ctx, cache, dy)
    assert len(grads) == count
    for i, dx in enumerate(grads):
        others = np.prod(inputs[:i] + inputs[i + 1 :], axis=0)
        np.testing.assert_allclose(dx, dy * others, rtol=1e-13)


@settings(deadline=None)
@given(
    in_shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    batch=st.integers(0, 3),
    data=st.data(),
)
def test_concat_joins_and_cuts_the_gradient_apart_again(in_shape, sizes, batch, data):
    axis = data.draw(st.integers(-len(in_shape), -1))
    in_shapes = []
    for size in sizes:
        shape = list(in_shape)
        shape[axis] = size
        in_shapes.append(tuple(shape))
    layer, ctx = build(Concat, *in_shapes, axis=axis), Context(training=True)
    inputs = draw(*[(batch, *shape) for shape in in_shapes])
    y, cache = layer.forward(ctx, *inputs)
    assert y.shape == (batch, *layer.out_shape)
    np.testing.assert_array_equal(y, np.concatenate(inputs, axis=axis))
    grads, _ = layer.backward(ctx, cache, y)
    for dx, x in zip(grads, inputs, strict=True):
        np.testing.assert_array_equal(dx, x)


@OF_MANY
def test_gradients_that_nobody_wants_are_left_out(cls):
    layer = build(cls, (3,), (3,), (3,))
    ctx = Context(training=True, needs=Needs((False, True, False), frozenset()))
    inputs = draw(*[(2, 3)] * 3)
    y, cache = layer.forward(ctx, *inputs)
    (first, second, third), grads = layer.backward(ctx, cache, y)
    assert first is third is None
    assert second.shape == (2, 3)
    assert grads == {}
    assert layer.forward(Context(keep=False), *inputs)[1] is None


@pytest.mark.parametrize("needed", [0, 1])
def test_subtract_leaves_out_the_gradient_that_nobody_wants(needed):
    layer = build(Subtract, (3,), (3,))
    needs = Needs(tuple(index == needed for index in range(2)), frozenset())
    ctx = Context(training=True, needs=needs)
    y, cache = layer.forward(ctx, *draw((2, 3), (2, 3)))
    grads, _ = layer.backward(ctx, cache, y)
    assert grads[1 - needed] is None
    np.testing.assert_array_equal(grads[needed], [y, -y][needed])


@OF_MANY
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_inputs_are_refused(cls, count):
    with pytest.raises(ShapeError, match=f"needs two or more inputs; it got {count}"):
        build(cls, *[(3,)] * count)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_subtract_refuses_any_number_of_inputs_but_two(count):
    """x - y - z may be meant, or x - (y - z): nobody guesses."""
    with pytest.raises(ShapeError, match=f"needs exactly two inputs; it got {count}"):
        build(Subtract, *[(3,)] * count)


@pytest.mark.parametrize("cls", [Add, Subtract, Multiply])
@pytest.mark.parametrize(
    ("in_shapes", "out_shape"),
    [
        (((4, 3), (4, 1)), (4, 3)),
        (((3,), (4, 3)), (4, 3)),
        (((4, 1), (3,)), (4, 3)),
        (((), (2, 3)), (2, 3)),
        (((1,), (1,)), (1,)),
        (((2, 1, 3), (4, 1)), (2, 4, 3)),
    ],
)
def test_samples_broadcast_as_numpy_does(cls, in_shapes, out_shape):
    """A mask (T, 1) multiplies features (T, C); a vector (C,) is added to each position."""
    layer = build(cls, *in_shapes)
    assert layer.out_shape == out_shape
    inputs = draw(*[(2, *shape) for shape in in_shapes])
    y, _ = layer.forward(Context(training=True), *inputs)
    operation = {Add: np.add, Subtract: np.subtract, Multiply: np.multiply}[cls]
    assert y.shape == (2, *out_shape)
    for sample in range(2):
        np.testing.assert_array_equal(y[sample], operation(*[x[sample] for x in inputs]))


def test_gradients_are_summed_over_repeated_axes():
    ctx = Context(training=True)
    x, mask = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[1.0], [0.0]]])
    dy = np.array([[[1.0, 10.0], [100.0, 1000.0]]])
    layer = build(Multiply, (2, 2), (2, 1))
    y, cache = layer.forward(ctx, x, mask)
    np.testing.assert_array_equal(y, [[[1, 2], [0, 0]]])
    (dx, dmask), _ = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(dx, [[[1, 10], [0, 0]]])
    np.testing.assert_array_equal(dmask, [[[21], [4300]]])
    layer = build(Add, (2, 2), (2,), ())
    _, cache = layer.forward(ctx, x, x[:, 0], x[:, 0, 0])
    (dx, dvector, dscalar), _ = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(dx, dy)
    np.testing.assert_array_equal(dvector, [[101, 1010]])
    np.testing.assert_array_equal(dscalar, [1111])
    layer = build(Subtract, (2, 1), (1, 2))
    _, cache = layer.forward(ctx, x[:, :, :1], x[:, :1])
    (first, second), _ = layer.backward(ctx, cache, dy)
    np.testing.assert_array_equal(first, [[[11], [1100]]])
    np.testing.assert_array_equal(second, [[[-101, -1010]]])


@pytest.mark.parametrize(
    ("cls", "in_shapes", "message"),
    [
        (Subtract, ((4, 3), (4, 2)), "subtract needs inputs that broadcast"),
        (Add, ((4, 3), (4, 1), (2, 3)), r"got \(4, 3\), \(4, 1\) and \(2, 3\)$"),
        (Multiply, ((4, 3), (4,)), r"it got \(4, 3\) and \(4,\); reshape \(4,\) to \[4, 1\]$"),
    ],
)
def test_shapes_that_do_not_broadcast_are_refused(cls, in_shapes, message):
    with pytest.raises(ShapeError, match=message):
        build(cls, *in_shapes)


@pytest.mark.parametrize(
    ("in_shapes", "axis", "message"),
    [
        (((4, 3), (5, 3)), -1, r"agree in all other axes; it got \(4, 3\) and \(5, 3\)"),
        (((4, 3), (3,)), -1, r"agree in all other axes; it got \(4, 3\) and \(3,\)"),
        (((4, 3), (3,)), -2, r"at least 2 axes; it got \(4, 3\) and \(3,\)"),
        (((), ()), -1, r"at least 1 axes; it got \(\) and \(\)"),
    ],
)
def test_concat_refuses_what_does_not_fit(in_shapes, axis, message):
    with pytest.raises(ShapeError, match=message):
        build(Concat, *in_shapes, axis=axis)


def test_concat_axis_is_negative_so_that_the_batch_cannot_be_meant():
    with pytest.raises(ValidationError):
        Concat.Config(axis=1)


def test_cost():
    assert build(Add, (4, 3), (4, 3), (4, 3), dtype="float32").cost() == (24, 48)
    assert build(Subtract, (4, 3), (4, 3), dtype="float32").cost() == (12, 48)
    assert build(Subtract, (4, 1), (3,), dtype="float32").cost() == (12, 48)
    assert build(Multiply, (4, 3), (4, 3), dtype="float32").cost() == (12, 48)
    assert build(Concat, (4, 3), (4, 2), dtype="float32").cost() == (0, 80)
