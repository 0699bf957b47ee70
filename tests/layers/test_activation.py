from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

import tinynet
from tinynet import registry
from tinynet.builtin.layers.activation import FUNCTIONS, Activation
from tinynet.layer import Build, Context
from tinynet.text.synonyms import ACTIVATIONS


def build(activation, in_shape):
    return Activation(Activation.Config(activation=activation), (in_shape,), Build())


def test_every_name_is_that_of_the_layer_that_computes_it():
    names = get_args(Activation.Config.model_fields["activation"].annotation)
    assert [*names] == [*FUNCTIONS] == sorted(FUNCTIONS)
    for name, cls in FUNCTIONS.items():
        assert registry.default().load("layers", name) is cls


def test_a_hint_knows_all_activations_and_no_other_layer():
    assert {*ACTIVATIONS} == {*FUNCTIONS, "prelu"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_computes_the_same_bits_as_the_layer_of_that_name(name):
    layer, ctx = build(name, (3, 4)), Context(training=True)
    other = FUNCTIONS[name](FUNCTIONS[name].Config(), ((3, 4),), Build())
    assert layer.out_shape == other.out_shape
    assert layer.cost() == other.cost()
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    y, cache = layer.forward(ctx, x)
    expected, expected_cache = other.forward(ctx, x)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(
        layer.backward(ctx, cache, y)[0], other.backward(ctx, expected_cache, y)[0]
    )


def test_relu_is_fused_into_the_layer_before_it():
    """Then the name costs nothing: the network is the same as with a `relu`."""
    layers = [[{"type": "dense", "units": 3}, node] for node in ("relu", RELU)]
    plain, named = (network(part) for part in layers)
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(named.predict(x), plain.predict(x))
    assert build("relu", (4,)).fuse_into(plain.nodes["dense_1"].layer) is not None
    assert build("tanh", (4,)).fuse_into(plain.nodes["dense_1"].layer) is None


RELU = {"type": "activation", "activation": "relu"}


def network(layers):
    return tinynet.Network({"input_shape": [4], "layers": layers}, (4,), seed=0)


def test_functions_that_need_options_or_do_not_exist_are_refused():
    for name in ("clip", "threshold", "prelu", "linear"):
        with pytest.raises(ValidationError, match="'celu', 'elu'"):
            Activation.Config(activation=name)
