"""Depthwise and separable convolutions that differ from PyTorch's would train another network."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.depthwise_conv2d import DepthwiseConv2D
from tinynet.builtin.layers.separable_conv import SeparableConv1D, SeparableConv2D

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZE = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)
CONVOLUTIONS = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d}


@st.composite
def cases(draw, axes):
    """Options, the shape of their input, and the padding of PyTorch's `pad`."""
    kernel, strides, dilation = (draw(st.tuples(*[SIZE] * axes)) for _ in range(3))
    reach = [(cells - 1) * step for cells, step in zip(kernel, dilation, strict=True)]
    sizes = [span + draw(st.integers(1, 5)) for span in reach]
    padding = draw(st.sampled_from(["valid", "same", "same_lower"]))
    pads = []
    for size, span, stride in zip(sizes, reach, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + span + 1 - size, 0)
        less, more = (total // 2, total - total // 2) if padding != "valid" else (0, 0)
        pads = [*((more, less) if padding == "same_lower" else (less, more)), *pads]
    options = {
        "kernel_size": kernel,
        "strides": strides,
        "dilation_rate": dilation,
        "padding": padding,
        "depth_multiplier": draw(st.integers(1, 3)),
        "use_bias": draw(st.booleans()),
    }
    if axes == 1:
        options |= {n: options[n][0] for n in ("kernel_size", "strides", "dilation_rate")}
    channels = draw(st.integers(1, 3) | st.just(17))
    return options, (draw(st.integers(1, 3)), *sizes, channels), pads


def depthwise(axes, options, x, weight, bias, pads):
    """Return the depthwise convolution of x (N, C, ...) by the weight (..., C, multiplier)."""
    kernel = weight.movedim((-2, -1), (0, 1)).flatten(0, 1)[:, None]
    return CONVOLUTIONS[axes](
        torch.nn.functional.pad(x, pads),
        kernel.contiguous(),
        bias,
        stride=options["strides"],
        dilation=options["dilation_rate"],
        groups=x.shape[1],
    )


@settings(max_examples=100, deadline=None)
@given(cases(2), SEEDS)
def test_depthwise_conv2d_agrees(case, seed):
    options, shape, pads = case

    def by_torch(x, weight, bias=None):
        return depthwise(2, options, x, weight, bias, pads)

    agree_with_torch(DepthwiseConv2D, options, shape, seed, by_torch)


def check_separable(layer_type, axes, case, filters, seed):
    options, shape, pads = case

    def by_torch(x, depthwise_weight, pointwise_weight, bias=None):
        between = depthwise(axes, options, x, depthwise_weight, None, pads)
        kernel = pointwise_weight.T.reshape(filters, -1, *[1] * axes)
        return CONVOLUTIONS[axes](between, kernel, bias)

    agree_with_torch(layer_type, options | {"filters": filters}, shape, seed, by_torch)


@settings(max_examples=100, deadline=None)
@given(cases(1), st.integers(1, 4), SEEDS)
def test_separable_conv1d_agrees(case, filters, seed):
    check_separable(SeparableConv1D, 1, case, filters, seed)


@settings(max_examples=100, deadline=None)
@given(cases(2), st.integers(1, 4), SEEDS)
def test_separable_conv2d_agrees(case, filters, seed):
    check_separable(SeparableConv2D, 2, case, filters, seed)
