"""Which kernels compute: what is installed for speed is used, and nothing is chosen by chance."""

import pytest

from tinynet import registry
from tinynet.errors import PluginError
from tinynet.kernels.numpy import NumpyKernels
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network


class Fast(NumpyKernels):
    level = "fast"


@pytest.fixture(autouse=True)
def nothing_but_tinynet(monkeypatch):
    """Whatever is installed here for speed is not what these tests are about."""
    known = registry.default()
    entries = [e for group in registry.GROUPS for e in known.entries(group)]
    own = registry.Registry(e for e in entries if e.distribution == "tinynet-core")
    monkeypatch.setattr(registry, "default", lambda: own)


def test_numpys_are_used_where_nothing_else_is_installed():
    assert type(choose_kernels()) is NumpyKernels


def test_those_of_another_distribution_are_used_where_they_are_installed(register):
    register("kernels", "fast", Fast)
    assert choose_kernels().level == "fast"
    assert Network({"layers": ["relu"]}, (2,)).kernels.level == "fast"
    assert type(choose_kernels("numpy")) is NumpyKernels


def test_of_two_one_must_be_named(register):
    register("kernels", "fast", Fast)
    register("kernels", "faster", Fast)
    with pytest.raises(PluginError, match="more than one set of kernels is installed; add --kern"):
        choose_kernels()
    assert choose_kernels("faster").level == "fast"


def test_a_misspelt_name_is_told():
    with pytest.raises(PluginError, match="did you mean 'numpy'"):
        choose_kernels("nunpy")
