"""The options that recurrent layers share: masks, states, directions, dropout, and errors."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.errors import ShapeError
from tinynet.layer.context import Context, Needs
from tinynet.network.network import Network

from .recurrent_layers import CLASSES, STATES, build, randomize, run

NAMES = list(CLASSES)
each_layer = pytest.mark.parametrize("name", NAMES)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def made(name, *in_shapes, **options):
    """Return a layer of 3 units with parameters that are nowhere zero."""
    return randomize(build(name, *in_shapes, **{"units": 3, **options}), np.random.default_rng(1))


@each_layer
@pytest.mark.parametrize("merge_mode", [None, "concat", "sum", "mul", "ave"])
def test_shapes_of_outputs(name, merge_mode):
    both = {"bidirectional": True, "merge_mode": merge_mode} if merge_mode else {}
    width = 6 if merge_mode == "concat" else 3
    states = STATES[name] + (tuple(f"backward_{s}" for s in STATES[name]) if both else ())
    assert made(name, (5, 2), **both).out_shape == (width,)
    layer = made(name, (5, 2), return_sequences=True, return_state=True, **both)
    assert layer.out_shape == (5, width)
    assert layer.out_shapes == {"output": (5, width), **dict.fromkeys(states, (3,))}
    assert not hasattr(made(name, (5, 2), **both), "out_shapes")
    outputs = run(layer, [numbers(4, 5, 2)])
    assert [y.shape for y in outputs] == [(4, 5, width), *[(4, 3)] * len(states)]


@each_layer
def test_last_output_is_the_state(name):
    x = numbers(4, 5, 2)
    whole, *states = run(made(name, (5, 2), return_sequences=True, return_state=True), [x])
    (last,) = run(made(name, (5, 2)), [x])
    np.testing.assert_array_equal(whole[:, -1], last)
    np.testing.assert_array_equal(states[0], last)


@each_layer
def test_a_sequence_in_two_parts_is_the_whole(name):
    x, state_names = numbers(4, 6, 2), STATES[name]
    options = {"return_sequences": True, "return_state": True}
    whole = run(made(name, (6, 2), **options), [x])
    first = run(made(name, (2, 2), **options), [x[:, :2]])
    shapes = [(4, 2), *[(3,)] * len(state_names)]
    second = run(made(name, *shapes, initial_state=True, **options), [x[:, 2:], *first[1:]])
    np.testing.assert_allclose(whole[0][:, :2], first[0], rtol=1e-12)
    np.testing.assert_allclose(whole[0][:, 2:], second[0], rtol=1e-12)
    for a, b in zip(whole[1:], second[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@each_layer
def test_masked_steps_keep_the_states_and_repeat_the_output(name):
    x, mask = numbers(3, 5, 2), np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 0]], float)
    masked = made(name, (5, 2), (5,), return_sequences=True, return_state=True)
    y, *states = run(masked, [x, mask])
    np.testing.assert_array_equal(y[0, 1], y[0, 0])
    np.testing.assert_array_equal(y[0, 4], y[0, 3])
    np.testing.assert_array_equal(y[1], 0)
    np.testing.assert_array_equal(y[2, 0], 0)
    np.testing.assert_array_equal(states[0], y[:, -1])
    counted = x[:1, [0, 2, 3]]
    shorter = run(made(name, (3, 2), return_sequences=True, return_state=True), [counted])
    np.testing.assert_allclose(y[:1, [0, 2, 3]], shorter[0], rtol=1e-12)
    for state, expected in zip(states, shorter[1:], strict=True):
        np.testing.assert_allclose(state[:1], expected, rtol=1e-12)


@each_layer
def test_masked_first_steps_give_the_initial_state(name):
    initial = [numbers(1, 3, seed=i) for i in range(len(STATES[name]))]
    shapes = [(2, 2), (2,), *[(3,)] * len(initial)]
    layer = made(name, *shapes, initial_state=True, return_sequences=True)
    (y,) = run(layer, [numbers(1, 2, 2), np.array([[0.0, 1.0]]), *initial])
    np.testing.assert_array_equal(y[:, 0], initial[0])


@each_layer
def test_backwards_is_forwards_on_the_reversed_sequence(name):
    """The output of the last time step comes first, as in Keras."""
    x, mask = numbers(4, 5, 2), np.array([[1.0, 1, 1, 0, 0]] * 4)
    shapes, options = [(5, 2), (5,)], {"return_sequences": True}
    (y,) = run(made(name, *shapes, go_backwards=True, **options), [x, mask])
    (expected,) = run(made(name, *shapes, **options), [x[:, ::-1], mask[:, ::-1]])
    np.testing.assert_array_equal(y, expected)


@each_layer
def test_directions_have_their_own_parameters_and_meet_at_each_step(name):
    x = numbers(4, 5, 2)
    both = made(name, (5, 2), bidirectional=True, return_sequences=True)
    single = build(name, (5, 2), units=3, return_sequences=True)
    (y,) = run(both, [x])
    for prefix, part, sequence in (("", y[..., :3], x), ("backward_", y[..., 3:], x[:, ::-1])):
        for key, param in single.params.items():
            param[...] = both.params[prefix + key]
        (expected,) = run(single, [sequence])
        expected = expected[:, ::-1] if prefix else expected
        np.testing.assert_allclose(part, expected, rtol=1e-12)


@each_layer
def test_dropout_draws_one_mask_per_sample_for_all_steps(name):
    """Where all channels but one are 0, the sample is either as without dropout, or of zeros."""
    x = np.zeros((64, 4, 3))
    x[..., 1] = 1
    layer = made(name, (4, 3), dropout=0.25, return_sequences=True)
    (y,) = run(layer, [x])
    kept, dropped = (
        run(made(name, (4, 3), return_sequences=True), [factor * x[:1]])[0]
        for factor in (1 / 0.75, 0)
    )
    is_kept = np.isclose(y, kept).all(axis=(1, 2))
    is_dropped = np.isclose(y, dropped).all(axis=(1, 2))
    np.testing.assert_array_equal(is_kept, ~is_dropped)
    assert 6 <= is_dropped.sum() <= 28  # 16 are expected, with a deviation of 3.5


@each_layer
def test_dropout_of_the_state_leaves_the_first_step_alone(name):
    """The state before it is 0."""
    x = numbers(64, 3, 2)
    (y,) = run(made(name, (3, 2), recurrent_dropout=0.5, return_sequences=True), [x])
    (expected,) = run(made(name, (3, 2), return_sequences=True), [x])
    np.testing.assert_array_equal(y[:, 0], expected[:, 0])
    assert (y[:, 1] != expected[:, 1]).any(axis=1).mean() > 0.9


@each_layer
def test_dropout_is_of_training_alone_and_the_same_in_float32(name):
    x, options = numbers(8, 5, 2), {"dropout": 0.4, "recurrent_dropout": 0.4}
    dropping, plain = made(name, (5, 2), **options), made(name, (5, 2))
    np.testing.assert_array_equal(run(dropping, [x], training=False), run(plain, [x]))
    single = randomize(build(name, (5, 2), units=3, dtype="float32", **options),
                       np.random.default_rng(1))  # fmt: skip
    np.testing.assert_allclose(
        run(single, [x.astype(np.float32)])[0], run(dropping, [x])[0], rtol=1e-4, atol=1e-5
    )


@each_layer
@pytest.mark.parametrize("ends", [range(7), [0, 3, 4, 6]], ids=["one", "several"])
def test_some_positions_at_a_time_are_the_whole_sequence(name, ends):
    layer = made(name, (4, 2), (4,), return_sequences=True)
    x, mask = numbers(3, 6, 2), np.array([[1.0, 1, 1, 1, 1, 0], [1, 0, 1, 0, 0, 1], [0] * 6])
    cache = layer.start_cache(3, 6)
    ctx = Context(keep=False)
    parts = [
        layer.forward_next(ctx, cache, start, x[:, start:stop], mask[:, start:stop])
        for start, stop in pairwise(ends)
    ]
    (expected,) = run(made(name, (6, 2), (6,), return_sequences=True), [x, mask])
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, 'set "return_sequences" to true'),
        ({"return_sequences": True, "bidirectional": True}, '"bidirectional" and "go_backwards"'),
        ({"return_sequences": True, "go_backwards": True}, '"bidirectional" and "go_backwards"'),
        ({"return_sequences": True, "initial_state": True}, 'set "initial_state" to false'),
    ],
)
def test_one_position_at_a_time_needs_the_right_options(options, message):
    states = [(3,)] if "initial_state" in options else []
    with pytest.raises(ShapeError, match=message):
        made("gru", (4, 2), *states, **options).start_cache(3, 6)


@each_layer
def test_one_position_at_a_time_has_no_final_state(name):
    layer = made(name, (4, 2), return_sequences=True, return_state=True)
    alone = made(name, (4, 2), return_sequences=True)
    x, ctx = numbers(3, 1, 2), Context(keep=False)
    (y,) = layer.forward_next(ctx, layer.start_cache(3, 4), 0, x)
    assert layer.final_outputs == STATES[name]
    expected = alone.forward_next(ctx, alone.start_cache(3, 4), 0, x)
    np.testing.assert_array_equal(y, expected)


@each_layer
def test_gradients_that_nobody_needs_are_left_out(name):
    layer = made(name, (5, 2), (5,))
    needs = Needs((False, False), frozenset({"weight"}))
    inputs, dy = [numbers(4, 5, 2), np.ones((4, 5))], [numbers(4, 3)]
    _, (dx, dmask), grads = run(layer, inputs, dy, needs=needs)
    assert dx is None
    assert dmask is None
    assert list(grads) == ["weight"]
    np.testing.assert_array_equal(grads["weight"], run(layer, inputs, dy)[2]["weight"])
    assert layer.forward(Context(keep=False), *inputs)[1] is None


@each_layer
def test_a_batch_without_samples(name):
    layer = made(name, (5, 2), (5,), bidirectional=True)
    (y,), (dx, _), grads = run(layer, [numbers(0, 5, 2), np.ones((0, 5))], [numbers(0, 6)])
    assert y.shape == (0, 6)
    assert dx.shape == (0, 5, 2)
    assert not any(grad.any() for grad in grads.values())


@pytest.mark.parametrize(
    ("in_shapes", "options", "message"),
    [
        (
            [(6,)],
            {},
            'lstm needs a sequence of shape (steps, channels); it got (6,): put an "embedding"'
            ' before it if these are tokens, or else a "reshape"',
        ),
        (
            [(4, 4, 1)],
            {},
            "lstm needs a sequence of shape (steps, channels); it got (4, 4, 1): put a \"reshape\""
            " before it",
        ),
        (
            [(5, 2), (5, 1)],
            {},
            "lstm: the second input is the mask of the sequence, of shape (5,); it has shape"
            " (5, 1)",
        ),
        (
            [(5, 2), (3,)],
            {},
            "lstm: the second input is the mask of the sequence, of shape (5,); it has shape (3,):"
            ' set "initial_state" to true if it is a state',
        ),
        (
            [(5, 2), (3,), (3,)],
            {},
            "lstm needs a sequence, and optionally its mask; it got 3 inputs: set"
            ' "initial_state" to true if the last ones are states',
        ),
        (
            [(5, 2), (3,)],
            {"initial_state": True},
            'lstm with "initial_state" needs a sequence, optionally its mask, and then the initial'
            " state, cell; it got 2 inputs",
        ),
        (
            [(5, 2), (3,), (4,)],
            {"initial_state": True},
            "lstm: the initial cell must have shape (3,), as units says; it has shape (4,)",
        ),
    ],
)  # fmt: skip
def test_wrong_inputs_are_refused_with_the_right_ones(in_shapes, options, message):
    with pytest.raises(ShapeError) as caught:
        made("lstm", *in_shapes, **options)
    assert str(caught.value) == message


@each_layer
@pytest.mark.parametrize(
    "options",
    [{"units": 0}, {"dropout": 1.0}, {"recurrent_dropout": -0.1}, {"merge_mode": "max"},
     {"stateful": True}],
)  # fmt: skip
def test_impossible_options_are_refused(name, options):
    with pytest.raises(ValidationError):
        made(name, (5, 2), **options)


def test_a_merge_mode_needs_two_directions():
    with pytest.raises(ValidationError, match='merge_mode "sum" needs two directions: set "bidir'):
        made("gru", (5, 2), merge_mode="sum")


def test_a_spec_passes_states_from_an_encoder_to_a_decoder():
    """The decoder starts where the encoder ended, so together they are one layer."""
    shared = {"type": "lstm", "units": 3}
    network = Network(
        {
            "input_shape": {"start": [2, 2], "end": [4, 2]},
            "dtype": "float64",
            "layers": [
                {**shared, "name": "encoder", "inputs": "input:start", "return_state": True},
                {**shared, "name": "decoder", "initial_state": True, "return_sequences": True,
                 "inputs": ["input:end", "encoder:state", "encoder:cell"]},
            ],
        }
    )  # fmt: skip
    whole = build("lstm", (6, 2), units=3, return_sequences=True)
    for name, param in whole.params.items():
        network.params[f"encoder/{name}"][...] = param
        network.params[f"decoder/{name}"][...] = param
    x = numbers(4, 6, 2)
    y = network.predict({"start": x[:, :2], "end": x[:, 2:]})
    np.testing.assert_allclose(y, run(whole, [x])[0][:, 2:], rtol=1e-12)
