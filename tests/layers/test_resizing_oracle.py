"""Resizing that differs from PyTorch's would shift what a network sees."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinynet.builtin.layers.resizing import Resizing

from .image_layers import agree_with_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
FACTORS = st.floats(0.3, 3) | st.sampled_from([0.25, 0.5, 0.75, 1.5, 2.0, 3.0])
SEEDS = st.integers(0, 2**32 - 1)
PYTORCH_CUBIC = {"interpolation": "bicubic", "cubic_coefficient": -0.75, "exclude_outside": False}


def assume_another_size(shape, factor):
    """Skip factors that leave a size as it is: then our image stays, and PyTorch's may not."""
    sizes = [(n, math.floor(n * f), f) for n, f in zip(shape[1:3], factor, strict=True)]
    assume(all(out >= 1 and (out != n or f == 1) for n, out, f in sizes))


def check(options, shape, seed, **by_torch):
    agree_with_torch(
        Resizing, options, shape, seed, lambda x: torch.nn.functional.interpolate(x, **by_torch)
    )


@settings(max_examples=100, deadline=None)
@given(SHAPES, SIZES, st.booleans(), SEEDS)
def test_bilinear_to_a_size_agrees(shape, size, align_corners, seed):
    options = {"height": size[0], "width": size[1], "align_corners": align_corners}
    check(options, shape, seed, size=size, mode="bilinear", align_corners=align_corners)


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.tuples(FACTORS, FACTORS), st.booleans(), SEEDS)
def test_bilinear_by_a_factor_agrees(shape, factor, align_corners, seed):
    assume(all(math.floor(n * f) >= 1 for n, f in zip(shape[1:3], factor, strict=True)))
    options = {"factor": factor, "align_corners": align_corners}
    check(options, shape, seed, scale_factor=factor, mode="bilinear", align_corners=align_corners)


@settings(max_examples=100, deadline=None)
@given(SHAPES, SIZES, st.booleans(), SEEDS)
def test_bicubic_to_a_size_agrees(shape, size, align_corners, seed):
    options = {"height": size[0], "width": size[1], "align_corners": align_corners, **PYTORCH_CUBIC}
    check(options, shape, seed, size=size, mode="bicubic", align_corners=align_corners)


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.tuples(FACTORS, FACTORS), SEEDS)
def test_bicubic_by_a_factor_agrees(shape, factor, seed):
    assume_another_size(shape, factor)
    options = {"factor": factor, **PYTORCH_CUBIC}
    check(options, shape, seed, scale_factor=factor, mode="bicubic")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@settings(max_examples=100, deadline=None)
@given(SHAPES, SIZES, SEEDS)
def test_antialias_to_a_size_agrees(mode, shape, size, seed):
    """PyTorch's cubic is Keras's here, also where the image becomes larger."""
    assume(size[1] > 1)  # PyTorch 2.13 fills columns of a single pixel with one number.
    options = {"height": size[0], "width": size[1], "interpolation": mode, "antialias": True}
    check(options, shape, seed, size=size, mode=mode, antialias=True)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@settings(max_examples=100, deadline=None)
@given(SHAPES, st.tuples(FACTORS, FACTORS), SEEDS)
def test_antialias_by_a_factor_agrees(mode, shape, factor, seed):
    assume_another_size(shape, factor)
    assume(math.floor(shape[2] * factor[1]) > 1)  # as above
    options = {"factor": factor, "interpolation": mode, "antialias": True}
    check(options, shape, seed, scale_factor=factor, mode=mode, antialias=True)


@settings(max_examples=100, deadline=None)
@given(SHAPES, SIZES, SEEDS)
def test_nearest_to_a_size_agrees(shape, size, seed):
    for length, out in zip(shape[1:3], size, strict=True):
        # PyTorch computes the places in float32; between two pixels it may take the other one.
        places = (np.arange(out, dtype="float32") + 0.5) * np.float32(length / out)
        assume((np.floor(places) == (2 * np.arange(out) + 1) * length // (2 * out)).all())
    options = {"height": size[0], "width": size[1], "interpolation": "nearest"}
    check(options, shape, seed, size=size, mode="nearest-exact")


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.sampled_from([0.5, 0.25, 1, 2, 4, 8]), SEEDS)
def test_nearest_by_a_factor_agrees(shape, factor, seed):
    assume(min(shape[1:3]) * factor >= 1)
    options = {"factor": factor, "interpolation": "nearest"}
    check(options, shape, seed, scale_factor=factor, mode="nearest-exact")
