"""Every example of models/, exported to ONNX and run by onnxruntime."""

from pathlib import Path

import numpy as np
import pytest

import tinynet

pytestmark = pytest.mark.extra

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from tinynet.commands.onnx.export import export_onnx  # noqa: E402

from .comparison import (  # noqa: E402
    TOLERANCE,
    assert_exported_network_is_equal,
    changed,
)

MODELS = Path(__file__).parents[2] / "models"
SPECS = sorted(MODELS.glob("*.json"))
WITH_DATA = [path for path in SPECS if "input_shape" not in path.read_text()]
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


@pytest.mark.parametrize("path", WITH_DATA, ids=lambda path: path.stem)
def test_a_run_of_an_example_is_exported_with_its_preprocessing(path, tmp_path) -> None:
    run = tmp_path / "run"
    length = {"training.epochs": None, "training.steps": 2, "training.schedule": None}
    tinynet.train(path, run, overrides=length)
    made = export_onnx(run, tmp_path / "model.onnx", data_root=MODELS, warn=pytest.fail)
    assert made.comparison is not None
    assert made.comparison.source == "samples of the test split"
    assert made.comparison.largest <= TOLERANCE


@pytest.mark.parametrize("name", ["addition_seq2seq", "sentences_sentiment", "ratings_dcn"])
def test_indices_of_embeddings_are_drawn_where_the_data_are_missing(name, tmp_path) -> None:
    run = tmp_path / "run"
    length = {"training.epochs": None, "training.steps": 1, "training.schedule": None}
    tinynet.train(MODELS / f"{name}.json", run, overrides=length)
    made = export_onnx(run, tmp_path / "model.onnx", data_root=tmp_path, warn=pytest.fail)
    assert made.comparison is not None
    assert made.comparison.source == "random samples"
