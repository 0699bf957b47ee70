"""A new run that starts from a file of weights: `tinynet.train(spec, source="weights.npz")`."""

import hashlib

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.transfer import TransferRefusedError
from tinynet.commands.exchange import export_weights
from tinynet.errors import CheckpointMismatchError, DataError
from tinynet.run.training_run import plan_fine_tuning
from tinynet.training.events import Transferred

RNG = np.random.default_rng(0)
VECTORS = RNG.standard_normal((7, 4)).astype(np.float32)


@pytest.fixture
def spec(tmp_path):
    tokens = RNG.integers(0, 7, (20, 3))
    np.savez(tmp_path / "data.npz", x=tokens, y=tokens % 2)
    return {
        "tinynet": 1,
        "name": "vectors",
        "data": {"type": "npz", "path": "data.npz", "inputs": "x", "targets": "y"},
        "network": {
            "layers": [
                {"type": "embedding", "input_dim": 7, "output_dim": 4},
                {"type": "dense", "units": 2},
            ]
        },
        "training": {
            "steps": 1,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 1e-30},
        },
    }


def rules(**changes):
    return tinynet.TransferRules(**changes)


def trained(spec, tmp_path, source, transfer=None, events=None):
    run = tinynet.train(
        spec,
        tmp_path / "run",
        source=source,
        rules=transfer or rules(),
        data_root=tmp_path,
        observer=(lambda event: None) if events is None else events.append,
    )
    return run.network.params, run


def test_one_matrix_is_loaded_and_its_file_is_recorded(spec, tmp_path):
    path, events = tmp_path / "vectors.npz", []
    np.savez(path, glove=VECTORS)
    allowed = rules(map={"glove": "embedding_1/weight"}, allow_new=("dense_1/*",))
    params, run = trained(spec, tmp_path, path, allowed, events)
    np.testing.assert_allclose(params["embedding_1/weight"], VECTORS, rtol=1e-6)
    (transferred,) = [event for event in events if isinstance(event, Transferred)]
    assert transferred.source == path
    assert transferred.lines[0] == "carried     embedding_1/weight (7, 4), from glove"
    assert transferred.summary == "1 carried, 2 new"
    (origin,) = Checkpoint.read(run.checkpoints[-1]).lineage
    assert origin["weights"]["file"] == str(path)
    assert origin["weights"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin["weights"]["tensors"]["carried"] == 1


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_exported_weights_are_loaded_by_address(spec, tmp_path, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors", reason="safetensors is not installed")
    first = tinynet.train(spec, tmp_path / "first", data_root=tmp_path)
    path = tmp_path / f"weights.{ending}"
    export_weights(first.path, path)
    params, _ = trained({**spec, "training": {**spec["training"], "seed": 5}}, tmp_path, path)
    for name, array in first.network.params.items():
        np.testing.assert_allclose(array, params[name], rtol=1e-6, atol=1e-25)


def test_array_may_be_transposed(spec, tmp_path):
    weight = RNG.standard_normal((2, 4)).astype(np.float32)
    np.savez(tmp_path / "torch.npz", **{"linear.weight": weight, "linear.bias": np.ones(2, "f")})
    pairs = {"linear.weight.T": "dense_1/weight", "linear.bias": "dense_1/bias"}
    allowed = rules(map=pairs, allow_new=("embedding_1/*",))
    params, _ = trained(spec, tmp_path, tmp_path / "torch.npz", allowed)
    np.testing.assert_allclose(params["dense_1/weight"], weight.T, rtol=1e-6)
    np.testing.assert_allclose(params["dense_1/bias"], 1)


def test_array_that_is_mapped_goes_to_its_namesake_and_to_every_target(spec, tmp_path):
    """As from a run: otherwise `--map` would take values away from a parameter."""
    spec["network"]["layers"] += [{"type": "dense", "units": 2, "name": n} for n in "ab"]
    weight = RNG.standard_normal((2, 2)).astype(np.float32)
    np.savez(tmp_path / "w.npz", **{"a/weight": weight, "dense_1/bias": np.ones(2, "f")})
    pairs = {"a/weight.T": "b/weight", "dense_1/bias": ["a/bias", "b/bias"]}
    allowed = rules(map=pairs, allow_new=("embedding_1/*", "dense_1/weight"))
    params, _ = trained(spec, tmp_path, tmp_path / "w.npz", allowed)
    np.testing.assert_allclose(params["a/weight"], weight, rtol=1e-6)
    np.testing.assert_allclose(params["b/weight"], weight.T, rtol=1e-6)
    for node in ("dense_1", "a", "b"):
        np.testing.assert_allclose(params[f"{node}/bias"], 1)


def test_arrays_of_a_mapped_node_leave_their_namesakes(spec, tmp_path):
    """As from a run: the node is renamed."""
    spec["network"]["layers"].append({"type": "dense", "units": 2, "name": "b"})
    np.savez(tmp_path / "w.npz", **{"dense_1/bias": np.ones(2, "f")})
    allowed = rules(map={"dense_1": "b"}, allow_new=("*",))
    params, _ = trained(spec, tmp_path, tmp_path / "w.npz", allowed)
    np.testing.assert_allclose(params["b/bias"], 1)
    np.testing.assert_allclose(params["dense_1/bias"], 0, atol=1e-25)


def test_all_arrays_of_a_node_are_mapped_together(spec, tmp_path):
    arrays = {"head/weight": np.zeros((4, 2), "f"), "head/bias": np.ones(2, "f")}
    np.savez(tmp_path / "head.npz", **arrays)
    allowed = rules(map={"head": "dense_1"}, allow_new=("embedding_1/*",))
    params, _ = trained(spec, tmp_path, tmp_path / "head.npz", allowed)
    np.testing.assert_allclose(params["dense_1/weight"], 0, atol=1e-25)
    np.testing.assert_allclose(params["dense_1/bias"], 1)


def test_larger_vocabulary_keeps_the_common_part(spec, tmp_path):
    np.savez(tmp_path / "small.npz", vectors=VECTORS[:5])
    allowed = rules(
        map={"vectors": "embedding_1/weight"}, allow_new=("dense_1/*",), overlap=("embedding_1/*",)
    )
    params, _ = trained(spec, tmp_path, tmp_path / "small.npz", allowed)
    np.testing.assert_allclose(params["embedding_1/weight"][:5], VECTORS[:5], rtol=1e-6)


REFUSED = {
    "nothing fits": (
        {},
        [
            "embedding_1/weight (7, 4) has no source in v.npz: --allow-new 'embedding_1/*'",
            "vectors (7, 4) of v.npz is not used: --allow-dropped 'vectors' leaves it out",
            "--map ARRAY=NODE/PARAMETER gives a parameter an array of another name",
        ],
    ),
    "another shape": (
        {"map": {"vectors": "dense_1/weight"}, "allow_new": ("*",)},
        [
            "dense_1/weight (4, 2) and vectors (7, 4) of v.npz differ in shape: --overlap"
            " 'dense_1/*' carries over the part that both have, leave out --map"
            " 'vectors=dense_1/weight'"
        ],
    ),
    "another shape that may be left out": (
        {"map": {"vectors": "dense_1/weight"}, "allow_new": ("*",), "allow_dropped": ("*",)},
        ["dense_1/weight (4, 2) and vectors (7, 4) of v.npz differ in shape"],
    ),
    "one parameter twice": (
        {"map": {"vectors": "embedding_1/weight", "vectors.T": "embedding_1/weight"}},
        ["--map: two arrays are mapped to 'embedding_1/weight'; keep one of the two"],
    ),
    "no such array": (
        {"map": {"vectros": "embedding_1/weight"}},
        ["--map: v.npz has no array 'vectros'; did you mean 'vectors'?"],
    ),
    "no such parameter": (
        {"map": {"vectors": "embedding_1/wieght"}},
        ["--map: the network has no parameter 'embedding_1/wieght'; did you mean"],
    ),
    "preprocessing": ({"keep_preprocessing": True}, ["--keep-preprocessing needs a run or"]),
}


@pytest.mark.parametrize(("allowed", "messages"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused(spec, tmp_path, allowed, messages):
    np.savez(tmp_path / "v.npz", vectors=VECTORS)
    with pytest.raises(CheckpointMismatchError) as caught:
        plan_fine_tuning(spec, tmp_path / "v.npz", rules=rules(**allowed), data_root=tmp_path)
    for message in messages:
        assert message in str(caught.value)


def test_arrays_may_be_left_out_by_the_options_of_the_message(spec, tmp_path):
    first = tinynet.train(spec, tmp_path / "first", data_root=tmp_path)
    np.savez(tmp_path / "more.npz", vectors=VECTORS, **first.network.params)
    _, plan = plan_fine_tuning(
        spec, tmp_path / "more.npz", rules=rules(allow_dropped=("vectors",)), data_root=tmp_path
    )
    assert plan.summary == "3 carried, 1 dropped"


FOREIGN = {
    "text": np.array(["red", "green"]),
    "complex": np.ones(2, complex),
    "objects": np.array([print, None], object),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "records": np.ones(2, [("a", "f4"), ("b", "U3")]),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_array_that_no_parameter_takes_may_have_any_dtype(spec, tmp_path, kind):
    np.savez(tmp_path / "v.npz", vectors=VECTORS, foreign=FOREIGN[kind])
    options = {"map": {"vectors": "embedding_1/weight"}, "allow_new": ("dense_1/*",)}

    def plan(**more):
        transfer = rules(**options, **more)
        return plan_fine_tuning(spec, tmp_path / "v.npz", rules=transfer, data_root=tmp_path)[1]

    with pytest.raises(CheckpointMismatchError, match="--allow-dropped 'foreign' leaves it out"):
        plan()
    shape, dtype = FOREIGN[kind].shape, FOREIGN[kind].dtype.name
    lines = plan(allow_dropped=("foreign",)).lines
    assert lines[-1] == f"dropped     foreign {shape} of {dtype}"


@pytest.mark.parametrize("kind", FOREIGN)
def test_parameter_takes_an_array_of_floats_only(spec, tmp_path, kind):
    np.savez(tmp_path / "v.npz", **{"dense_1/bias": FOREIGN[kind], "vectors": VECTORS})
    with pytest.raises(
        CheckpointMismatchError, match="differ in dtype: a copy of it in float32 fits, --allow"
    ):
        plan_fine_tuning(
            spec,
            tmp_path / "v.npz",
            rules=rules(map={"vectors": "embedding_1/weight"}, allow_new=("dense_1/weight",)),
            data_root=tmp_path,
        )


def test_values_that_are_not_finite_are_refused(spec, tmp_path):
    bad = VECTORS.copy()
    bad[2, 1] = np.nan
    np.savez(tmp_path / "bad.npz", vectors=bad)
    allowed = rules(map={"vectors": "embedding_1/weight"}, allow_new=("dense_1/*",))
    with pytest.raises(DataError, match=r"bad\.npz holds values that are not finite, in vectors"):
        trained(spec, tmp_path, tmp_path / "bad.npz", allowed)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["missing.npz", "text.npz"])
def test_file_that_cannot_be_read_is_named(spec, tmp_path, name):
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises((DataError, tinynet.errors.CheckpointError), match=name):
        trained(spec, tmp_path, tmp_path / name)


def torch_like(path):
    np.savez(path, **{"e.weight": VECTORS, "fc.weight": np.ones((2, 4)), "fc.bias": np.ones(2)})


def test_a_forgotten_layout_is_named_and_nothing_else(spec, tmp_path):
    """The options that allow it would throw the weights away."""
    torch_like(tmp_path / "torch.npz")
    expected = "these look like weights of PyTorch: add --layout torch"
    with pytest.raises(TransferRefusedError) as caught:
        trained(spec, tmp_path, tmp_path / "torch.npz")
    assert caught.value.plan.refusals == (expected,)
    assert caught.value.plan.options == ()
    everything = rules(allow_new=("*",), allow_dropped=("*",))
    _, plan = plan_fine_tuning(spec, tmp_path / "torch.npz", rules=everything, data_root=tmp_path)
    assert plan.warnings == (expected,)
    wrong = "these look like weights of PyTorch: use --layout torch"
    with pytest.raises(TransferRefusedError, match=wrong):
        plan_fine_tuning(spec, tmp_path / "torch.npz", data_root=tmp_path, layout="keras")


def test_conversions_of_dtypes_are_noted(spec, tmp_path):
    torch_like(tmp_path / "torch.npz")
    _, plan = plan_fine_tuning(spec, tmp_path / "torch.npz", data_root=tmp_path, layout="torch")
    assert plan.notes == ("2 arrays of float64 converted to float32, rounded",)


@pytest.mark.parametrize("layout", ["torch", None])
def test_conversions_of_a_refused_plan_are_noted(spec, tmp_path, layout):
    """`--plan` shows all that would happen before a user allows the rest."""
    arrays = {"embedding_1/weight": VECTORS, "dense_1/weight": np.ones((4, 2))}
    if layout is not None:
        arrays = {"e.weight": VECTORS.astype(np.float64)}
    np.savez(tmp_path / "part.npz", **arrays)
    with pytest.raises(TransferRefusedError) as caught:
        plan_fine_tuning(spec, tmp_path / "part.npz", data_root=tmp_path, layout=layout)
    assert caught.value.plan.notes == ("1 array of float64 converted to float32, rounded",)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("m.pth", 'safetensors.torch.save_file(model.state_dict(), "weights.safetensors")'),
        ("m.keras", 'numpy.savez("weights.npz", **{w.path: w.numpy() for w in model.weights})'),
    ],
)
def test_files_that_are_not_read_come_with_the_line_that_writes_others(spec, tmp_path, name, line):
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError) as caught:
        trained(spec, tmp_path, tmp_path / name)
    assert line in str(caught.value)
