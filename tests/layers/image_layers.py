"""Layers of sequences, images and volumes, built and run for tests."""

import numpy as np

from tinynet import registry
from tinynet.layer import Build
from tinynet.layer.context import Context


def build(layer_type, *in_shapes, dtype="float64", **options):
    """Return a layer whose parameters, also the biases, are random numbers."""
    config = layer_type.Config(**options)
    made = Build(dtype=np.dtype(dtype), create=registry.default().create)
    layer, rng = layer_type(config, in_shapes, made), np.random.default_rng(0)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    return layer


def run(layer, x, dy=None, **context):
    """Return (y, dx, gradients by name); without ``dy`` it is random."""
    ctx = Context(**{"training": True} | context)
    y, cache = layer.forward(ctx, x)
    if dy is None:
        dy = np.random.default_rng(1).standard_normal(y.shape)
    (dx,), gradients = layer.backward(ctx, cache, dy)
    return y, dx, gradients


def values(layer, x):
    """Return the output in evaluation."""
    return layer.forward(Context(keep=False), np.asarray(x, np.float64))[0]


def agree_with_torch(layer_type, options, shape, seed, by_torch, *, ties=False):
    """Compare y and every gradient with PyTorch's, to 1e-9.

    Args:
        layer_type: The class.
        options: Its options.
        shape: Shape of the input, (N, ..., C).
        seed: Seed of the numbers.
        by_torch: A function of a tensor (N, C, ...) and the parameters by name.
        ties: True to draw the input from few numbers.
    """
    import torch

    layer, rng = build(layer_type, shape[1:], **options), np.random.default_rng(seed)
    x = rng.integers(-2, 3, shape).astype("float64") if ties else rng.standard_normal(shape)
    dy = rng.standard_normal((shape[0], *layer.out_shape))
    y, dx, gradients = run(layer, x, dy)

    ours = {"x": dx, **gradients}
    arrays = {"x": x, **layer.params}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    params = {name: tensor for name, tensor in tensors.items() if name != "x"}
    expected = by_torch(tensors["x"].movedim(-1, 1), **params)
    expected = expected.movedim(1, -1)
    assert expected.shape == dy.shape
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    assert ours.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(
            ours[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-9, err_msg=name
        )
