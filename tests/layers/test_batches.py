"""Layers of independent samples: the same bits in any batch, which may be empty."""

import numpy as np
import pytest

from tinynet import registry
from tinynet.layer import Build, Context

from ..activation_cases import ACTIVATIONS
from ..normalization_cases import NORMALIZATIONS
from ..tensor_cases import TENSORS

CASES = {**ACTIVATIONS, **NORMALIZATIONS, **TENSORS}
PRODUCTS = {"bilinear"}  # A matrix product may be summed in another order for more rows.


def layers(name, dtype):
    """Yield layers of a type with their input shapes and, if the case has them, inputs."""
    cls, create = registry.default().load("layers", name), registry.default().create
    for options, in_shapes, more in CASES[name]:
        build = Build(dtype=np.dtype(dtype), create=create)
        layer = cls(cls.Config(**options), tuple(in_shapes), build)
        yield layer, in_shapes, more.get("inputs")


def outcome(layer, inputs, *, training):
    ctx = Context(training=training)
    y, cache = layer.forward(ctx, *inputs)
    return y, *layer.backward(ctx, cache, np.sin(y))[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(CASES.keys() - PRODUCTS))
def test_a_sample_has_the_same_bits_in_any_batch(name, dtype):
    rng = np.random.default_rng(0)
    for layer, in_shapes, inputs in layers(name, dtype):
        inputs = inputs or [rng.standard_normal((23, *shape)) for shape in in_shapes]
        inputs = [np.resize(x, (23, *x.shape[1:])).astype(dtype) for x in inputs]
        whole = outcome(layer, inputs, training=False)
        for rows in (slice(0, 1), slice(4, 5), slice(6, 23)):
            part = outcome(layer, [x[rows].copy() for x in inputs], training=False)
            for expected, actual in zip(whole, part, strict=True):
                np.testing.assert_array_equal(actual, expected[rows])


@pytest.mark.parametrize("name", CASES)
def test_an_empty_batch_has_an_empty_output(name):
    for layer, in_shapes, _ in layers(name, "float32"):
        inputs = [np.zeros((0, *shape), np.float32) for shape in in_shapes]
        y, *gradients = outcome(layer, inputs, training=True)
        assert y.shape == (0, *layer.out_shape)
        assert [dx.shape for dx in gradients] == [x.shape for x in inputs]
