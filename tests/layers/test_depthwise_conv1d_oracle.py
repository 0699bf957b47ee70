"""A depthwise convolution that differs from PyTorch's would train another network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.depthwise_conv1d import DepthwiseConv1D
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZE = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)


def check(layer_type, config, shape, seed, by_torch):
    """Compare y and all gradients; ``by_torch`` maps tensors x (N, C, T), weight and bias."""
    rng = np.random.default_rng(seed)
    create = tinynet.registry.default().create
    build = Build(dtype=np.dtype(np.float64), create=create)
    layer = layer_type(layer_type.Config(**config), (shape[1:],), build)
    x = rng.standard_normal(shape)
    dy = rng.standard_normal((shape[0], *layer.out_shape))
    bias = layer.params.get("bias", np.zeros(layer.out_shape[-1]))
    bias[...] = rng.standard_normal(bias.shape) if config["use_bias"] else 0

    y, cache = layer.forward(Context(training=True), x)
    (dx,), grads = layer.backward(Context(training=True), cache, dy)

    tensors = [torch.tensor(a, requires_grad=True) for a in (x, layer.params["weight"], bias)]
    sequence, weight, shift = tensors
    expected = by_torch(sequence.permute(0, 2, 1), weight, shift).permute(0, 2, 1)
    assert tuple(expected.shape) == dy.shape
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-9)
    actual = [dx, grads["weight"]] + ([grads["bias"]] if config["use_bias"] else [])
    for ours, theirs in zip(actual, tensors, strict=False):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-9, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    kernel=SIZE, stride=SIZE, dilation=SIZE, multiplier=st.integers(1, 3), use_bias=st.booleans(),
    causal=st.booleans(), more=st.integers(1, 9), samples=SIZE, channels=SIZE, seed=SEEDS,
)  # fmt: skip
def test_depthwise_convolution_agrees(
    kernel, stride, dilation, multiplier, use_bias, causal, more, samples, channels, seed
):
    config = {
        "kernel_size": kernel,
        "strides": stride,
        "dilation_rate": dilation,
        "depth_multiplier": multiplier,
        "use_bias": use_bias,
        "padding": "causal" if causal else "valid",
    }
    reach = (kernel - 1) * dilation

    def by_torch(x, weight, bias):
        return torch.nn.functional.conv1d(
            torch.nn.functional.pad(x, (reach if causal else 0, 0)),
            weight.permute(1, 2, 0).reshape(channels * multiplier, 1, kernel),
            bias,
            stride=stride,
            dilation=dilation,
            groups=channels,
        )

    check(DepthwiseConv1D, config, (samples, reach + more, channels), seed, by_torch)
