"""Fixtures: tests run once for each level of dispatch of this machine, and for each dtype."""

import pytest
from tinynet_native import _kernels


@pytest.fixture(params=_kernels.levels())
def level(request):
    before = _kernels.level()
    _kernels.use_level(request.param)
    yield request.param
    _kernels.use_level(before)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param
