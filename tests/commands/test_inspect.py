"""Inspection of checkpoints and runs, without their plugins."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from xxhash import xxh3_128_hexdigest

import tinynet
from tinynet import archive
from tinynet.commands.inspect import inspect_checkpoint, inspect_run
from tinynet.errors import CheckpointCorruptError, CheckpointError, CheckpointIOError

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits"},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 512,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}

SECTIONS = {
    "spec": {"name": "odd", "network": {"layers": [{"type": "made_of_cheese"}]}},
    "progress": {"step": 3, "best": None},
    "types": {"layers:made_of_cheese": {"distribution": "tinynet-cheese", "version": "2.1"}},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    tinynet.train(SPEC, path)
    return path


@pytest.fixture
def run(trained, tmp_path):
    """Return a copy of a finished run that a test may damage."""
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "c.msgpack"
    tensors = {
        "params/cheese_1/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "params/cheese_1/bias": np.array(1.0, np.float32),
        "slots/cheese_1/weight/moment": np.zeros((2, 3), np.float32),
    }
    archive.write(path, SECTIONS, tensors, run_id="abc", step=3)
    return path


def flip(path, offset=-1):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def files(run):
    return sorted((run / "checkpoints").iterdir())


def test_checkpoint_is_inspected_without_its_plugins(checkpoint):
    facts = inspect_checkpoint(checkpoint)
    assert (facts.run_id, facts.step, facts.format) == ("abc", 3, 1)
    assert facts.size == checkpoint.stat().st_size
    assert facts.sections == SECTIONS
    tensors = [(t.name, t.group, t.dtype, t.shape, t.bytes) for t in facts.tensors]
    assert tensors == [
        ("params/cheese_1/bias", "params", "float32", (), 4),
        ("params/cheese_1/weight", "params", "float32", (2, 3), 24),
        ("slots/cheese_1/weight/moment", "slots", "float32", (2, 3), 24),
    ]


def test_no_plugin_is_imported(trained):
    """An inspected file may be untrusted, or its plugin may be broken."""
    code = (
        "import sys\n"
        "from tinynet.commands.inspect import inspect_checkpoint, inspect_run\n"
        "for c in inspect_run(sys.argv[1]).checkpoints: inspect_checkpoint(c.path, verify=True)\n"
        "rooms = ('layers', 'losses', 'optimizers', 'metrics', 'datasets', 'transforms')\n"
        "print([m for m in sys.modules if m.startswith(tuple(f'tinynet.{r}.' for r in rooms))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(trained)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_digest_is_computed_as_documented(checkpoint):
    """Programs in other languages can compute the same digest."""
    facts = inspect_checkpoint(checkpoint)
    lines = "".join(
        f"{t.name} {t.dtype} {'x'.join(map(str, t.shape))} {t.digest}\n" for t in facts.tensors
    )
    assert facts.digest == xxh3_128_hexdigest(lines.encode())


def test_digest_depends_on_bits_names_and_shapes(tmp_path):
    array = np.arange(6, dtype=np.float32)
    bit = array.copy()
    bit.view(np.uint32)[0] ^= 1
    variants = {"a": array}, {"a": bit}, {"b": array}, {"a": array.reshape(2, 3)}
    digests = set()
    for tensors in variants:
        archive.write(tmp_path / "c", {}, tensors, run_id="r", step=0)
        digests.add(inspect_checkpoint(tmp_path / "c").digest)
    assert len(digests) == len(variants)


def test_verify_detects_a_flipped_bit_in_a_tensor(checkpoint):
    flip(checkpoint)
    assert not inspect_checkpoint(checkpoint).verified
    with pytest.raises(CheckpointCorruptError, match="moment"):
        inspect_checkpoint(checkpoint, verify=True)


def test_verify_names_tensors_that_are_not_finite(tmp_path):
    path = tmp_path / "c.msgpack"
    tensors = {"params/a/w": np.array([1.0, np.nan]), "params/b/w": np.array([1, 2])}
    archive.write(path, {}, tensors, run_id="r", step=0)
    assert inspect_checkpoint(path).not_finite == ()
    assert inspect_checkpoint(path, verify=True).not_finite == ("params/a/w",)


@pytest.mark.parametrize("spec", [None, 3, "text", [1], {}])
def test_sections_of_the_wrong_type_are_returned_unchanged(tmp_path, spec):
    path = tmp_path / "c.msgpack"
    archive.write(path, {"spec": spec, "progress": spec}, {}, run_id="r", step=0)
    facts = inspect_checkpoint(path)
    assert facts.section("spec") == {}
    assert facts.to_json()["sections"]["spec"] == spec


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_file_that_is_not_a_checkpoint_is_an_error(tmp_path, content):
    path = tmp_path / "c.msgpack"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"c\.msgpack"):
        inspect_checkpoint(path)
    with pytest.raises(CheckpointError, match="nowhere"):
        inspect_checkpoint(tmp_path / "nowhere")


def test_run_lists_its_checkpoints_with_best_and_last(trained):
    facts = inspect_run(trained, verify=True)
    assert [c.path for c in facts.checkpoints] == files(trained)
    assert [c.step for c in facts.checkpoints] == [0, 3, 6]
    assert [c.last for c in facts.checkpoints] == [False, False, True]
    assert [c.best for c in facts.checkpoints] == [False, False, True]
    assert all(c.problem is None for c in facts.checkpoints)
    assert len({c.digest for c in facts.checkpoints}) == 3
    assert not facts.set_aside
    assert not facts.leftovers


def test_damaged_checkpoint_is_listed_with_its_problem(run):
    flip(files(run)[-1])
    flip(files(run)[0], 60)
    facts = inspect_run(run, verify=True)
    problems = [c.problem for c in facts.checkpoints]
    assert "prefix" in problems[0]
    assert problems[1] is None
    assert "does not match its digest" in problems[2]
    assert str(run) not in problems[2]
    assert [c.last for c in facts.checkpoints] == [False, True, False]


def test_damaged_tensors_are_detected_only_by_verify(run):
    flip(files(run)[-1])
    assert inspect_run(run).checkpoints[-1].problem is None
    assert inspect_run(run, verify=True).checkpoints[-1].problem is not None


def test_run_with_only_damaged_checkpoints_is_listed(run):
    for path in files(run):
        flip(path, 60)
    facts = inspect_run(run)
    assert facts.run_id is None
    assert all(c.problem and not c.best and not c.last for c in facts.checkpoints)


def test_checkpoint_of_another_run_or_step_is_a_problem(run):
    """Copied and renamed files must not be resumed from."""
    first, second, _ = files(run)
    other = archive.read(first)
    archive.write(first, other.sections, other.tensors, run_id="other", step=0)
    second.rename(second.with_name("step-000000000004.msgpack"))
    problems = [c.problem for c in inspect_run(run).checkpoints]
    assert problems[0] == "it belongs to the run other"
    assert problems[1] == "it is named after step 4, but holds step 3"


def test_set_aside_files_and_leftovers_are_listed(run):
    bad = files(run)[0]
    bad.rename(bad.with_name(bad.name + ".bad"))
    (run / "checkpoints" / ".tinynet-0123456789abcdef.tmp").write_bytes(b"half")
    facts = inspect_run(run)
    assert [path.name for path in facts.set_aside] == [bad.name + ".bad"]
    assert [path.name for path in facts.leftovers] == [".tinynet-0123456789abcdef.tmp"]


def test_inspection_changes_no_file(run):
    flip(files(run)[0], 60)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    inspect_run(run, verify=True)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_folder_that_is_not_a_run_is_an_error(tmp_path):
    with pytest.raises(CheckpointIOError, match="is not a run folder"):
        inspect_run(tmp_path)
