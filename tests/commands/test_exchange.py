"""Export and import of weights."""

import json

import numpy as np
import pytest

import tinynet
from tinynet import archive
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.exchange import export_weights, import_weights
from tinynet.errors import (
    CheckpointError,
    CheckpointMismatchError,
    DataError,
    RunExistsError,
    SpecError,
)
from tinynet.files.weights import open_weights
from tinynet.layer import LayerConfig
from tinynet.layer.build import Build

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {
        "type": "digits",
        "transforms": [{"type": "standardize", "epsilon": 0.1}],
    },
    "network": {
        "layers": [
            "flatten",
            {"type": "dense", "units": 8, "name": "hidden"},
            "batch_norm",
            "relu",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 1,
        "batch_size": 512,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        "metrics": ["accuracy"],
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}

ADDRESSES = {
    "hidden/weight",
    "hidden/bias",
    "batch_norm_1/gamma",
    "batch_norm_1/beta",
    "batch_norm_1/running_mean",
    "batch_norm_1/running_var",
    "dense_2/weight",
    "dense_2/bias",
}


def silent(message):
    raise AssertionError(message)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tinynet.train(SPEC, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(params=["npz", "safetensors"])
def weights(request, tmp_path):
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"weights.{request.param}"


@pytest.fixture
def npz(run, tmp_path):
    """Export the run's weights and return the file."""
    path = tmp_path / "weights.npz"
    export_weights(run.path, path)
    return path


def arrays_of(path):
    file = open_weights(path)
    return file.read(file.headers())


def rewrite(path, changes):
    """Change some arrays of a file; None removes one."""
    arrays = {**arrays_of(path), **changes}
    open_weights(path).write({n: a for n, a in arrays.items() if a is not None}, {})


def test_export_holds_all_parameters_and_buffers(run, weights):
    export = export_weights(run.path, weights)
    arrays = arrays_of(weights)
    assert set(arrays) == ADDRESSES
    for name, array in {**run.network.params, **run.network.buffers}.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert (export.arrays, export.step) == (len(ADDRESSES), run.step)
    assert export.bytes == sum(array.nbytes for array in arrays.values())


def test_export_of_everything_holds_all_tensors(run, weights):
    export_weights(run.path, weights, everything=True)
    arrays = arrays_of(weights)
    tensors = archive.read(run.checkpoints[-1]).tensors
    assert set(arrays) == set(tensors)
    assert any(name.startswith("slots/") for name in tensors)
    assert any(name.startswith("transforms/") for name in tensors)
    for name, array in tensors.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_export_has_a_note_that_describes_the_weights(run, npz):
    with np.load(npz) as file:
        note = json.loads(bytes(file["__tinynet__"]))
    assert note["spec"]["network"]["layers"][1]["name"] == "hidden"
    assert note["step"] == run.step
    assert note["targets"]["target"]["classes"] == [str(digit) for digit in range(10)]
    assert "channels last" in note["layout"]


def test_export_does_not_contain_the_data_folder(run, npz):
    """Published weights must not reveal paths of the machine."""
    data = Checkpoint.read(run.checkpoints[-1]).data
    assert data.root.encode() not in npz.read_bytes()


def test_export_of_a_chosen_checkpoint(run, weights):
    export = export_weights(run.path, weights, checkpoint=run.checkpoints[0].name)
    assert (export.step, export.checkpoint) == (0, run.checkpoints[0])


def test_parameter_and_buffer_with_one_name_are_an_error(tmp_path, run):
    saved = archive.read(run.checkpoints[-1])
    twice = {**saved.tensors, "buffers/hidden/weight": np.zeros(3)}
    path = tmp_path / "twice.msgpack"
    archive.write(path, saved.sections, twice, run_id=saved.run_id, step=saved.step)
    with pytest.raises(CheckpointError, match="both a parameter and a buffer; --all"):
        export_weights(path, tmp_path / "w.npz")
    assert export_weights(path, tmp_path / "w.npz", everything=True).arrays


def test_imported_weights_give_the_same_predictions(run, weights, tmp_path):
    export_weights(run.path, weights)
    imported = import_weights(weights, SPEC, tmp_path / "fresh.msgpack")
    images = np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1), dtype=np.uint8)
    ours, before = (
        tinynet.load_model(p).predict({"input": images}) for p in (imported.checkpoint, run.path)
    )
    np.testing.assert_array_equal(ours.values, before.values)
    assert tinynet.evaluate(imported.checkpoint).metrics == run.evaluate().metrics


def test_imported_checkpoint_is_at_step_zero(run, npz, tmp_path):
    import_weights(npz, SPEC, tmp_path / "fresh.msgpack")
    fresh, first = Checkpoint.read(tmp_path / "fresh.msgpack"), Checkpoint.read(run.checkpoints[0])
    assert fresh.progress == first.progress
    assert fresh.arrays.keys() == first.arrays.keys()
    assert (fresh.spec, fresh.data.fingerprints) == (first.spec, first.data.fingerprints)
    assert fresh.run_id != first.run_id
    for name, array in fresh.arrays.items():
        if not name.startswith(("params/", "buffers/")):
            np.testing.assert_array_equal(array, first.arrays[name])


def test_lineage_names_the_imported_file(npz, tmp_path):
    import_weights(npz, SPEC, tmp_path / "fresh.msgpack")
    (origin,) = Checkpoint.read(tmp_path / "fresh.msgpack").lineage
    assert origin["imported"]["file"] == str(npz)
    assert len(origin["imported"]["sha256"]) == 64


def test_all_mismatches_are_listed(npz, tmp_path):
    rewrite(
        npz,
        {
            "hidden/bias": None,
            "hidden/scale": np.zeros(8, np.float32),
            "dense_2/weight": np.zeros((10, 8), np.float32),
            "dense_2/bias": np.zeros(10),
        },
    )
    with pytest.raises(CheckpointMismatchError) as caught:
        import_weights(npz, SPEC, tmp_path / "fresh.msgpack")
    message = str(caught.value)
    assert "weights.npz does not fit the network" in message
    assert "hidden/bias is missing" in message
    assert "hidden/scale is not in the network" in message
    assert "dense_2/weight is float32 (10, 8), but in the network float32 (8, 10)" in message
    assert "dense_2/bias is float64 (10,), but in the network float32 (10,)" in message
    assert not (tmp_path / "fresh.msgpack").exists()


def test_mismatching_array_is_never_read(npz, tmp_path, monkeypatch):
    """It may be a decompression bomb; its header shows the mismatch."""
    rewrite(npz, {"hidden/bias": np.zeros(9, np.float32)})
    monkeypatch.setattr("tinynet.files.weights.read_npz", silent)
    with pytest.raises(CheckpointMismatchError, match="hidden/bias"):
        import_weights(npz, SPEC, tmp_path / "fresh.msgpack")


def test_import_of_an_export_of_everything_is_an_error(run, tmp_path):
    path = tmp_path / "all.npz"
    export_weights(run.path, path, everything=True)
    with pytest.raises(CheckpointMismatchError, match=r"exported with --all"):
        import_weights(path, SPEC, tmp_path / "fresh.msgpack")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_import_of_non_finite_weights_is_an_error(npz, tmp_path, value):
    rewrite(npz, {"hidden/bias": np.full(8, value, np.float32)})
    with pytest.raises(DataError, match="not finite, in hidden/bias"):
        import_weights(npz, SPEC, tmp_path / "fresh.msgpack")


def test_import_overwrites_no_file(npz, tmp_path):
    target = tmp_path / "fresh.msgpack"
    target.write_bytes(b"somebody's")
    with pytest.raises(RunExistsError, match="already exists"):
        import_weights(npz, SPEC, target)
    assert target.read_bytes() == b"somebody's"


def test_import_with_a_spec_without_data_is_an_error(npz, tmp_path):
    spec = {name: part for name, part in SPEC.items() if name != "data"}
    with pytest.raises(SpecError, match="data"):
        import_weights(npz, spec, tmp_path / "fresh.msgpack", overrides={})


class Temperature:
    """A layer y = x * temperature with a scalar parameter."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build: Build):
        (self.out_shape,) = in_shapes
        self.params = {"temperature": build.param("temperature", (), "ones")}

    def forward(self, ctx, x):
        return x * self.params["temperature"], x

    def backward(self, ctx, cache, dy):
        return (dy * self.params["temperature"],), {"temperature": np.sum(cache * dy)}


def test_scalar_parameter_is_exported_and_imported(register, weights, tmp_path):
    register("layers", "temperature", Temperature)
    layers = ["flatten", {"type": "dense", "units": 10}, "temperature"]
    spec = {**SPEC, "network": {"layers": layers}}
    run = tinynet.train(spec, tmp_path / "run")
    export_weights(run.path, weights)
    imported = import_weights(weights, spec, tmp_path / "fresh.msgpack")
    again = tinynet.load_model(imported.checkpoint).network
    trained = run.network.params["temperature_1/temperature"]
    assert again.params["temperature_1/temperature"] == trained != 1


@pytest.fixture
def torch_file(run, tmp_path):
    """Write the run's weights as PyTorch would, and return the file."""
    params = {**run.network.params, **run.network.buffers}
    images = params["hidden/weight"].reshape(8, 8, 1, 8)
    arrays = {
        "body.1.weight": images.transpose(3, 2, 0, 1).reshape(8, 64),
        "body.1.bias": params["hidden/bias"],
        "body.2.weight": params["batch_norm_1/gamma"],
        "body.2.bias": params["batch_norm_1/beta"],
        "body.2.running_mean": params["batch_norm_1/running_mean"],
        "body.2.running_var": params["batch_norm_1/running_var"],
        "body.2.num_batches_tracked": np.array(3),
        "body.4.weight": params["dense_2/weight"].T,
        "body.4.bias": params["dense_2/bias"],
    }
    np.savez(tmp_path / "torch.npz", **arrays)
    return tmp_path / "torch.npz"


def test_weights_of_another_framework_are_imported(run, torch_file, tmp_path):
    result = import_weights(torch_file, SPEC, tmp_path / "new.msgpack", layout="torch")
    assert result.arrays == len(ADDRESSES)
    imported = Checkpoint.read(result.checkpoint)
    for name, array in run.network.params.items():
        np.testing.assert_array_equal(imported.tensors[f"params/{name}"], array)
    (origin,) = imported.lineage
    assert origin["imported"]["layout"] == "torch"
    assert origin["imported"]["tensors"]["carried"] == len(ADDRESSES)


def test_a_part_of_a_file_is_imported(run, torch_file, tmp_path):
    rules = tinynet.TransferRules(
        map={"body.1": "hidden", "body.2": "batch_norm_1"},
        allow_new=("dense_*",),
        allow_dropped=("body.4.*",),
    )
    changed = json.loads(json.dumps(SPEC))
    changed["network"]["layers"].insert(4, {"type": "dense", "units": 9})
    with pytest.raises(CheckpointMismatchError):
        import_weights(torch_file, changed, tmp_path / "new.msgpack", layout="torch")
    assert not (tmp_path / "new.msgpack").exists()
    result = import_weights(
        torch_file, changed, tmp_path / "new.msgpack", layout="torch", rules=rules
    )
    assert result.arrays == 6
