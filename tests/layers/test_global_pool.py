"""The behavior of pooling over whole images and volumes, and of adaptive pooling."""

import numpy as np
import pytest
from pydantic import ValidationError

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
from tinynet.errors import ShapeError
from tinynet.layer import Needs

from .image_layers import build, run, values

GLOBAL = {
    "global_avg_pool2d": GlobalAvgPool2D,
    "global_avg_pool3d": GlobalAvgPool3D,
    "global_max_pool2d": GlobalMaxPool2D,
    "global_max_pool3d": GlobalMaxPool3D,
}
ADAPTIVE = {
    "adaptive_avg_pool1d": AdaptiveAvgPool1D,
    "adaptive_avg_pool2d": AdaptiveAvgPool2D,
    "adaptive_avg_pool3d": AdaptiveAvgPool3D,
}
SHAPE = (2, 3, 4, 5)


def shape_of(name):
    """Return a sample's shape for a layer by its name, which ends with the number of axes."""
    return (*SHAPE[: int(name[-2])], 2)


@pytest.mark.parametrize("name", GLOBAL)
def test_global_pools(name):
    in_shape, channels = shape_of(name), (2,)
    x = np.random.default_rng(0).permutation(2 * np.prod(in_shape)).reshape(2, *in_shape) * 1.0
    axes = tuple(range(1, len(in_shape)))
    y = x.mean(axis=axes) if "avg" in name else x.max(axis=axes)
    layer = build(GLOBAL[name], in_shape)
    assert layer.out_shape == channels
    np.testing.assert_array_equal(values(layer, x), y)
    kept = build(GLOBAL[name], in_shape, keepdims=True)
    assert kept.out_shape == (*[1] * len(axes), 2)
    np.testing.assert_array_equal(values(kept, x), y.reshape(2, *kept.out_shape))
    assert layer.cost() == (np.prod(in_shape), 2 * 8)


def test_of_equal_maxima_the_first_in_row_major_order_gets_the_gradient():
    x = np.array([[0.0, 7], [7, 7]]).reshape(1, 2, 2, 1)
    _, dx, _ = run(build(GlobalMaxPool2D, (2, 2, 1)), x, np.array([[3.0]]))
    np.testing.assert_array_equal(dx.reshape(2, 2), [[0, 3], [0, 0]])


def test_parts_of_a_sequence_may_overlap():
    x = np.arange(5.0).reshape(1, 5, 1)
    y = values(build(AdaptiveAvgPool1D, (5, 1), output_size=3), x)
    np.testing.assert_allclose(y.ravel(), [0.5, 2, 3.5])
    y = values(build(AdaptiveAvgPool1D, (2, 1), output_size=3), x[:, :2])
    np.testing.assert_allclose(y.ravel(), [0, 0.5, 1])


@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_pools_of_the_sizes_zero_one_and_all(name):
    in_shape = shape_of(name)
    axes = tuple(range(1, len(in_shape)))
    x = np.random.default_rng(0).standard_normal((2, *in_shape))
    one = build(ADAPTIVE[name], in_shape, output_size=1)
    np.testing.assert_allclose(values(one, x), x.mean(axis=axes, keepdims=True), atol=1e-12)
    sizes = in_shape[:-1] if len(axes) > 1 else in_shape[0]
    same = build(ADAPTIVE[name], in_shape, output_size=sizes)
    np.testing.assert_allclose(values(same, x), x)
    with pytest.raises(ValidationError):
        ADAPTIVE[name].Config(output_size=0)


@pytest.mark.parametrize(("name", "layer_type"), [*GLOBAL.items(), *ADAPTIVE.items()])
def test_impossible_inputs_and_unneeded_gradients(name, layer_type):
    options = {"output_size": 1} if "adaptive" in name else {}
    with pytest.raises(ShapeError, match=f"^{name} needs (sequences|images|volumes) of shape"):
        build(layer_type, (784,) * 5, **options)
    layer, x = build(layer_type, shape_of(name), **options), np.ones((2, *shape_of(name)))
    assert run(layer, x, needs=Needs((False,), frozenset()))[1:] == (None, {})


def test_the_cost_of_adaptive_pooling_is_that_of_two_products():
    layer = build(AdaptiveAvgPool2D, (4, 6, 3), output_size=2)
    assert layer.cost() == (2 * 3 * (4 * 2 * 6 + 2 * 2 * 4), 2 * 2 * 3 * 8)
