"""The behavior of `conv3d`, besides its numbers (see test_conv3d_oracle.py)."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.builtin.layers.conv3d import Conv3D
from tinynet.builtin.layers.conv3d_transpose import Conv3DTranspose
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

from .image_layers import build, run, values

BOTH = pytest.mark.parametrize("layer_type", [Conv3D, Conv3DTranspose])


def layer(layer_type, in_shape, **options):
    return build(layer_type, in_shape, **{"filters": 4, "kernel_size": 3, **options})


def test_cells_along_the_depth_are_summed():
    conv = layer(Conv3D, (3, 1, 1, 2), filters=1, kernel_size=[2, 1, 1])
    conv.params["weight"][:, 0, 0, :, 0] = [[1, 10], [100, 1000]]
    conv.params["bias"][...] = 0.5
    x = np.array([[1, 2], [3, 4], [5, 6]]).reshape(1, 3, 1, 1, 2)
    assert values(conv, x).ravel().tolist() == [4321.5, 6543.5]


def test_a_volume_of_one_plane_is_an_image():
    options = {"strides": [1, 2, 1], "padding": [[0, 0], [1, 0], [2, 1]], "groups": 2}
    conv = layer(Conv3D, (1, 5, 4, 4), kernel_size=[1, 3, 2], **options)
    plane = layer(Conv2D, (5, 4, 4), kernel_size=[3, 2], strides=[2, 1], groups=2,
                  padding=[[1, 0], [2, 1]])  # fmt: skip
    for name, param in plane.params.items():
        param[...] = conv.params[name].reshape(param.shape)
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 4))
    np.testing.assert_array_equal(values(conv, x[:, None])[:, 0], values(plane, x))


def test_the_transposed_one_is_the_adjoint():
    """<conv3d(v), x> = <v, conv3d_transpose(x)>."""
    options = {"kernel_size": [3, 2, 1], "strides": [2, 1, 3], "dilation_rate": [1, 2, 1]}
    options |= {"padding": "same", "groups": 2, "use_bias": False}
    transposed = layer(Conv3DTranspose, (2, 3, 4, 6), filters=2, **options)
    conv = layer(Conv3D, transposed.out_shape, filters=6, **options)
    transposed.params["weight"][...] = conv.params["weight"]
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, 2, 3, 4, 6)), rng.standard_normal((2, *transposed.out_shape))
    np.testing.assert_allclose(
        np.vdot(values(conv, v), x), np.vdot(v, values(transposed, x)), rtol=1e-11
    )


@pytest.mark.parametrize(
    ("layer_type", "options", "out_size"),
    [
        (Conv3D, {}, (3, 4, 5)),
        (Conv3D, {"padding": "same", "strides": [1, 2, 3]}, (5, 3, 3)),
        (Conv3D, {"padding": [0, 1, 2]}, (3, 6, 9)),
        (Conv3D, {"dilation_rate": 2}, (1, 2, 3)),
        (Conv3DTranspose, {}, (7, 8, 9)),
        (Conv3DTranspose, {"padding": "same", "strides": [1, 2, 3]}, (5, 12, 21)),
        (Conv3DTranspose, {"padding": 1, "strides": 2, "output_padding": [1, 0, 1]}, (10, 11, 14)),
    ],
)
def test_output_sizes(layer_type, options, out_size):
    assert layer(layer_type, (5, 6, 7, 2), **options).out_shape == (*out_size, 4)


@BOTH
@pytest.mark.parametrize(
    "needs",
    [
        Needs((False,), frozenset({"bias"})),
        Needs((False,), frozenset({"weight"})),
        Needs((True,), frozenset()),
    ],
)
def test_gradients_that_nobody_needs_are_left_out(layer_type, needs):
    conv, x = layer(layer_type, (3, 4, 3, 2)), np.random.default_rng(0).normal(size=(2, 3, 4, 3, 2))
    _, dx, gradients = run(conv, x, needs=needs)
    assert (dx is not None) == needs.inputs[0]
    assert gradients.keys() == needs.params
    _, _, every = run(conv, x)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, every[name])


@BOTH
def test_a_relu_and_a_batch_norm_become_part_of_it(layer_type):
    conv = layer(layer_type, (3, 4, 5, 6), groups=2, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 6))
    y, _, _ = run(conv, x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused = relu.fuse_into(conv)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    rectified, rectified_dx, _ = run(fused, x, dy)
    np.testing.assert_array_equal(rectified, np.maximum(y, 0))
    np.testing.assert_allclose(rectified_dx, run(conv, x, dy * (y > 0))[1], rtol=1e-12)
    norm = build(BatchNorm, conv.out_shape)
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-10, atol=1e-10)


@BOTH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel_size": [3, 3]}, r"an integer of at least 1 or \[depth, height, width\] is exp"),
        ({"strides": 0}, "an integer of at least 1"),
        ({"padding": [1, 1]}, r"\[\[front, back\], \[top, bottom\], \[left, right\]\] is expected"),
        ({"groups": 3}, r"filters \(4\) must be a multiple of groups \(3\)"),
    ],
)
def test_impossible_options_are_refused(layer_type, options, message):
    with pytest.raises(ValidationError, match=message):
        layer(layer_type, (5, 5, 5, 3), **options)


def test_impossible_inputs_are_refused():
    for layer_type, name in [(Conv3D, "conv3d"), (Conv3DTranspose, "conv3d_transpose")]:
        with pytest.raises(ShapeError, match=rf"^{name} needs volumes of shape \(depth, height,"):
            layer(layer_type, (5, 5, 1))
        with pytest.raises(ShapeError, match=r"channels \(3\) must be a multiple of groups \(2\)"):
            layer(layer_type, (5, 5, 5, 3), groups=2)
    with pytest.raises(ShapeError, match=r"^conv3d: a window that spans 3x3x3 does not fit a volu"):
        layer(Conv3D, (5, 5, 2, 1))
    with pytest.raises(ShapeError, match=r"^conv3d_transpose: the output's depth would be"):
        layer(Conv3DTranspose, (1, 5, 5, 1), padding=[2, 0, 0])


def test_the_cost_counts_a_multiply_add_as_two_and_the_copies_of_planes():
    conv = layer(Conv3D, (5, 6, 7, 2))
    windows, taps = 3 * 4 * 5, 3 * 6 * 7 * 3 * 2
    assert conv.cost() == (2 * windows * 27 * 2 * 4, (windows * 4 + taps) * 8)
    flat = layer(Conv3D, (5, 6, 7, 2), kernel_size=[1, 3, 3])
    assert flat.cost() == (2 * 5 * 4 * 5 * 9 * 2 * 4, 5 * 4 * 5 * 4 * 8)
    conv = layer(Conv3DTranspose, (3, 4, 5, 2))
    voxels, taps = 5 * 6 * 7 * 4, 3 * 6 * 7 * 3 * 4
    assert conv.cost() == (2 * 3 * 4 * 5 * 27 * 2 * 4, (voxels + taps) * 8)
