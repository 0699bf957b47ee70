"""Pooling of any number of axes agrees with PyTorch's, with every option that both have."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.adaptive_pool import (
    AdaptiveAvgPool1D,
    AdaptiveAvgPool2D,
    AdaptiveAvgPool3D,
)
from tinynet.builtin.layers.global_pool import (
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
)
from tinynet.builtin.layers.pool1d import AvgPool1D, MaxPool1D
from tinynet.builtin.layers.pool2d import AvgPool2D, MaxPool2D
from tinynet.builtin.layers.pool3d import AvgPool3D, MaxPool3D

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SEEDS = st.integers(0, 2**32 - 1)
AXES = pytest.mark.parametrize("axes", [1, 2, 3])
MAX, AVG = {1: MaxPool1D, 2: MaxPool2D, 3: MaxPool3D}, {1: AvgPool1D, 2: AvgPool2D, 3: AvgPool3D}


def of_axes(name, axes):
    return getattr(torch.nn.functional, f"{name}{axes}d")


def option(value):
    """Return the option of a layer: a single integer for one axis."""
    return value[0] if value is not None and len(value) == 1 else value


@st.composite
def cases(draw, axes, dilations):
    """Arguments of PyTorch's function, and the shape of the input, for a window that fits."""
    numbers = st.tuples(*[st.integers(1, 4)] * axes)
    size, strides = draw(numbers), draw(st.none() | numbers)
    dilation = draw(st.tuples(*[st.integers(1, dilations)] * axes))
    extents = [(cells - 1) * step + 1 for cells, step in zip(size, dilation, strict=True)]
    padding = tuple(draw(st.integers(0, cells // 2)) for cells in size)
    sizes = [
        # avg_pool3d takes no volume smaller than the window.
        (extent if axes == 3 else max(1, extent - 2 * side)) + draw(st.integers(0, 8 - 2 * axes))
        for extent, side in zip(extents, padding, strict=True)
    ]
    for length, step, side, stride in zip(sizes, dilation, padding, strides or size, strict=True):
        # PyTorch returns -inf for a window of nothing but padding; tinynet refuses it.
        assume(all(first % step < length for first in range(-side, 0, stride)))
    shape = (draw(st.integers(1, 3)), *sizes, draw(st.integers(1, 4)))
    return size, strides, padding, dilation, draw(st.booleans()), shape


@AXES
@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_max_pooling_agrees_ties_included(axes, data, seed):
    size, strides, padding, dilation, ceil_mode, shape = data.draw(cases(axes, 3))
    options = {"pool_size": size, "strides": strides, "dilation_rate": dilation}
    options = {name: option(value) for name, value in options.items()}
    options |= {"padding": option(padding), "ceil_mode": ceil_mode}

    def by_torch(x):
        return of_axes("max_pool", axes)(x, size, strides, padding, dilation, ceil_mode)

    agree_with_torch(MAX[axes], options, shape, seed, by_torch, ties=True)


@AXES
@settings(max_examples=100, deadline=None)
@given(data=st.data(), include_pad=st.booleans(), seed=SEEDS)
def test_average_pooling_agrees(axes, data, include_pad, seed):
    size, strides, padding, _, ceil_mode, shape = data.draw(cases(axes, 1))
    options = {"pool_size": option(size), "strides": option(strides), "padding": option(padding)}
    options |= {"ceil_mode": ceil_mode, "count_include_pad": include_pad}

    def by_torch(x):
        if axes > 1:
            pool = of_axes("avg_pool", axes)
            return pool(x, size, strides, padding, ceil_mode, include_pad)
        # avg_pool1d fails where a window reaches beyond its padding.
        arguments = ((1, *numbers) if numbers else None for numbers in (size, strides))
        pool = torch.nn.functional.avg_pool2d
        return pool(x[:, :, None], *arguments, (0, *padding), ceil_mode, include_pad)[:, :, 0]

    agree_with_torch(AVG[axes], options, shape, seed, by_torch)


@pytest.mark.parametrize(
    ("layer_type", "name"),
    [
        (GlobalAvgPool2D, "adaptive_avg_pool"),
        (GlobalAvgPool3D, "adaptive_avg_pool"),
        (GlobalMaxPool2D, "adaptive_max_pool"),
        (GlobalMaxPool3D, "adaptive_max_pool"),
    ],
)
@settings(max_examples=100, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 5)] * 5), seed=SEEDS)
def test_global_pooling_agrees(layer_type, name, shape, seed):
    axes = layer_type.axes
    pool = of_axes(name, axes)
    agree_with_torch(
        layer_type, {"keepdims": True}, (*shape[: axes + 1], shape[-1]), seed, lambda x: pool(x, 1)
    )


@AXES
@settings(max_examples=100, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 7)] * 5), out=st.tuples(*[st.integers(1, 8)] * 3), seed=SEEDS
)
def test_adaptive_pooling_agrees(axes, shape, out, seed):
    layer_type = {1: AdaptiveAvgPool1D, 2: AdaptiveAvgPool2D, 3: AdaptiveAvgPool3D}[axes]
    pool, out = of_axes("adaptive_avg_pool", axes), out[:axes]
    options = {"output_size": option(out)}
    agree_with_torch(
        layer_type, options, (*shape[: axes + 1], shape[-1]), seed, lambda x: pool(x, out)
    )
