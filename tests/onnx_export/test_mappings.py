"""Every built-in layer can be exported to ONNX."""

import pytest

from tinynet import registry
from tinynet.layer import Exportable

BUILT_IN = [
    entry.name
    for entry in registry.default().entries("layers")
    if entry.distribution == "tinynet-core"
]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_layer_has_a_mapping(name):
    """A network with a layer that has none cannot be exported at all."""
    cls = registry.default().load("layers", f"tinynet-core:{name}")
    assert issubclass(cls, Exportable), f"{name}: add to_onnx to {cls.__qualname__}"
