"""Comparison of a loss with a function of PyTorch."""

import math
from typing import Any

import numpy as np

from tinynet.layer.context import Context


def draw_weights(rng: np.random.Generator, weighted: bool, shape: tuple[int, ...]) -> Any:
    """Return weights of samples or positions, some of them 0; None if not weighted."""
    return rng.uniform(0, 3, shape) * (rng.random(shape) > 0.2) if weighted else None


def compare(loss: Any, function: Any, outputs: Any, targets: Any, weights: Any) -> None:
    """Compare the sum of a loss and its gradients, both weighted.

    Args:
        loss: The loss.
        function: The same loss of each element or row, (N, ...), of the outputs as tensors.
        outputs: The outputs, (N, ...), or a tuple of several.
        targets: The targets, or None.
        weights: Weight of each sample, (N,), or position, (N, T); or None.
    """
    import torch

    several = isinstance(outputs, tuple)
    arrays = outputs if several else (outputs,)
    ctx = Context(training=True)
    total, cache = loss.forward(ctx, outputs, targets, weights)
    gradients = loss.backward(ctx, cache)
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    values = function(*tensors)
    shape = values.shape[:1] if weights is None else weights.shape
    values = values.reshape(*shape, -1).mean(dim=-1)
    if weights is not None:
        values = values * torch.tensor(weights)
    if not getattr(loss, "counts_positions", False):
        values = values / math.prod(shape[1:])
    values.sum().backward()
    np.testing.assert_allclose(total, values.sum().item(), rtol=1e-9, atol=1e-9)
    for gradient, tensor in zip(gradients if several else (gradients,), tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-9)
