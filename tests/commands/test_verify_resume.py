"""Verification of exact resume: a killed and resumed run against an uninterrupted one."""

import json
from dataclasses import replace

import pytest

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands import verify_resume as verification
from tinynet.commands.verify_resume import verify_exact_resume
from tinynet.errors import (
    CheckpointError,
    DataError,
    DivergedError,
    RunExistsError,
    ShapeError,
    SpecError,
    TinynetError,
)
from tinynet.run.folder import RunFolder
from tinynet.run.training_run import train


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(
        """{"tinynet": 1, "name": "v", "data": {"type": "digits"},
        "network": {"layers": ["flatten", {"type": "dropout", "rate": 0.5},
                               {"type": "dense", "units": 10}]},
        "training": {"steps": 12, "loss": "softmax_cross_entropy", "optimizer": "adam",
                     "log_every_steps": 2, "checkpoint": {"every_steps": 5}}}""",
        encoding="utf-8",
    )
    return path


def test_killed_run_is_exact_and_both_runs_are_kept(spec, tmp_path):
    verdict = verify_exact_resume(spec, tmp_path / "runs", kills=2)
    assert verdict.exact
    assert verdict.differences == ()
    assert verdict.steps == 12
    assert len(verdict.killed_after) == 2
    assert verdict.whole == verdict.resumed
    killed = Checkpoint.read(RunFolder(tmp_path / "runs" / "killed").checkpoint(12))
    assert killed.lineage, "it was resumed"
    assert not Checkpoint.read(RunFolder(tmp_path / "runs" / "whole").checkpoint(12)).lineage


def test_every_part_of_training_resumes_exactly(spec, tmp_path):
    """Penalties, constraints, groups, clipping, averages and accumulation at once.

    Two layers have parametrized weights.
    """
    plain = json.loads(spec.read_text(encoding="utf-8"))
    plain["network"]["layers"].append({"type": "dense", "units": 10})
    plain["network"]["parametrizations"] = [
        {"type": "spectral_norm", "params": "dense_1/weight"},
        {"type": "weight_norm", "params": "dense_2/weight"},
    ]
    plain["training"] |= {
        "accumulate": 2,
        "regularizers": [
            "l2",
            {"type": "l2", "params": "*/weight_v"},
            {"type": "l1", "params": "*/bias"},
        ],
        "constraints": [{"type": "max_norm", "max_value": 0.3}],
        "optimizer": {
            "type": "nadam",
            "clip_norm": 0.1,
            "groups": [{"params": "*/bias", "rate_factor": 0.5}],
        },
        "schedule": {"type": "one_cycle"},
        "average": {"type": "ema", "decay": 0.9},
    }
    spec.write_text(json.dumps(plain), encoding="utf-8")
    assert verify_exact_resume(spec, tmp_path / "runs", kills=2).exact


def test_different_result_is_not_exact(spec, tmp_path, monkeypatch):
    """The last checkpoint and the log of the killed run are changed."""
    start = verification._run

    def spoil(job):
        start(job)
        if job["run_dir"].endswith("killed") and job["kill_after"] is None:
            folder = RunFolder(tmp_path / "runs" / "killed")
            last = Checkpoint.read(folder.checkpoint(12))
            tensors = {name: array + 1 for name, array in last.tensors.items()}
            replace(last, tensors=tensors).write(folder.checkpoint(12))
            folder.log.write_bytes(folder.log.read_bytes().replace(b'"epoch": 1', b'"epoch": 9', 1))

    monkeypatch.setattr(verification, "_run", spoil)
    verdict = verify_exact_resume(spec, tmp_path / "runs", kills=1)
    assert not verdict.exact
    assert verdict.whole != verdict.resumed
    assert any("params/dense_1/weight" in line for line in verdict.differences)
    assert any("metrics.jsonl" in line for line in verdict.differences)


def test_missing_spec_and_existing_folder_are_errors(spec, tmp_path):
    with pytest.raises(SpecError, match="no such file"):
        verify_exact_resume(tmp_path / "nope.json", tmp_path / "runs")
    (tmp_path / "runs" / "whole").mkdir(parents=True)
    with pytest.raises(RunExistsError, match="choose another"):
        verify_exact_resume(spec, tmp_path / "runs")


FAILURES = {
    DataError: ("digits", 'npz", "path": "none.npz'),
    ShapeError: ('"units": 10', '"units": 3'),
    DivergedError: ('"adam"', '{"type": "sgd", "learning_rate": 1e38}'),
    SpecError: ('"units": 10', '"shares": {"weight": "dense_2/weight"}, "units": 10'),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_failure_of_training_is_raised_as_training_raises_it(kind, spec, tmp_path):
    spec.write_text(spec.read_text().replace(*FAILURES[kind]))
    with pytest.raises(kind) as expected:
        train(spec, tmp_path / "run")
    with pytest.raises(kind) as actual:
        verify_exact_resume(spec, tmp_path / "runs")
    assert str(actual.value) == str(expected.value)
    assert vars(actual.value) == vars(expected.value)


def test_killed_run_that_cannot_be_resumed_is_a_checkpoint_error(spec, tmp_path, monkeypatch):
    start = verification._run

    def damage(job):
        start(job)
        if job.get("kill_after") is not None:
            for checkpoint in (tmp_path / "runs" / "killed" / "checkpoints").iterdir():
                checkpoint.write_bytes(b"damaged")

    monkeypatch.setattr(verification, "_run", damage)
    with pytest.raises(CheckpointError, match=r"killed after step \d+ cannot be resumed"):
        verify_exact_resume(spec, tmp_path / "runs", kills=1)


def test_process_that_dies_is_not_taken_for_a_bad_checkpoint(spec, tmp_path, monkeypatch):
    monkeypatch.setattr(verification.sys, "executable", "false")
    with pytest.raises(TinynetError, match="exit code 1") as error:
        verify_exact_resume(spec, tmp_path / "runs")
    assert not isinstance(error.value, CheckpointError)
