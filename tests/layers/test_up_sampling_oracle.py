"""Up-sampling that differs from PyTorch's would shift what a network draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from tinynet.layer import Build, Context

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")


def ours(x, dy, size, interpolation):
    config = UpSampling2D.Config(size=size, interpolation=interpolation)
    layer = UpSampling2D(config, (x.shape[1:],), Build(dtype=x.dtype))
    y, cache = layer.forward(Context(training=True), x)
    ((dx,), _) = layer.backward(Context(training=True), cache, dy)
    return y, dx


def theirs(x, dy, size, interpolation):
    options = {"align_corners": False} if interpolation == "bilinear" else {}
    image = torch.tensor(x, requires_grad=True)
    up = torch.nn.Upsample(scale_factor=size, mode=interpolation, **options)
    y = up(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), image.grad.numpy()


@pytest.mark.oracle
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@settings(max_examples=200, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7), st.integers(1, 4)),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**32 - 1),
)
def test_up_sampling_agrees(interpolation, shape, size, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    dy = rng.standard_normal((shape[0], shape[1] * size[0], shape[2] * size[1], shape[3]))
    actual, expected = ours(x, dy, size, interpolation), theirs(x, dy, size, interpolation)
    for mine, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("layer_type", [UpSampling1D, UpSampling3D])
@settings(max_examples=100, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 5),
    size=st.tuples(*[st.integers(1, 3)] * 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_up_sampling_of_sequences_and_volumes_agrees(layer_type, shape, size, seed):
    if layer_type is UpSampling1D:
        shape, size = (shape[0], shape[1], shape[4]), size[0]
    up = torch.nn.Upsample(scale_factor=size, mode="nearest")
    agree_with_torch(layer_type, {"size": size}, shape, seed, up)
