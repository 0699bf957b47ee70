import numpy as np
import pytest
from pydantic import ValidationError

import tinynet
from tinynet.builtin.layers.split import Split
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context, Needs
from tinynet.network.network import Network


def build(in_shape, **options):
    return Split(Split.Config(**options), (in_shape,), Build(dtype=np.dtype(np.float64)))


def test_equal_sections():
    layer, ctx = build((2, 6), sections=3), Context(training=True)
    assert layer.out_shape == (2, 2)
    assert layer.out_shapes == {"0": (2, 2), "1": (2, 2), "2": (2, 2)}
    x = np.arange(12.0).reshape(1, 2, 6)
    ys, cache = layer.forward(ctx, x)
    np.testing.assert_array_equal(ys[1], [[[2, 3], [8, 9]]])
    (dx,), _ = layer.backward(ctx, cache, ys)
    np.testing.assert_array_equal(dx, x)


def test_sections_of_given_sizes_along_another_axis():
    layer, ctx = build((5, 2), sections=[1, 3, 1], axis=1), Context(training=True)
    assert layer.out_shapes == {"0": (1, 2), "1": (3, 2), "2": (1, 2)}
    ys, _ = layer.forward(ctx, np.arange(10.0).reshape(1, 5, 2))
    np.testing.assert_array_equal(ys[1], [[[2, 3], [4, 5], [6, 7]]])


def test_an_output_without_gradient_gets_zeros():
    layer, ctx = build((3,), sections=3), Context(training=True)
    dy = (None, np.array([[5.0]]), None)
    (dx,), _ = layer.backward(ctx, None, dy)
    np.testing.assert_array_equal(dx, [[0, 5, 0]])
    nothing = Context(training=True, needs=Needs((False,), frozenset()))
    assert layer.backward(nothing, None, dy) == ((None,), {})


def test_sections_that_do_not_fit_are_refused():
    message = 'cannot cut axis -1 of size 6 into 4 equal sections; set "sections" to a divisor of 6'
    with pytest.raises(ShapeError, match=message):
        build((6,), sections=4)
    message = r"the sections \[4, 3\] have the sum 7, but axis 1 has the size 6"
    with pytest.raises(ShapeError, match=message):
        build((6,), sections=[4, 3], axis=1)
    with pytest.raises(ShapeError, match="axis 0 is the batch"):
        build((6,), sections=2, axis=0)


@pytest.mark.parametrize("sections", [0, -1, [], [3, 0], [[3]], 1.5, None])
def test_impossible_sections_are_refused(sections):
    with pytest.raises(ValidationError):
        Split.Config(sections=sections)


SPEC = {
    "input_shape": [5],
    "dtype": "float64",
    "layers": [
        {"type": "split", "sections": [2, 2, 1], "name": "parts"},
        {"type": "subtract", "inputs": ["parts", "parts:1"]},
        {"type": "multiply", "inputs": ["subtract_1", "parts:2"]},
    ],
}


def test_nodes_of_a_spec_read_the_outputs_by_number():
    y = Network(SPEC).predict(np.array([[1.0, 2.0, 10.0, 20.0, 3.0]]))
    np.testing.assert_array_equal(y, [[-27, -54]])


def test_a_layer_before_it_learns_through_the_sections_that_are_used():
    layers = [
        {"type": "dense", "units": 4, "use_bias": False, "weight_initializer": "ones"},
        {"type": "split", "sections": 2},
        {"type": "dense", "units": 1, "inputs": "split_1:1", "weight_initializer": "ones"},
    ]
    spec = {
        "tinynet": 1,
        "name": "halves",
        "network": {"input_shape": [2], "dtype": "float64", "layers": layers},
        "training": {
            "steps": 1,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
        },
    }
    trainer = tinynet.Trainer(spec)
    before = trainer.network.params["dense_1/weight"].copy()
    trainer.train_step(np.array([[1.0, 2.0]]), np.array([[5.0]]))
    # y = 2 * (1 + 2) = 6, so dy = 2 * (6 - 5) = 2 for each unit of the second half.
    change = trainer.network.params["dense_1/weight"] - before
    np.testing.assert_allclose(change, [[0, 0, -2, -2], [0, 0, -4, -4]], rtol=1e-12)
