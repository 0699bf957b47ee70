"""The samples for which an exported model is compared with the network."""

import numpy as np
import pytest

import tinynet

pytestmark = pytest.mark.extra

pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from tinynet.commands.onnx.export import export_onnx  # noqa: E402


@pytest.mark.parametrize(("indices", "is_compared"), [(2, True), (1, False)])
def test_a_model_whose_data_are_missing_is_exported_all_the_same(indices, is_compared, tmp_path):
    """Random samples are no reason to refuse a model, if its embedding has fewer indices."""
    data = {"x": np.zeros((40, 3), np.uint8), "y": np.arange(40) % 2}
    np.savez(tmp_path / "data.npz", **data)
    spec = {
        "tinynet": 1,
        "name": "indices",
        "data": {
            "type": "npz",
            "path": "data.npz",
            "inputs": "x",
            "targets": "y",
            "split": {"test": 10},
        },
        "network": {
            "layers": [
                {"type": "embedding", "input_dim": indices, "output_dim": 2},
                "flatten",
                {"type": "dense", "units": 2},
            ]
        },
        "training": {
            "steps": 1,
            "batch_size": 8,
            "loss": "softmax_cross_entropy",
            "optimizer": "sgd",
        },
    }
    tinynet.train(spec, tmp_path / "run", data_root=tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    made = export_onnx(tmp_path / "run", tmp_path / "model.onnx", data_root=empty, warn=pytest.fail)
    assert (tmp_path / "model.onnx").is_file()
    assert (made.comparison is not None) == is_compared
    (note,) = made.notes
    assert ("was not compared with the network" in note) != is_compared
