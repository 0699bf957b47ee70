"""A run on blocks of a large file in pieces resumes bit for bit, with any number of threads."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets import _arrays
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import CheckpointMismatchError
from tinynet.files import npy
from tinynet.files.file_rows import FileRows, FileVersion
from tinynet.run.folder import RunFolder

STEPS = 13


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """A spec of 203 samples in files that count as large; an epoch has six steps."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for module in (npy, _arrays):
        monkeypatch.setattr(module, "LARGE", 1)
    draw = np.random.default_rng(0)
    x = draw.normal(size=(203, 6)).astype(np.float32)
    for number, part in enumerate(np.split(x, [50, 51, 160])):
        np.save(tmp_path / f"x-{number}.npy", part)
    np.save(tmp_path / "y.npy", draw.integers(0, 3, 203))
    return {
        "tinynet": 1,
        "name": "blocks",
        "data": {
            "type": "npy",
            "inputs": "x-*.npy",
            "targets": "y.npy",
            "order": {"type": "blocks", "block": 8, "window": 4},
            "split": {"validation": 23, "test": 0},
        },
        "network": {
            "layers": [{"type": "dense", "units": 16}, "relu", {"type": "dense", "units": 3}]
        },
        "training": {
            "steps": STEPS,
            "batch_size": 32,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            "checkpoint": {"every_steps": 1, "keep_last": 100},
        },
    }


def parameters(run, step):
    return Checkpoint.read(RunFolder(run).checkpoint(step)).tensors


def test_a_run_resumes_at_any_step_with_any_number_of_threads(spec, tmp_path):
    whole = tinynet.train(spec, tmp_path / "whole", data_root=tmp_path, threads=1).path
    expected = parameters(whole, STEPS)
    for step in (1, 5, 6, 7, 12):
        run = tmp_path / f"from {step}"
        settings = {"data_root": tmp_path, "threads": 2}
        tinynet.train(spec, run, overrides={"training.steps": step}, **settings)
        tinynet.resume(run, overrides={"training.steps": STEPS}, exact=True, **settings)
        actual = parameters(run, STEPS)
        assert actual.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(actual[name], array, err_msg=f"{name}, from {step}")


def test_verify_data_finds_what_the_times_of_a_file_hide(spec, tmp_path, monkeypatch):
    """A damaged disk changes bytes, and not the time of the file."""
    monkeypatch.setattr(
        FileVersion, "of", lambda path, status: FileVersion(path, status.st_size, 0, 0)
    )
    settings = {"data_root": tmp_path}
    run = tinynet.train(spec, tmp_path / "run", overrides={"training.steps": 3}, **settings).path
    content = bytearray((tmp_path / "x-2.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "x-2.npy").write_bytes(content)
    assert tinynet.resume(run, overrides={"training.steps": 4}, **settings).step == 4
    with pytest.warns(
        UserWarning, match=r"x-\*\.npy was changed without|'data' has changed"
    ) as caught:
        tinynet.evaluate(run, "val", verify_data=True, **settings)
    assert any("'data' has changed" in str(warning.message) for warning in caught)
    with pytest.raises(CheckpointMismatchError, match="'data' has changed"):
        tinynet.resume(run, overrides={"training.steps": 5}, **settings)


def test_a_resumed_run_reads_only_its_batches(spec, tmp_path, monkeypatch):
    """Not the whole file: that would take minutes, whatever is left of the run."""
    settings = {"data_root": tmp_path}
    run = tinynet.train(spec, tmp_path / "run", overrides={"training.steps": 8}, **settings).path
    read, rows = FileRows.__getitem__, []

    def counting(self, key):
        result = read(self, key)
        if self.ndim == 2:
            rows.append(len(result))
        return result

    monkeypatch.setattr(FileRows, "__getitem__", counting)
    tinynet.resume(run, overrides={"training.steps": 9}, **settings)
    checked, trained, prefetched, evaluated = 32, 32, 32, 23
    assert sum(rows) <= checked + trained + prefetched + evaluated
