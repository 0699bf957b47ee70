"""The behavior of `conv2d_transpose`, besides its numbers (see test_transposed_oracle.py)."""

import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.activations import ReLU
from tinynet.builtin.layers.batch_norm import BatchNorm
from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.builtin.layers.conv2d_transpose import Conv2DTranspose
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context, Needs

from .image_layers import build, run, values


def layer(in_shape, **options):
    return build(Conv2DTranspose, in_shape, **{"filters": 4, "kernel_size": 3, **options})


def test_each_pixel_adds_its_multiple_of_the_kernel():
    conv = layer((1, 2, 1), filters=1, kernel_size=2, strides=[1, 2], use_bias=False)
    conv.params["weight"][..., 0, 0] = [[1, 2], [3, 4]]
    y = values(conv, [[[[1], [10]]]])
    np.testing.assert_array_equal(y[0, :, :, 0], [[1, 2, 10, 20], [3, 4, 30, 40]])


def test_it_is_the_adjoint_of_conv2d():
    """<conv2d(v), x> = <v, conv2d_transpose(x)>."""
    options = {"kernel_size": [3, 2], "strides": [2, 3], "dilation_rate": [1, 2], "groups": 2}
    options |= {"padding": "same", "use_bias": False}
    transposed = layer((3, 4, 6), filters=2, **options)
    conv = build(Conv2D, transposed.out_shape, filters=6, **options)
    transposed.params["weight"][...] = conv.params["weight"]
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, 3, 4, 6)), rng.standard_normal((2, 6, 12, 2))
    np.testing.assert_allclose(
        np.vdot(values(conv, v), x), np.vdot(v, values(transposed, x)), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("options", "out_size"),
    [
        ({}, (7, 8)),
        ({"strides": [2, 4]}, (11, 24)),
        ({"strides": 2, "padding": 1}, (9, 11)),
        ({"strides": 2, "padding": 1, "output_padding": [1, 0]}, (10, 11)),
        ({"strides": 2, "padding": "same"}, (10, 12)),
        ({"strides": 2, "padding": "same", "output_padding": 0}, (9, 11)),
        ({"padding": [[0, 1], [2, 3]]}, (6, 3)),
    ],
)
def test_output_sizes(options, out_size):
    assert layer((5, 6, 2), **options).out_shape == (*out_size, 4)


def test_no_output_left_is_explained_with_the_arithmetic():
    with pytest.raises(
        ShapeError, match=r"^conv2d_transpose: the output's width would be \(1 - 1\) \* 2 \+ 3 - 2"
    ):
        layer((5, 1, 1), strides=2, padding=[1, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"output_padding": [0, 2], "strides": 2},
            r"output_padding \(\[0, 2\]\) must be smaller than strides \(\[2, 2\]\)",
        ),
        ({"output_padding": -1}, r"an integer of at least 0 or \[height, width\] is expected"),
        ({"output_padding": [1, 1, 1]}, "an integer of at least 0"),
        ({"padding": "causal"}, "'valid', 'same', 'same_lower'"),
        ({"groups": 3}, r"filters \(4\) must be a multiple of groups \(3\)"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        layer((5, 5, 3), **options)


def test_impossible_inputs_are_refused():
    with pytest.raises(ShapeError, match=r"^conv2d_transpose needs images of shape"):
        layer((784,))
    with pytest.raises(ShapeError, match=r"channels \(3\) must be a multiple of groups \(2\)"):
        layer((5, 5, 3), groups=2)


def test_gradients_that_nobody_needs_are_left_out():
    needs = Needs((False,), frozenset({"bias"}))
    _, dx, gradients = run(layer((5, 4, 2), strides=2), np.ones((2, 5, 4, 2)), needs=needs)
    assert dx is None
    assert gradients.keys() == {"bias"}


def test_a_relu_and_a_batch_norm_become_part_of_it():
    conv = layer((5, 4, 6), strides=2, groups=2, use_bias=False)
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 6))
    y, _ = conv.forward(Context(), x)
    relu = ReLU(ReLU.Config(), (conv.out_shape,), Build())
    fused, _ = relu.fuse_into(conv).forward(Context(), x)
    np.testing.assert_array_equal(fused, np.maximum(y, 0))
    norm = build(BatchNorm, conv.out_shape)
    norm.buffers["running_var"][...] = [0.5, 1, 2, 4]
    folded, _ = norm.fold_into(conv).forward(Context(), x)
    np.testing.assert_allclose(folded, norm.forward(Context(), y)[0], rtol=1e-11, atol=1e-11)


def test_the_cost_counts_a_multiply_add_as_two():
    conv = layer((10, 5, 6), strides=2, padding="same")
    assert conv.cost() == (2 * 50 * 9 * 4 * 6, 20 * 10 * 4 * 8)
