"""A convolution that differs from PyTorch's would train another network than the user declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.conv1d import Conv1D
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")

FLOAT64 = np.dtype(np.float64)


@st.composite
def cases(draw):
    """A config, the shape of its input, and a seed for the numbers."""
    groups = draw(st.integers(1, 3))
    kernel, stride, dilation = (draw(st.integers(1, 4)) for _ in range(3))
    amount = st.integers(0, 3)
    config = {
        "filters": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "strides": stride,
        "padding": draw(
            st.sampled_from(["valid", "same", "same_lower", "causal"])
            | amount
            | st.tuples(amount, amount)
        ),
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": draw(st.booleans()),
    }
    length = (kernel - 1) * dilation + draw(st.integers(1, 9))
    shape = (draw(st.integers(1, 4)), length, groups * draw(st.integers(1, 5)))
    return config, shape, draw(st.integers(0, 2**32 - 1))


def sides(config, length):
    """Steps before and after the sequence; Keras's rules, written down independently."""
    padding, stride = config["padding"], config["strides"]
    reach = (config["kernel_size"] - 1) * config["dilation_rate"]
    if padding in ("same", "same_lower"):
        total = max((int(np.ceil(length / stride)) - 1) * stride + reach + 1 - length, 0)
        sides = total // 2, total - total // 2
        return sides if padding == "same" else sides[::-1]  # ONNX: the odd step first
    if isinstance(padding, int):
        return padding, padding
    return {"valid": (0, 0), "causal": (reach, 0)}.get(padding, padding)


def by_torch(config, x, weight, bias, dy):
    """y, dx, dweight and dbias as PyTorch has them."""
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    sequence, kernel, shift = tensors
    y = torch.nn.functional.conv1d(
        torch.nn.functional.pad(sequence.permute(0, 2, 1), sides(config, x.shape[1])),
        kernel.permute(2, 1, 0).contiguous(),
        shift,
        stride=config["strides"],
        dilation=config["dilation_rate"],
        groups=config["groups"],
    ).permute(0, 2, 1)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)


@pytest.mark.oracle
@settings(max_examples=250, deadline=None)
@given(cases())
def test_values_and_gradients_agree(case):
    config, shape, seed = case
    rng = np.random.default_rng(seed)
    build = Build(dtype=FLOAT64, create=tinynet.registry.default().create)
    layer = Conv1D(Conv1D.Config(**config), (shape[1:],), build)
    x = rng.standard_normal(shape)
    dy = rng.standard_normal((shape[0], *layer.out_shape))
    bias = layer.params.get("bias", np.zeros(config["filters"]))
    bias[...] = rng.standard_normal(bias.shape) if config["use_bias"] else 0

    y, cache = layer.forward(Context(training=True), x)
    (dx,), grads = layer.backward(Context(training=True), cache, dy)

    actual = [y, dx, grads["weight"]] + ([grads["bias"]] if config["use_bias"] else [])
    expected = by_torch(config, x, layer.params["weight"], bias, dy)
    for ours, theirs in zip(actual, expected, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
