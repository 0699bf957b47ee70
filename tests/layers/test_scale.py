import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.scale import Scale
from tinynet.layer import Build, Context, ShapeError


def build(in_shape, **options):
    new = Build(dtype=np.dtype(np.float64), create=registry.default().create)
    return Scale(Scale.Config(**options), (in_shape,), new)


@pytest.mark.parametrize(
    ("axis", "shape"), [(-1, (1, 1, 3)), ([1, 3], (4, 1, 3)), ([], (1, 1, 1)), (2, (1, 5, 1))]
)
def test_named_axes_have_parameters_of_their_own(axis, shape):
    layer = build((4, 5, 3), axis=axis, center=True)
    assert {name: array.shape for name, array in layer.params.items()} == {
        "gamma": shape,
        "beta": shape,
    }


def test_it_changes_nothing_before_it_has_learned():
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    np.testing.assert_array_equal(build((4, 3), center=True).forward(Context(), x)[0], x)


def test_values_and_gradients_by_hand():
    layer, ctx = build((2, 2), center=True), Context(training=True)
    layer.params["gamma"][...], layer.params["beta"][...] = [[2, 10]], [[1, -1]]
    x = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    y, cache = layer.forward(ctx, x)
    np.testing.assert_array_equal(y, [[[3, 19], [7, 39]]])
    (dx,), grads = layer.backward(ctx, cache, np.array([[[1.0, 10.0], [100.0, 1000.0]]]))
    np.testing.assert_array_equal(dx, [[[2, 100], [200, 10000]]])
    np.testing.assert_array_equal(grads["gamma"], [[301, 4020]])
    np.testing.assert_array_equal(grads["beta"], [[101, 1010]])


@pytest.mark.parametrize("center", [False, True])
def test_factors_of_channels_are_folded_into_the_layer_before(center):
    """In predictions they cost nothing."""
    layers = [{"type": "dense", "units": 3}, {"type": "scale", "center": center}]
    network = tinynet.Network({"input_shape": [4], "layers": layers}, (4,), seed=0)
    dense, scale = (network.nodes[name].layer for name in ("dense_1", "scale_1"))
    for param in scale.params.values():
        param[...] = [2, -0.5, 3]
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    expected, _ = scale.forward(Context(), dense.forward(Context(), x)[0])
    folded = scale.fold_into(dense)
    np.testing.assert_allclose(folded.forward(Context(), x)[0], expected, rtol=1e-5)
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-5)


def test_other_factors_and_layers_are_not_folded():
    x = build((4, 3))
    dense = tinynet.Network({"input_shape": [4, 5], "layers": [DENSE]}, (4, 5)).nodes["dense_1"]
    assert x.fold_into(dense.layer) is not None
    assert build((4, 3), axis=[1, 2]).fold_into(dense.layer) is None
    assert build((4, 3), axis=[]).fold_into(dense.layer) is None
    assert x.fold_into(ReLU(ReLU.Config(), ((4, 3),), Build())) is None


DENSE = {"type": "dense", "units": 3}


def test_axes_that_do_not_exist_are_refused():
    with pytest.raises(ShapeError, match="scale: axis 3 does not name an axis"):
        build((4, 3), axis=3)


def test_cost():
    assert build((4, 3)).cost() == (12, 96)
    assert build((4, 3), center=True).cost() == (24, 96)
