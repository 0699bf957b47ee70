"""Comparison of checkpoints, runs and specs: every difference is reported, and nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as array_strategy

import tinynet
from tinynet import archive
from tinynet.commands.diff import compare_checkpoints
from tinynet.errors import CheckpointCorruptError, CheckpointError, CheckpointFormatError

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits"},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 1,
        "batch_size": 512,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
    },
}

SECTIONS = {
    "spec": {"name": "one", "training": {"epochs": 3, "seed": 1}},
    "progress": {"step": 3},
    "data": {"root": "/here", "fingerprints": {"data": "f00"}},
    "environment": {"numpy": "2.0"},
    "lineage": [],
    "log": {"length": 10},
    "types": {"layers:dense": {"version": "1.0"}},
}

TENSORS = {"params/a/weight": np.arange(6, dtype=np.float32), "params/a/bias": np.zeros(2)}


def silent(message):
    raise AssertionError(message)


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a changed checkpoint; None removes a tensor."""

    def write(name, tensors=(), run_id="r", step=3, **sections):
        changed = {**TENSORS, **dict(tensors)}
        kept = {n: a for n, a in changed.items() if a is not None}
        path = tmp_path / f"{name}.msgpack"
        archive.write(path, {**SECTIONS, **sections}, kept, run_id=run_id, step=step)
        return path

    return write


def test_equal_checkpoints(write):
    comparison = compare_checkpoints(write("a"), write("b", run_id="other"), silent)
    assert comparison.equal
    assert (comparison.spec, comparison.facts, comparison.tensors) == ([], [], [])
    assert comparison.equal_tensors == 2
    assert comparison.a.digest == comparison.b.digest


def test_changes_of_the_spec_have_an_effect(write):
    spec = {"name": "one", "training": {"epochs": 4, "seed": 2}}
    comparison = compare_checkpoints(write("a"), write("b", spec=spec), silent)
    changes = [(c.pointer, c.old, c.new, c.effect) for c in comparison.spec]
    assert changes == [
        ("/training/epochs", 3, 4, "safe"),
        ("/training/seed", 1, 2, "incompatible"),
    ]
    assert not comparison.equal


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("environment", {"numpy": "2.1"}),
        ("lineage", [{"run_id": "x"}]),
        ("log", {"length": 11}),
        ("types", {"layers:dense": {"version": "1.1"}}),
        ("data", {"root": "/there", "fingerprints": {"data": "f00"}}),
    ],
)
def test_differences_in_origin_are_reported_but_states_are_equal(write, section, value):
    """An uninterrupted run and an exactly resumed one differ only in these."""
    comparison = compare_checkpoints(write("a"), write("b", **{section: value}), silent)
    assert [c.pointer.split("/")[1] for c in comparison.facts] == [section]
    assert comparison.equal


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("progress", {"step": 4}),
        ("data", {"root": "/here", "fingerprints": {"data": "f01"}}),
        ("of_a_later_version", {"momentum": 1}),
    ],
)
def test_differences_in_progress_or_data_make_states_unequal(write, section, value):
    comparison = compare_checkpoints(write("a"), write("b", **{section: value}), silent)
    assert comparison.facts
    assert not comparison.equal


def test_tensors_in_only_one_checkpoint_are_reported(write):
    a = write("a", {"params/old/w": np.zeros(3)})
    b = write("b", {"params/new/w": np.zeros(3)})
    comparison = compare_checkpoints(a, b, silent)
    assert [(t.name, t.kind) for t in comparison.tensors] == [
        ("params/new/w", "only in b"),
        ("params/old/w", "only in a"),
    ]
    assert comparison.tensors[0].a is None
    assert comparison.tensors[0].b.shape == (3,)


@pytest.mark.parametrize("other", [np.arange(6.0), np.arange(6, dtype=np.float32).reshape(2, 3)])
def test_other_dtypes_and_shapes_are_reported(write, other):
    comparison = compare_checkpoints(write("a"), write("b", {"params/a/weight": other}), silent)
    (tensor,) = comparison.tensors
    assert tensor.kind == "layout"
    assert (tensor.b.dtype, tensor.b.shape) == (other.dtype.name, other.shape)


def test_differences_of_values_are_measured(write):
    other = TENSORS["params/a/weight"].copy()
    other[1] += 3
    other[2] -= 4
    (tensor,) = compare_checkpoints(
        write("a"), write("b", {"params/a/weight": other}), silent
    ).tensors
    assert (tensor.kind, tensor.differing, tensor.max_abs) == ("values", 2, 4.0)
    assert tensor.relative_norm == pytest.approx(5 / np.linalg.norm(TENSORS["params/a/weight"]))


def test_large_tensor_is_measured_completely(write):
    """It is compared in chunks; differences in the first and the last chunk count."""
    size = 2**21 + 3
    old, new = np.ones(size, np.float32), np.ones(size, np.float32)
    new[[0, 2**20, -1]] = (2, 4, 3)
    (tensor,) = compare_checkpoints(
        write("a", {"params/w": old}), write("b", {"params/w": new}), silent
    ).tensors
    assert (tensor.differing, tensor.max_abs) == (3, 3.0)
    assert tensor.relative_norm == pytest.approx(np.sqrt(14 / size))


def test_negative_zero_differs_from_zero(write):
    old, new = np.array([0.0, np.nan, np.inf]), np.array([-0.0, np.nan, np.inf])
    (tensor,) = compare_checkpoints(write("a", {"w": old}), write("b", {"w": new}), silent).tensors
    assert (tensor.differing, tensor.max_abs) == (1, 0.0)


def test_relative_norm_of_a_difference_from_zero_is_infinite(write):
    comparison = compare_checkpoints(
        write("a", {"w": np.zeros(2)}), write("b", {"w": np.ones(2)}), silent
    )
    assert comparison.tensors[0].relative_norm == np.inf


NUMBERS = st.sampled_from([np.bool_, np.int8, np.int64, np.uint64, np.float16, np.float32])


@given(st.data())
def test_arrays_are_compared_bit_for_bit(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("pair")
    dtype = np.dtype(data.draw(NUMBERS))
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3).map(tuple))
    old, new = (data.draw(array_strategy(dtype, shape)) for _ in range(2))
    for name, array in (("a", old), ("b", new)):
        archive.write(folder / name, {"spec": {}}, {"w": array}, run_id="r", step=0)
    comparison = compare_checkpoints(folder / "a", folder / "b", silent)
    bits = np.dtype(f"u{dtype.itemsize}")
    differing = np.count_nonzero(old.view(bits) != new.view(bits)) if old.ndim else old != new
    assert comparison.equal == (old.tobytes() == new.tobytes())
    if not comparison.equal and old.ndim:
        assert comparison.tensors[0].differing == differing


def test_runs_are_compared_by_their_newest_intact_checkpoint(tmp_path):
    a, b = (tinynet.train(SPEC, tmp_path / name) for name in "ab")
    comparison = compare_checkpoints(a.path, b.path, silent)
    assert comparison.equal
    assert comparison.a.path == a.checkpoints[-1]
    assert comparison.a.run_id != comparison.b.run_id
    newest = a.checkpoints[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    warnings = []
    comparison = compare_checkpoints(a.path, b.path, warnings.append)
    assert (comparison.a.step, comparison.b.step) == (0, 3)
    assert newest.name in warnings[0]
    assert newest.exists()


def test_specs_are_compared_with_defaults_filled_in(tmp_path):
    """A default that only one of them states is not a difference."""
    path, other = tmp_path / "a.json", tmp_path / "b.json"
    path.write_text(json.dumps(SPEC))
    spelled = {**SPEC, "comment": "x", "training": {**SPEC["training"], "accumulate": 1}}
    other.write_text(json.dumps(spelled))
    assert compare_checkpoints(path, other, silent).equal
    run = tinynet.train(SPEC, tmp_path / "run", overrides={"training.epochs": 2})
    comparison = compare_checkpoints(run.path, other, silent)
    assert [c.pointer for c in comparison.spec] == ["/training/epochs"]
    assert (comparison.facts, comparison.tensors, comparison.b.digest) == ([], [], None)


def test_damaged_file_is_an_error(write):
    """The digests in its directory are equal, so the tensors themselves must be read."""
    a, b = write("a"), write("b")
    damaged = bytearray(b.read_bytes())
    damaged[-1] ^= 1
    b.write_bytes(damaged)
    with pytest.raises(CheckpointCorruptError, match=r"b\.msgpack"):
        compare_checkpoints(a, b, silent)


def test_archive_without_a_spec_is_an_error(tmp_path, write):
    archive.write(tmp_path / "x", {"spec": [1]}, {}, run_id="r", step=0)
    with pytest.raises(CheckpointFormatError, match="without a spec"):
        compare_checkpoints(tmp_path / "x", write("a"), silent)


def test_folder_without_checkpoints_is_an_error(tmp_path, write):
    with pytest.raises(CheckpointError, match="is not a run folder"):
        compare_checkpoints(tmp_path, write("a"), silent)


def test_result_is_json(write):
    other = {"params/a/weight": np.full(6, np.nan, np.float32), "params/new": np.zeros(1)}
    comparison = compare_checkpoints(write("a"), write("b", other, progress={}), silent)
    value = json.loads(json.dumps(comparison.to_json()))
    assert value["equal"] is False
    assert [t["kind"] for t in value["tensors"]] == ["values", "only in b"]
