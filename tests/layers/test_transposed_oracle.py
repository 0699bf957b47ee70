"""Transposed convolutions that differ from PyTorch's or Keras's would train another network."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.conv1d_transpose import Conv1DTranspose
from tinynet.builtin.layers.conv2d_transpose import Conv2DTranspose
from tinynet.builtin.layers.conv3d_transpose import Conv3DTranspose

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SIZE = st.integers(1, 4)
KINDS = {
    1: (Conv1DTranspose, torch.nn.functional.conv_transpose1d),
    2: (Conv2DTranspose, torch.nn.functional.conv_transpose2d),
    3: (Conv3DTranspose, torch.nn.functional.conv_transpose3d),
}


def of_keras(length, kernel, stride, dilation, padding, added):
    """Return the pixels cut off before the output, and its size, as Keras's JAX backend has them.

    From keras/src/backend/common/backend_utils.py, with the odd pixel first for "same_lower".
    """
    extent = (kernel - 1) * dilation + 1
    if padding == "valid":
        return 0, (length - 1) * stride + (max(extent, stride) if added is None else extent + added)
    if added is None:
        total, size = stride + extent - 2, length * stride
    else:
        total = extent + extent % 2 - 2 + added
        size = (length - 1) * stride + extent % 2 + added
    more, less = total // 2 + total % 2, total // 2
    return extent - 1 - min(less if padding == "same_lower" else more, extent - 1), size


def of_torch(length, kernel, stride, dilation, side, added):
    extent = (kernel - 1) * dilation + 1
    return side[0], (length - 1) * stride + extent - sum(side) + (added or 0)


@st.composite
def cases(draw, axes):
    """Options and the shape of their input, with an output of at least one pixel."""
    groups = draw(st.integers(1, 3))
    kernel, strides, dilation = (draw(st.tuples(*[SIZE] * axes)) for _ in range(3))
    sizes = draw(st.tuples(*[st.integers(1, 6 - axes)] * axes))
    added = draw(st.none() | st.tuples(*(st.integers(0, stride - 1) for stride in strides)))
    words = st.sampled_from(["valid", "same", "same_lower"])
    side = st.tuples(st.integers(0, 2), st.integers(0, 2))
    padding = draw(words | st.tuples(*[side] * axes))
    rule = of_keras if isinstance(padding, str) else of_torch
    paddings = [padding] * axes if isinstance(padding, str) else padding
    cuts = [
        rule(*axis) for axis in zip(
            sizes, kernel, strides, dilation, paddings, added or [None] * axes, strict=True
        )
    ]  # fmt: skip
    options = {
        "filters": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "strides": strides,
        "padding": padding,
        "output_padding": added,
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": draw(st.booleans()),
    }
    if axes == 1:
        options = {
            name: value[0] if isinstance(value, tuple) else value for name, value in options.items()
        }
    shape = (draw(st.integers(1, 3)), *sizes, groups * draw(st.integers(1, 3)))
    return options, shape, cuts


def check(axes, case, seed):
    options, shape, cuts = case
    assume(min(size for _, size in cuts) >= 1)
    layer_type, transpose = KINDS[axes]

    def by_torch(x, weight, bias=None):
        whole = transpose(
            x,
            weight.movedim((-1, -2), (0, 1)).contiguous(),
            stride=options["strides"],
            groups=options["groups"],
            dilation=options["dilation_rate"],
        )
        pads = []
        for (before, size), length in zip(cuts, whole.shape[2:], strict=True):
            pads = [-before, before + size - length, *pads]
        y = torch.nn.functional.pad(whole, pads)
        return y if bias is None else y + bias.reshape(-1, *[1] * axes)

    agree_with_torch(layer_type, options, shape, seed, by_torch)


@settings(max_examples=100, deadline=None)
@given(cases(1), st.integers(0, 2**32 - 1))
def test_conv1d_transpose_agrees(case, seed):
    check(1, case, seed)


@settings(max_examples=100, deadline=None)
@given(cases(2), st.integers(0, 2**32 - 1))
def test_conv2d_transpose_agrees(case, seed):
    check(2, case, seed)


@settings(max_examples=100, deadline=None)
@given(cases(3), st.integers(0, 2**32 - 1))
def test_conv3d_transpose_agrees(case, seed):
    check(3, case, seed)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), *[SIZE] * 3, st.integers(0, 2), st.integers(0, 3))
def test_padding_and_output_padding_are_those_of_torch(length, kernel, stride, dilation, cut, add):
    """Numbers of padding need no translation."""
    extent = (kernel - 1) * dilation + 1
    assume(add < stride and (length - 1) * stride + extent - 2 * cut + add >= 1)
    options = {"stride": stride, "padding": cut, "output_padding": add, "dilation": dilation}

    def by_torch(x, weight):
        turned = weight.permute(3, 2, 0, 1).contiguous()
        return torch.nn.functional.conv_transpose2d(x, turned, **options)

    config = {"kernel_size": kernel, "strides": stride, "dilation_rate": dilation, "padding": cut}
    config |= {"output_padding": add, "filters": 2, "use_bias": False}
    agree_with_torch(Conv2DTranspose, config, (2, length, length, 2), 0, by_torch)
