"""Every built-in layer, exported to ONNX and run by onnxruntime.

A layer that fails one computes other numbers where a model is deployed than where it was trained.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from tinynet import registry
from tinynet.network.network import Network
from tinynet.testing.layer_case import LayerCase
from tinynet.testing.masks import masked_sequences
from tinynet.types import Array, Shape

from ..layer_cases import LAYERS
from .cases import FURTHER

pytestmark = pytest.mark.extra

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from ..commands.onnx.running import run  # noqa: E402
from .comparison import assert_exported_network_is_equal, changed, exported  # noqa: E402

BUILT_IN = [
    entry.name
    for entry in registry.default().entries("layers")
    if entry.distribution == "tinynet-core"
]


def cases_of(name: str) -> Iterator[LayerCase]:
    """Yield the cases of a layer: those of test_contract.py, and further ones."""
    cls = registry.default().load("layers", f"tinynet-core:{name}")
    for options, in_shapes, arguments in (*LAYERS[name], *FURTHER.get(name, ())):
        inputs = arguments.get("inputs")
        yield LayerCase(
            cls,
            options,
            tuple(in_shapes),
            None if inputs is None else tuple(map(np.asarray, inputs)),
            masked_sequences(arguments.get("mask")),
            ("float32",),
            batch=5,
            seed=0,
        )


def network_of(name: str, options: dict[str, Any], in_shapes: Sequence[Shape]) -> Network:
    """Return the network of one layer, all of whose outputs are outputs of the network."""
    inputs = {f"x{number}": list(shape) for number, shape in enumerate(in_shapes)}
    layer = {
        "type": f"tinynet-core:{name}",
        "name": "layer",
        "inputs": [f"input:{key}" for key in inputs],
        **options,
    }
    network = Network({"input_shape": inputs, "layers": [layer]})
    values = {f"y{number}": value for number, value in enumerate(network.nodes["layer"].values)}
    return Network({"input_shape": inputs, "layers": [layer], "outputs": values})


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_layer_is_exported_as_operators_that_compute_the_same(name: str, scale: float) -> None:
    for case in cases_of(name):
        network = changed(network_of(name, case.options, case.in_shapes))
        inputs: list[Array] = [*case.draw("float32", scale=scale)]
        named = {f"input:x{number}": x for number, x in enumerate(inputs)}
        try:
            assert_exported_network_is_equal(network, named)
        except Exception as error:
            error.add_note(f"with {case.options} on {case.in_shapes}")
            raise


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_option_of_a_layer_has_a_case(name: str) -> None:
    """The export of an option without a case may ignore it."""
    cls = registry.default().load("layers", f"tinynet-core:{name}")
    options = {option for option in cls.Config.model_fields if "initializer" not in option}
    assert options <= {option for case in cases_of(name) for option in case.options}


@pytest.mark.parametrize("index", [-1, 10])
def test_an_index_outside_of_an_embedding_is_refused(index):
    """ONNX would count -1 from the end, and so predict something where tinynet refuses."""
    network = network_of("embedding", {"input_dim": 10, "output_dim": 2}, [(3,)])
    x = np.full((2, 3), index)
    model = exported(network, {"input:x0": x})
    with pytest.raises(Exception, match="out of data bounds"):
        run(model, {"input:x0": x})
