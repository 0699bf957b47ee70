"""The comparison of one layer, its output and all its gradients, with a function of PyTorch."""

import numpy as np

from tinynet import registry
from tinynet.layer import Build, Context


def build(layer_class, options, in_shapes, seed=0):
    """Return a float64 layer of which every parameter is random."""
    create = registry.default().create
    new = Build(dtype=np.dtype(np.float64), create=create)
    layer = layer_class(layer_class.Config(**options), tuple(in_shapes), new)
    rng = np.random.default_rng(seed)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    return layer


def assert_agrees(layer, oracle, inputs, *, training=True, atol=1e-12):
    """Compare with ``oracle(*inputs, **params)``, a function of tensors, along a random `dy`."""
    import torch

    ctx = Context(training=training)
    y, cache = layer.forward(ctx, *inputs)
    assert y.shape == (len(inputs[0]), *layer.out_shape)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    of_inputs, of_params = layer.backward(ctx, cache, dy)

    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    params = {name: torch.tensor(array, requires_grad=True) for name, array in layer.params.items()}
    expected = oracle(*tensors, **params)
    expected.backward(torch.tensor(dy))
    assert of_params.keys() == params.keys()
    pairs = {
        "y": (y, expected.detach()),
        **{f"d{i}": (dx, t.grad) for i, (dx, t) in enumerate(zip(of_inputs, tensors, strict=True))},
        **{name: (grad, params[name].grad) for name, grad in of_params.items()},
    }
    for name, (actual, right) in pairs.items():
        np.testing.assert_allclose(actual, right.numpy(), rtol=1e-9, atol=atol, err_msg=name)
