"""Multi-head attention: values by hand, masks, options and errors."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

import tinynet.registry
from tinynet.builtin.layers.multi_head_attention import MultiHeadAttention
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs


def layer(*in_shapes, dtype=np.float64, dry=False, **options):
    create = tinynet.registry.default().create
    build = Build(dtype=np.dtype(dtype), create=create, seed=3, dry=dry)
    config = MultiHeadAttention.Config(**{"num_heads": 2, **options})
    return MultiHeadAttention(config, in_shapes, build)


def batch(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def identity(size, **options):
    """Return an attention of one head whose projections change nothing."""
    attention = layer((3, size), num_heads=1, use_bias=False, **options)
    for weight in attention.params.values():
        weight[...] = np.eye(size)
    return attention


def evaluate(attention, *inputs):
    return attention.forward(Context(), *inputs)[0]


def test_values_are_averaged_by_the_softmax_of_products():
    x = np.array([[[1.0, 0], [0, 2], [1, 1]]])
    scores = x[0] @ x[0].T / np.sqrt(2)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(evaluate(identity(2), x)[0], weights @ x[0], rtol=1e-12)


def test_causal_attention_ignores_later_positions():
    attention, x = identity(2, causal=True), batch(1, 3, 2)
    y = evaluate(attention, x)
    np.testing.assert_allclose(y[:, 0], x[:, 0], rtol=1e-12)
    changed = x.copy()
    changed[:, 2] += 5
    np.testing.assert_array_equal(evaluate(attention, changed)[:, :2], y[:, :2])


def test_a_query_without_keys_gives_the_output_bias():
    attention = layer((4, 6), (4,))
    attention.params["output_bias"][...] = np.arange(6)
    x, mask = batch(2, 4, 6), np.array([[0.0, 0, 0, 0], [1, 0, 1, 1]])
    ctx = Context(training=True)
    y, cache = attention.forward(ctx, x, mask)
    np.testing.assert_array_equal(y[0], np.tile(np.arange(6.0), (4, 1)))
    (dx, _), grads = attention.backward(ctx, cache, np.ones_like(y))
    np.testing.assert_array_equal(dx[0], np.zeros((4, 6)))
    assert all(np.isfinite(grad).all() for grad in (y, dx, *grads.values()))


def test_a_mask_of_pairs_selects_the_keys_of_each_query():
    attention = layer((3, 4), (5, 4), (3, 5))
    x, source = batch(2, 3, 4), batch(2, 5, 4, seed=1)
    mask = np.ones((2, 3, 5))
    mask[:, 1, 2:] = 0
    y = evaluate(attention, x, source, mask)
    every, some = np.ones((2, 3, 5)), layer((3, 4), (2, 4), (3, 2))
    np.testing.assert_allclose(y[:, 0], evaluate(attention, x, source, every)[:, 0])
    short = evaluate(some, x, source[:, :2], np.ones((2, 3, 2)))
    np.testing.assert_allclose(y[:, 1], short[:, 1])


def test_large_scores_do_not_overflow():
    """float32: exp(89) is infinite."""
    attention = identity(2)
    x = 1e4 * batch(1, 3, 2)
    y = evaluate(attention, x)
    best = (x[0] @ x[0].T).argmax(axis=1)
    np.testing.assert_allclose(y[0], x[0, best], rtol=1e-12)


def test_shared_key_value_heads_equal_repeated_ones():
    few = layer((4, 6), num_heads=6, key_dim=2, num_key_value_heads=2)
    many = layer((4, 6), num_heads=6, key_dim=2)
    for name, param in few.params.items():
        if name.startswith(("key", "value")):
            heads = param.reshape(*param.shape[:-1], 2, 1, 2)
            param = np.repeat(heads, 3, axis=-2).reshape(*param.shape[:-1], 12)
        many.params[name][...] = param
    x = batch(2, 4, 6)
    np.testing.assert_allclose(evaluate(few, x), evaluate(many, x), rtol=1e-12)


def test_rotary_attention_depends_on_distances_alone():
    attention = layer((6, 4), rotary=True, key_dim=4)
    plain = layer((6, 4), key_dim=4)
    x = np.zeros((1, 6, 4))
    x[:, 2], x[:, 4] = 1, 2
    mask = x.any(axis=2).astype(float)
    later = np.roll(x, 1, axis=1), np.roll(mask, 1, axis=1)
    masked = layer((6, 4), (6,), rotary=True, key_dim=4)
    np.testing.assert_allclose(
        evaluate(masked, x, mask)[:, [2, 4]], evaluate(masked, *later)[:, [3, 5]], rtol=1e-9
    )
    assert np.abs(evaluate(attention, x) - evaluate(plain, x)).max() > 1e-3


def test_dropout_keeps_the_expectation_and_is_off_in_evaluation():
    attention, x = layer((6, 4), dropout=0.5), batch(1, 6, 4)
    plain = evaluate(layer((6, 4)), x)
    np.testing.assert_array_equal(evaluate(attention, x), plain)
    drawn = [attention.forward(Context(training=True, step=t), x)[0] for t in range(2000)]
    assert np.abs(drawn[0] - plain).max() > 0.01
    np.testing.assert_allclose(np.mean(drawn, axis=0), plain, atol=0.06)


def test_shapes_of_parameters_follow_from_the_options():
    attention = layer(
        (5, 6), (7, 3), num_heads=4, key_dim=5, value_dim=2, num_key_value_heads=2, output_dim=9
    )
    assert {name: param.shape for name, param in attention.params.items()} == {
        "query_weight": (6, 20),
        "query_bias": (20,),
        "key_weight": (3, 10),
        "key_bias": (10,),
        "value_weight": (3, 4),
        "value_bias": (4,),
        "output_weight": (8, 9),
        "output_bias": (9,),
    }
    assert attention.out_shape == (5, 9)


def test_gradients_that_are_not_needed_are_left_out():
    attention = layer((3, 4), (5, 4), (5,))
    inputs = batch(2, 3, 4), batch(2, 5, 4), np.ones((2, 5))
    for wanted, kept in (
        ((False, False, False), {"output_weight"}),
        ((False, True, False), set()),
        ((True, False, False), {"key_bias"}),
    ):
        ctx = Context(training=True, needs=Needs(wanted, frozenset(kept)))
        y, cache = attention.forward(ctx, *inputs)
        of_inputs, grads = attention.backward(ctx, cache, y)
        assert tuple(dx is not None for dx in of_inputs) == wanted
        assert grads.keys() == kept


def test_a_mask_gets_zeros_only_if_a_gradient_is_asked_for():
    attention, inputs = layer((3, 4), (3,)), (batch(2, 3, 4), np.ones((2, 3)))
    for needed in (True, False):
        ctx = Context(training=True, needs=Needs((False, needed), frozenset()))
        y, cache = attention.forward(ctx, *inputs)
        (_, dmask), _ = attention.backward(ctx, cache, y)
        if needed:
            np.testing.assert_array_equal(dmask, np.zeros((2, 3)))
        else:
            assert dmask is None


def test_inference_keeps_nothing():
    assert layer((3, 4)).forward(Context(keep=False), batch(1, 3, 4))[1] is None


def test_a_dry_build_has_no_tables():
    """`check` and `summary` must not need memory for rotations of long sequences."""
    attention = layer((10**9, 10**4), rotary=True, dry=True)
    assert attention.out_shape == (10**9, 10**4)
    assert attention.cost()[0] > 10**22


@pytest.mark.parametrize(
    "in_shapes",
    [
        [(4,)],
        [(2, 3, 4)],
        [(3, 4), (5,)],
        [(3, 4), (3, 3, 4)],
        [(3, 4), (5, 4), (3,)],
        [(3, 4), (5, 4), (5, 3)],
        [(3, 4), (3,), (3,)],
        [(3, 4), (5, 4), (5,), (5,)],
    ],
)
def test_other_inputs_are_refused_with_those_that_are_right(in_shapes):
    with pytest.raises(ShapeError, match=r"a query \(T, C\).*\(S, D\).*\(S,\), or \(T, S\).*got"):
        layer(*in_shapes)


def test_channels_that_heads_cannot_share_are_refused():
    with pytest.raises(ShapeError, match="cannot divide 4 channels among 3 heads: set key_dim"):
        layer((3, 4), num_heads=3)


def test_rotary_refuses_an_odd_key_dim():
    with pytest.raises(ShapeError, match="key_dim 3 is odd"):
        layer((3, 4), key_dim=3, rotary=True)


def test_key_value_heads_divide_the_heads():
    with pytest.raises(ValidationError, match=r"num_heads \(4\) must be a multiple of"):
        MultiHeadAttention.Config(num_heads=4, num_key_value_heads=3)


def test_a_rotary_base_needs_rotary():
    with pytest.raises(ValidationError, match='only with a rotation: set "rotary" to true'):
        MultiHeadAttention.Config(num_heads=4, rotary_base=500.0)
    assert MultiHeadAttention.Config(num_heads=4, rotary_base=10_000.0).rotary_base == 10_000


# One position at a time -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"rotary": True}, {"num_key_value_heads": 1}])
@pytest.mark.parametrize("masked", [False, True])
def test_one_position_at_a_time_gives_the_whole_sequence(options, masked):
    attention = layer((7, 4), *([(7,)] * masked), causal=True, dropout=0.3, **options)
    inputs = [batch(3, 7, 4)]
    if masked:
        inputs.append(np.array([[1.0] * 7, [0, 0, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 0, 0]]))
    whole = evaluate(attention, *inputs)
    for ends in (range(8), [0, 3, 4, 7]):
        cache = attention.start_cache(3, 7)
        parts = [
            attention.forward_next(Context(), cache, start, *(x[:, start:stop] for x in inputs))
            for start, stop in pairwise(ends)
        ]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-9, atol=1e-12)


def test_a_cache_may_be_longer_than_the_declared_sequence():
    short, long = (layer((steps, 4), causal=True, rotary=True) for steps in (2, 9))
    x = batch(1, 9, 4)
    cache = short.start_cache(1, 9)
    parts = [short.forward_next(Context(), cache, t, x[:, t : t + 1]) for t in range(9)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), evaluate(long, x), rtol=1e-9)


@pytest.mark.parametrize(
    ("in_shapes", "causal"), [([(3, 4)], False), ([(3, 4), (3, 4)], True), ([(3, 4), (3,)], False)]
)
def test_attention_to_later_positions_has_no_cache(in_shapes, causal):
    with pytest.raises(ShapeError, match=r'one position at a time only if .* set "causal" to true'):
        layer(*in_shapes, causal=causal).start_cache(1, 3)
