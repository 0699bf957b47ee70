"""A convolution that differs from PyTorch's would train another network than the user declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet.registry
from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.layer import Build, Context

torch = pytest.importorskip("torch")

FLOAT64 = np.dtype(np.float64)


@st.composite
def cases(draw):
    """A config, the shape of its input, and a seed for the numbers."""
    size = st.integers(1, 4)
    pair = st.tuples(size, size)
    groups = draw(st.integers(1, 3))
    kernel, strides, dilation = draw(pair), draw(pair), draw(pair)
    amount = st.integers(0, 3)
    paddings = st.one_of(
        st.sampled_from(["valid", "same", "same_lower"]),
        amount,
        st.tuples(amount, amount),
        st.tuples(st.tuples(amount, amount), st.tuples(amount, amount)),
    )
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (span + draw(st.integers(0, 6)) for span in spans)
    config = {
        "filters": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "strides": strides,
        "padding": draw(paddings),
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": draw(st.booleans()),
    }
    shape = (draw(st.integers(1, 3)), height, width, groups * draw(st.integers(1, 5)))
    return config, shape, draw(st.integers(0, 2**32 - 1))


def same(size, span, stride):
    """Keras's rule, written down independently."""
    total = max((int(np.ceil(size / stride)) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def same_lower(size, span, stride):
    """ONNX's rule: the odd pixel first."""
    return same(size, span, stride)[::-1]


def sides(config, shape):
    padding = config["padding"]
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding in ("same", "same_lower"):
        spans = [
            (k - 1) * d + 1
            for k, d in zip(config["kernel_size"], config["dilation_rate"], strict=True)
        ]
        rule = same if padding == "same" else same_lower
        return tuple(map(rule, shape[1:3], spans, config["strides"]))
    if isinstance(padding, int):
        padding = (padding, padding)
    return tuple(p if isinstance(p, tuple) else (p, p) for p in padding)


def by_torch(config, x, weight, bias, dy):
    """y, dx, dweight and dbias as PyTorch has them."""
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    image, kernel, shift = tensors
    (top, bottom), (left, right) = sides(config, x.shape)
    y = torch.nn.functional.conv2d(
        torch.nn.functional.pad(image.permute(0, 3, 1, 2), (left, right, top, bottom)),
        kernel.permute(3, 2, 0, 1).contiguous(),
        shift,
        stride=config["strides"],
        dilation=config["dilation_rate"],
        groups=config["groups"],
    ).permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)


@pytest.mark.oracle
@settings(max_examples=300, deadline=None)
@given(cases())
def test_values_and_gradients_agree(case):
    config, shape, seed = case
    rng = np.random.default_rng(seed)
    build = Build(dtype=FLOAT64, create=tinynet.registry.default().create)
    layer = Conv2D(Conv2D.Config(**config), (shape[1:],), build)
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
