"""Layers that return their input before the first step: `identity` and `dirac`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import registry
from tinynet.builtin.identity_initializers import Dirac, Identity
from tinynet.builtin.layers.conv1d import Conv1D
from tinynet.builtin.layers.conv2d import Conv2D
from tinynet.builtin.layers.conv3d import Conv3D
from tinynet.errors import ShapeError
from tinynet.layer import Build, Context

F64 = np.dtype(np.float64)
RNG = np.random.default_rng(0)


def draw(cls, shape, **options):
    return cls(cls.Config(**options))(RNG, shape, 1, 1, F64)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("cls", "axes"), [(Conv1D, 1), (Conv2D, 2), (Conv3D, 3)])
def test_a_convolution_of_dirac_returns_its_input(cls, axes, groups, kernel_size):
    shape = (*(5, 4, 6)[:axes], 4)
    config = cls.Config(
        filters=4,
        kernel_size=kernel_size,
        padding="same",
        groups=groups,
        weight_initializer={"type": "dirac", "groups": groups},
    )
    layer = cls(config, (shape,), Build(node="x", create=registry.default().create, dtype=F64))
    x = RNG.normal(size=(2, *shape))
    y, _ = layer.forward(Context(), x)
    np.testing.assert_array_equal(y, x)


def test_filters_of_dirac_without_a_channel_return_zero():
    weight = draw(Dirac, (3, 2, 6), groups=2)
    np.testing.assert_array_equal(weight[1], [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]])
    assert weight.sum() == 4


def test_identity_has_its_gain_on_the_diagonal():
    np.testing.assert_array_equal(draw(Identity, (2, 3), gain=0.5), [[0.5, 0, 0], [0, 0.5, 0]])


@pytest.mark.parametrize(
    ("cls", "shape", "options", "message"),
    [
        (Identity, (3,), {}, r"identity needs a parameter of two axes; this one has shape \(3,\)"),
        (Identity, (3, 2, 2), {}, "for the weight of a convolution, use dirac"),
        (Dirac, (3, 2), {}, r"at least three axes; this one has shape \(3, 2\)"),
        (Dirac, (3, 2, 5), {"groups": 2}, "dirac cannot divide 5 filters into 2 groups"),
    ],
)
def test_other_shapes_are_refused(cls, shape, options, message):
    with pytest.raises(ShapeError, match=message):
        draw(cls, shape, **options)


@pytest.mark.oracle
@settings(max_examples=100, deadline=None)
@given(
    window=st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3),
    channels=st.integers(1, 5),
    filters=st.integers(1, 5),
    groups=st.integers(1, 3),
)
def test_dirac_agrees_with_torch(window, channels, filters, groups):
    torch = pytest.importorskip("torch")
    ours = draw(Dirac, (*window, channels, filters * groups), groups=groups)
    theirs = torch.empty(filters * groups, channels, *window)
    torch.nn.init.dirac_(theirs, groups)
    np.testing.assert_array_equal(np.moveaxis(ours, (-1, -2), (0, 1)), theirs.numpy())
