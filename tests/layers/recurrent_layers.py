"""Recurrent layers built and run for tests."""

import numpy as np

from tinynet import registry
from tinynet.builtin.layers.gru import GRU
from tinynet.builtin.layers.lstm import LSTM
from tinynet.builtin.layers.simple_rnn import SimpleRNN
from tinynet.layer import Build
from tinynet.layer.context import Context

CLASSES = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}
STATES = {"simple_rnn": ("state",), "gru": ("state",), "lstm": ("state", "cell")}


def build(name, *in_shapes, dtype="float64", seed=0, **options):
    made = Build(dtype=np.dtype(dtype), seed=seed, create=registry.default().create)
    return CLASSES[name](CLASSES[name].Config(**options), in_shapes, made)


def randomize(layer, rng):
    """Give every parameter, also the biases, values far from those of its initializer."""
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape) / np.sqrt(param.shape[0])
    return layer


def run(layer, inputs, gradients=None, **context):
    """Return the outputs as a tuple; with ``gradients`` also the gradients of inputs and params."""
    ctx = Context(**{"training": True} | context)
    outputs, cache = layer.forward(ctx, *inputs)
    several = hasattr(layer, "out_shapes")
    outputs = outputs if several else (outputs,)
    if gradients is None:
        return outputs
    return outputs, *layer.backward(ctx, cache, tuple(gradients) if several else gradients[0])
