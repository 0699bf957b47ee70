"""Norms along any axis against torch.renorm and torch.linalg.vector_norm, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet import registry
from tinynet.spec.training_spec import ConstraintSpec

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SHAPES = st.lists(st.integers(1, 4), min_size=2, max_size=4)


def projected(param, name, **options):
    result = param.copy()
    registry.default().create(ConstraintSpec(type=name, **options)).project(result)
    return result


@settings(max_examples=100)
@given(SHAPES, st.integers(0, 2**32 - 1), st.floats(0.01, 3), st.data())
def test_projections_are_those_of_torch(shape, seed, limit, data):
    kept = data.draw(st.integers(0, len(shape) - 1), label="axis of the units")
    axis = [a for a in range(len(shape)) if a != kept]
    param = np.random.default_rng(seed).normal(size=shape)
    x = torch.from_numpy(param)
    right = torch.renorm(x, 2, kept, limit)
    ours = projected(param, "max_norm", max_value=limit, axis=axis)
    # torch.renorm divides by the norm + 1e-7.
    np.testing.assert_allclose(ours, right.numpy(), rtol=1e-6)
    norms = torch.linalg.vector_norm(x, dim=axis, keepdim=True)
    right = (x / norms).numpy()
    np.testing.assert_allclose(projected(param, "unit_norm", axis=axis), right, rtol=1e-9)
