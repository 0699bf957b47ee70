"""Every example of models/, untrained, exported to ONNX and run by onnxruntime."""

from pathlib import Path

import numpy as np
import pytest

import tinynet

pytestmark = pytest.mark.extra

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from .comparison import assert_exported_network_is_equal, changed  # noqa: E402

MODELS = Path(__file__).parents[2] / "models"
SPECS = sorted(MODELS.glob("*.json"))
SAMPLES = 3


def network_and_inputs(path: Path) -> tuple[tinynet.Network, dict[str, np.ndarray]]:
    """Return a network, and samples of its data; random images if these are to be downloaded."""
    spec = tinynet.load_spec(path)
    if spec.network.input_shape is None:
        trainer = tinynet.Trainer(spec, root=MODELS)
        batch = trainer.data.batch("test", np.arange(SAMPLES))
        names = trainer.network.input_shapes
        return trainer.network, {n: batch.inputs[n.removeprefix("input:")] for n in names}
    network = tinynet.Network(spec.network)
    ((name, shape),) = network.input_shapes.items()
    images = np.random.default_rng(0).uniform(size=(SAMPLES, *shape))
    return network, {name: images.astype(np.float32)}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_an_example_computes_the_same_in_onnxruntime(path: Path) -> None:
    network, inputs = network_and_inputs(path)
    assert_exported_network_is_equal(changed(network), inputs)
