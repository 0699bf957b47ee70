"""`tinynet export RUN -o model.onnx`: what the command writes and prints, and its mistakes."""

import json
import shutil
import sys

import numpy as np
import pytest

from tinynet.layer import LayerConfig

from .conftest import DIGITS

REASON = "the package onnx is not installed"


def test_without_the_package_one_sentence_says_how_to_install_it(tinynet, run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tinynet.commands.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = tinynet("export", run, "-o", "model.onnx")
    assert result.code == 2
    assert result.err == (
        "error: tinynet export to .onnx needs the package onnx: pip install 'tinynet-core[onnx]'\n"
    )


def test_options_of_the_other_kind_of_file_are_refused(tinynet, run):
    assert tinynet("export", run, "-o", "model.onnx", "--all").code == 2
    assert tinynet("export", run, "-o", "w.npz", "--no-check").code == 2
    assert tinynet("export", run, "-o", "w.npz", "--data-root", ".").code == 2


class Halves:
    """Half of the input."""

    per_sample = True
    Config = LayerConfig

    def __init__(self, config, in_shapes, build):
        (self.out_shape,), self.params = in_shapes, {}

    def forward(self, ctx, x):
        return x / 2, None

    def backward(self, ctx, cache, dy):
        return (dy / 2,), {}


@pytest.mark.extra
class TestExport:
    """Exports with onnx and onnxruntime."""

    @pytest.fixture(autouse=True)
    def packages(self):
        self.onnx = pytest.importorskip("onnx", reason=REASON)
        self.runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

    def test_the_model_is_described_and_compared_with_the_network(self, tinynet, run):
        result = tinynet("export", run, "-o", "model.onnx")
        assert (result.code, result.err) == (0, "")
        lines = result.out.splitlines()
        assert lines[0].startswith("model.onnx: opset 17, ")
        assert lines[2:4] == [
            "inputs: input, uint8 (N, 8, 8, 1)",
            "outputs: labels, text (N); probabilities, float32 (N, 10)",
        ]
        assert lines[4].startswith("checked: 32 samples of the test split with onnxruntime; ")

    def test_json_has_the_same(self, tinynet, run):
        found = tinynet("export", run, "-o", "model.onnx", "--json").json
        assert found["inputs"] == {
            "input": {"dtype": "uint8", "shape": ["N", 8, 8, 1], "left_out": []}
        }
        assert found["outputs"]["probabilities"] == {"dtype": "float32", "shape": ["N", 10]}
        assert found["comparison"]["samples"] == 32
        assert found["comparison"]["largest"] < 1e-5

    def test_programs_find_names_and_classes_in_the_metadata(self, tinynet, run):
        tinynet("export", run, "-o", "model.onnx")
        model = self.onnx.load("model.onnx")
        texts = {entry.key: entry.value for entry in model.metadata_props}
        assert json.loads(texts["outputs"]) == {"output": {"names": [*"0123456789"]}}
        assert texts["name"] == "small"
        assert json.loads(texts["inputs"]).keys() == {"input"}

    def test_without_the_data_random_samples_are_compared(self, tinynet, folder):
        rows = np.random.default_rng(0).normal(size=(40, 2))
        lines = [f"{a},{b},{'left' if a < 0 else 'right'}" for a, b in rows]
        (folder / "table.csv").write_text("\n".join(["a,b,side", *lines]) + "\n")
        layers = {"layers": [{"type": "dense", "units": 2}]}
        spec = {
            **DIGITS, "data": {"type": "csv", "path": "table.csv", "target": "side"},
            "network": layers,
        }  # fmt: skip
        (folder / "spec.json").write_text(json.dumps(spec))
        assert tinynet("train", "spec.json", "--run", "run", "--quiet").code == 0
        (folder / "table.csv").unlink()
        result = tinynet("export", "run", "-o", "model.onnx")
        assert result.code == 0
        assert "checked: 32 random samples with onnxruntime; " in result.out
        assert "warning: the run's data cannot be read (" in result.err

    def test_what_onnx_cannot_compute_is_left_out_and_named(self, tinynet, folder):
        lines = [f"{'good' if n % 2 else 'bad'} film {n}\t{n % 2}" for n in range(40)]
        (folder / "reviews.tsv").write_text("\n".join(["text\tkind", *lines]) + "\n")
        data = {
            "type": "csv", "path": "reviews.tsv", "delimiter": "\t", "target": "kind",
            "features": ["text"], "target_type": "class",
            "columns": {"text": {"kind": "text"}},
            "transforms": [{"type": "bag_of_words", "max_size": 8}, {"type": "standardize"}],
        }  # fmt: skip
        spec = {**DIGITS, "data": data, "network": {"layers": [{"type": "dense", "units": 2}]}}
        (folder / "spec.json").write_text(json.dumps(spec))
        trained = tinynet("train", "spec.json", "--run", "run", "--quiet")
        assert trained.code == 0, trained.err
        result = tinynet("export", "run", "-o", "model.onnx")
        assert "inputs: input, float32 (N, 8)" in result.out
        assert "'input' takes the result of bag_of_words, which ONNX cannot compute" in result.err
        node = self.onnx.load("model.onnx").graph.node[0]
        assert (node.op_type, node.input[0]) == ("Sub", "input")

    def test_a_layer_that_cannot_be_exported_is_named_with_its_distribution(
        self, tinynet, folder, register
    ):
        register("layers", "halves", Halves)
        layers = ["flatten", "halves", {"type": "dense", "units": 10}, "halves"]
        (folder / "spec.json").write_text(json.dumps({**DIGITS, "network": {"layers": layers}}))
        assert tinynet("train", "spec.json", "--run", "run", "--quiet").code == 0
        result = tinynet("export", "run", "-o", "model.onnx", "--json")
        assert result.code == 5
        message = result.json["error"]["message"]
        for node in ("halves_1", "halves_2"):
            assert (
                f"{node}: the layer test-plugin:halves (version 1.0) cannot be exported" in message
            )
        assert "its class Halves has no method to_onnx(self, graph, *inputs)" in message

    def test_a_wrong_mapping_is_found_and_nothing_is_written(
        self, tinynet, run, folder, monkeypatch
    ):
        """The comparison protects users from mappings of plugins that compute something else."""
        from tinynet.builtin.layers.dense import Dense

        def forgets_the_bias(self, graph, x):
            return graph.node("MatMul", x, graph.param("weight"))

        monkeypatch.setattr(Dense, "to_onnx", forgets_the_bias)
        result = tinynet("export", run, "-o", "model.onnx")
        assert result.code == 2
        assert "the exported model differs from the network for 32 samples" in result.err
        assert not (folder / "model.onnx").exists()
        assert tinynet("export", run, "-o", "model.onnx", "--no-check").code == 0
        assert (folder / "model.onnx").exists()

    def test_without_onnxruntime_the_model_is_written_and_not_compared(
        self, tinynet, run, monkeypatch
    ):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        result = tinynet("export", run, "-o", "model.onnx")
        assert result.code == 0
        assert "checked" not in result.out
        assert "onnxruntime is not installed: pip install 'tinynet-core[onnx]'" in result.err

    def test_a_copied_checkpoint_can_be_exported(self, tinynet, run, folder):
        newest = sorted((run / "checkpoints").iterdir())[-1]
        shutil.copy(newest, folder / "copy.msgpack")
        assert tinynet("export", "copy.msgpack", "-o", "model.onnx", "--quiet").out == ""
        images = np.zeros((2, 8, 8, 1), np.uint8)
        session = self.runtime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
        labels, probabilities = session.run(None, {"input": images})
        assert labels.tolist() == labels[:1].tolist() * 2
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)

    def outputs(self, path, **inputs):
        session = self.runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    def test_predict_and_the_model_agree_for_a_file_of_images(self, tinynet, run):
        images = np.random.default_rng(0).integers(17, size=(50, 8, 8, 1)).astype(np.uint8)
        np.save("images.npy", images)
        assert tinynet("predict", run, "images.npy", "-o", "predicted.npz").code == 0
        assert tinynet("export", run, "-o", "model.onnx").code == 0
        found = self.outputs("model.onnx", input=images)
        with np.load("predicted.npz") as predicted:
            assert found["labels"].tolist() == predicted["labels"].tolist()
            np.testing.assert_allclose(
                found["probabilities"], predicted["probabilities"], rtol=1e-4, atol=1e-6
            )

    def test_rows_encoded_by_the_metadata_give_what_predict_gives_for_a_table(
        self, tinynet, folder
    ):
        draw = np.random.default_rng(0)
        island, length = draw.choice(["Biscoe", "Dream"], 60), draw.normal(40, 5, 60).round(1)
        kinds = np.where(length + 5 * (island == "Dream") > 42, "Gentoo", "Adelie")
        rows = zip(island, length, kinds, strict=True)
        lines = ["island,length,kind", *(",".join(map(str, row)) for row in rows)]
        (folder / "birds.csv").write_text("\n".join(lines) + "\n")
        data = {
            "type": "csv", "path": "birds.csv", "target": "kind",
            "transforms": [{"type": "standardize"}],
        }  # fmt: skip
        spec = {**DIGITS, "data": data, "network": {"layers": [{"type": "dense", "units": 2}]}}
        (folder / "spec.json").write_text(json.dumps(spec))
        assert tinynet("train", "spec.json", "--run", "run", "--quiet").code == 0
        assert tinynet("predict", "run", "birds.csv", "-o", "predicted.npz").code == 0
        exported = tinynet("export", "run", "-o", "model.onnx")
        assert "takes rows as the table encodes them" in exported.err
        metadata = {e.key: e.value for e in self.onnx.load("model.onnx").metadata_props}
        columns = {
            "island=Biscoe": island == "Biscoe", "island=Dream": island == "Dream",
            "length": length,
        }  # fmt: skip
        names = json.loads(metadata["inputs"])["input"]["names"]
        encoded = np.stack([columns[name] for name in names], axis=1).astype(np.float64)
        found = self.outputs("model.onnx", input=encoded)
        with np.load("predicted.npz") as predicted:
            assert found["labels"].tolist() == predicted["labels"].tolist()
            np.testing.assert_allclose(
                found["probabilities"], predicted["probabilities"], rtol=1e-4, atol=1e-6
            )
