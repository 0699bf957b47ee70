"""The choice of kernels: an installed plugin is used, and an ambiguous choice is an error."""

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
    """Hide the kernels that are installed on this machine."""
    installed = registry.default()
    entries = [e for group in registry.GROUPS for e in installed.entries(group)]
    own = registry.Registry(e for e in entries if e.distribution == "tinynet-core")
    monkeypatch.setattr(registry, "default", lambda: own)


def test_numpy_kernels_are_the_default():
    assert type(choose_kernels()) is NumpyKernels


def test_kernels_of_an_installed_plugin_are_used(register):
    register("kernels", "fast", Fast)
    assert choose_kernels().level == "fast"
    assert Network({"layers": ["relu"]}, (2,)).kernels.level == "fast"
    assert type(choose_kernels("numpy")) is NumpyKernels


def test_two_plugins_with_kernels_are_an_error(register):
    register("kernels", "fast", Fast)
    register("kernels", "faster", Fast)
    with pytest.raises(PluginError, match="more than one set of kernels is installed; add --kern"):
        choose_kernels()
    assert choose_kernels("faster").level == "fast"


class Unbuildable(NumpyKernels):
    def __init__(self):
        raise OSError("no such library")


def test_kernels_that_cannot_be_constructed_are_named(register):
    register("kernels", "fast", Unbuildable)
    place = f"{__file__}:{Unbuildable.__init__.__code__.co_firstlineno + 1}"
    with pytest.raises(PluginError) as caught:
        choose_kernels()
    assert str(caught.value) == (
        "test-plugin:fast (version 1.0): it could not be constructed: OSError: no such library"
        f" ({place}) (reinstall it, or compute without it: --kernels numpy)"
    )


def test_misspelt_name_is_an_error():
    with pytest.raises(PluginError, match="did you mean 'numpy'"):
        choose_kernels("nunpy")
