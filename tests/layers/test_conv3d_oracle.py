"""A convolution that differs from PyTorch's would train another network than the user declared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.conv3d import Conv3D

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@st.composite
def cases(draw):
    """Options, the shape of their input, and the padding of PyTorch's `pad`."""
    groups, size = draw(st.integers(1, 3)), st.integers(1, 3)
    kernel, strides, dilation = (draw(st.tuples(size, size, size)) for _ in range(3))
    side = st.tuples(st.integers(0, 2), st.integers(0, 2))
    words = st.sampled_from(["valid", "same", "same_lower"])
    padding = draw(words | st.tuples(side, side, side))
    spans = [(cells - 1) * step + 1 for cells, step in zip(kernel, dilation, strict=True)]
    sizes = [span + draw(st.integers(0, 3)) for span in spans]
    sides = [(0, 0)] * 3 if padding == "valid" else padding
    if padding in ("same", "same_lower"):
        totals = [
            max((-(-length // stride) - 1) * stride + span - length, 0)
            for length, span, stride in zip(sizes, spans, strides, strict=True)
        ]
        sides = [(total // 2, total - total // 2) for total in totals]
        sides = sides if padding == "same" else [side[::-1] for side in sides]
    options = {
        "filters": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation,
        "groups": groups,
        "use_bias": draw(st.booleans()),
    }
    shape = (draw(st.integers(1, 3)), *sizes, groups * draw(st.integers(1, 4)))
    return options, shape, [count for side in reversed(sides) for count in side]


@settings(max_examples=100, deadline=None)
@given(cases(), st.integers(0, 2**32 - 1))
def test_values_and_gradients_agree(case, seed):
    options, shape, pads = case

    def by_torch(x, weight, bias=None):
        return torch.nn.functional.conv3d(
            torch.nn.functional.pad(x, pads),
            weight.permute(4, 3, 0, 1, 2).contiguous(),
            bias,
            stride=options["strides"],
            dilation=options["dilation_rate"],
            groups=options["groups"],
        )

    agree_with_torch(Conv3D, options, shape, seed, by_torch)
