"""Weights to other tools and back: complete, under their names, and never silently partial."""

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
    """The run's weights, exported."""
    path = tmp_path / "weights.npz"
    export_weights(run.path, path, warn=silent)
    return path


def arrays_of(path):
    file = open_weights(path)
    return file.read(file.headers())


def rewrite(path, changes):
    """Change some arrays of a file; None takes one away."""
    arrays = {**arrays_of(path), **changes}
    open_weights(path).write({n: a for n, a in arrays.items() if a is not None}, {})


def test_an_export_holds_every_parameter_and_buffer_under_its_address(run, weights):
    found = export_weights(run.path, weights, warn=silent)
    arrays = arrays_of(weights)
    assert set(arrays) == ADDRESSES
    for name, array in {**run.network.params, **run.network.buffers}.items():
        np.testing.assert_array_equal(arrays[name], array)
    assert (found.arrays, found.step) == (len(ADDRESSES), run.step)
    assert found.bytes == sum(array.nbytes for array in arrays.values())


def test_everything_is_every_tensor_of_the_checkpoint(run, weights):
    export_weights(run.path, weights, everything=True, warn=silent)
    arrays = arrays_of(weights)
    wanted = archive.read(run.checkpoints[-1]).tensors
    assert set(arrays) == set(wanted)
    assert any(name.startswith("slots/") for name in wanted)
    assert any(name.startswith("transforms/") for name in wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_the_note_tells_whoever_has_no_tinynet_what_the_weights_are(run, npz):
    with np.load(npz) as file:
        note = json.loads(bytes(file["__tinynet__"]))
    assert note["spec"]["network"]["layers"][1]["name"] == "hidden"
    assert note["step"] == run.step
    assert note["targets"]["target"]["classes"] == [str(digit) for digit in range(10)]
    assert "channels last" in note["layout"]


def test_an_export_holds_nothing_of_the_machine(run, npz):
    """Weights are published; where they were made is nobody's business."""
    data = Checkpoint.read(run.checkpoints[-1]).data
    assert data.root.encode() not in npz.read_bytes()


def test_the_checkpoint_can_be_chosen(run, weights):
    found = export_weights(run.path, weights, checkpoint=run.checkpoints[0].name, warn=silent)
    assert (found.step, found.checkpoint) == (0, run.checkpoints[0])


def test_a_parameter_and_a_buffer_of_one_name_are_not_mixed_up(tmp_path, run):
    found = archive.read(run.checkpoints[-1])
    twice = {**found.tensors, "buffers/hidden/weight": np.zeros(3)}
    path = tmp_path / "twice.msgpack"
    archive.write(path, found.sections, twice, run_id=found.run_id, step=found.step)
    with pytest.raises(CheckpointError, match="both a parameter and a buffer; --all"):
        export_weights(path, tmp_path / "w.npz", warn=silent)
    assert export_weights(path, tmp_path / "w.npz", everything=True, warn=silent).arrays


def test_imported_weights_make_the_same_network(run, weights, tmp_path):
    export_weights(run.path, weights, warn=silent)
    found = import_weights(weights, SPEC, tmp_path / "fresh.msgpack")
    images = np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1), dtype=np.uint8)
    ours, before = (
        tinynet.load_model(p).predict({"input": images}) for p in (found.checkpoint, run.path)
    )
    np.testing.assert_array_equal(ours.values, before.values)
    assert tinynet.evaluate(found.checkpoint).metrics == run.evaluate().metrics


def test_an_imported_checkpoint_is_one_before_the_first_step(run, npz, tmp_path):
    import_weights(npz, SPEC, tmp_path / "fresh.msgpack")
    fresh, first = Checkpoint.read(tmp_path / "fresh.msgpack"), Checkpoint.read(run.checkpoints[0])
    assert fresh.progress == first.progress
    assert fresh.arrays.keys() == first.arrays.keys()
    assert (fresh.spec, fresh.data.fingerprints) == (first.spec, first.data.fingerprints)
    assert fresh.run_id != first.run_id
    for name, array in fresh.arrays.items():
        if not name.startswith(("params/", "buffers/")):
            np.testing.assert_array_equal(array, first.arrays[name])


def test_the_lineage_says_which_file_it_was(npz, tmp_path):
    import_weights(npz, SPEC, tmp_path / "fresh.msgpack")
    (origin,) = Checkpoint.read(tmp_path / "fresh.msgpack").lineage
    assert origin["imported"]["file"] == str(npz)
    assert len(origin["imported"]["sha256"]) == 64


def test_every_mismatch_is_listed_at_once(npz, tmp_path):
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
    assert "hidden/scale belongs to nothing" in message
    assert "dense_2/weight is float32 (10, 8), and float32 (8, 10) here" in message
    assert "dense_2/bias is float64 (10,), and float32 (10,) here" in message
    assert not (tmp_path / "fresh.msgpack").exists()


def test_an_array_that_does_not_fit_is_never_read(npz, tmp_path, monkeypatch):
    """It may be a bomb; its header is enough to refuse it."""
    rewrite(npz, {"hidden/bias": np.zeros(9, np.float32)})
    monkeypatch.setattr("tinynet.files.weights.read_npz", silent)
    with pytest.raises(CheckpointMismatchError, match="hidden/bias"):
        import_weights(npz, SPEC, tmp_path / "fresh.msgpack")


def test_an_export_of_everything_is_recognised(run, tmp_path):
    path = tmp_path / "all.npz"
    export_weights(run.path, path, everything=True, warn=silent)
    with pytest.raises(CheckpointMismatchError, match=r"export --all"):
        import_weights(path, SPEC, tmp_path / "fresh.msgpack")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(npz, tmp_path, value):
    rewrite(npz, {"hidden/bias": np.full(8, value, np.float32)})
    with pytest.raises(DataError, match="not finite, in hidden/bias"):
        import_weights(npz, SPEC, tmp_path / "fresh.msgpack")


def test_nothing_is_overwritten(npz, tmp_path):
    target = tmp_path / "fresh.msgpack"
    target.write_bytes(b"somebody's")
    with pytest.raises(RunExistsError, match="already exists"):
        import_weights(npz, SPEC, target)
    assert target.read_bytes() == b"somebody's"


def test_a_spec_without_data_has_no_preprocessing_to_save(npz, tmp_path):
    spec = {name: part for name, part in SPEC.items() if name != "data"}
    with pytest.raises(SpecError, match="data"):
        import_weights(npz, spec, tmp_path / "fresh.msgpack", overrides={})


class Temperature:
    """y = x * temperature, a parameter without axes."""

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


def test_a_scalar_parameter_goes_out_and_comes_back(register, weights, tmp_path):
    register("layers", "temperature", Temperature)
    layers = ["flatten", {"type": "dense", "units": 10}, "temperature"]
    spec = {**SPEC, "network": {"layers": layers}}
    run = tinynet.train(spec, tmp_path / "run")
    export_weights(run.path, weights, warn=silent)
    found = import_weights(weights, spec, tmp_path / "fresh.msgpack")
    again = tinynet.load_model(found.checkpoint).network
    trained = run.network.params["temperature_1/temperature"]
    assert again.params["temperature_1/temperature"] == trained != 1
