"""Evaluation by several processes: the figures of one, one record, one message."""

import shutil

import numpy as np
import pytest

import tinynet
from tests.fleet_runs import failure, ignore, is_process
from tinynet.data.data import Data
from tinynet.errors import CheckpointError, CheckpointMismatchError, DataError
from tinynet.run import evaluation, joining, shared_model
from tinynet.run.evaluation_log import NAME, read_evaluations
from tinynet.run.log import read_log
from tinynet.run.models import open_run
from tinynet.testing.fleets import in_threads

SPEC = {
    "tinynet": 1,
    "name": "outputs",
    "data": {
        "type": "csv",
        "path": "table.csv",
        "target": {"kind": "kind", "size": "size"},
        "split": {"validation": 0, "test": 41},
        "transforms": ["standardize"],
    },
    "network": {
        "layers": [
            {"type": "dense", "units": 4, "name": "stem"},
            {"type": "dense", "units": 3, "name": "kind"},
            {"type": "dense", "units": 1, "inputs": "stem", "name": "size"},
        ],
        "outputs": ["kind", "size"],
    },
    "training": {
        "steps": 2,
        "optimizer": "adam",
        "loss": {"kind": "softmax_cross_entropy", "size": "mse"},
        "metrics": [
            {"type": "accuracy", "output": "kind"},
            {"type": "log_loss", "output": "kind"},
        ],
        "average": {"type": "ema", "decay": 0.5},
        "loggers": ["csv"],
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run, and the file of its data."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(3)
    rows = [f"{a},{b},{'uvw'[int(3 * b)]},{a - b}" for a, b in rng.random((60, 2)).tolist()]
    (folder / "table.csv").write_text("\n".join(["a,b,kind,size", *rows, ""]))
    tinynet.train(SPEC, folder / "run", data_root=folder, observer=ignore, threads=1)
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A copy of it; its few samples are evaluated in several batches."""
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 7)
    return shutil.copytree(trained, tmp_path / "copy")


def evaluate(folder, size, *, own=None, **settings):
    """Evaluate in several processes; return the result, or the exception, of each.

    Args:
        folder: The folder of the run and its data.
        size: The number of processes.
        own: The settings of single processes, by rank.
        **settings: Those of `tinynet.evaluate`.
    """

    def work(fleet):
        here = {"threads": 1, "observer": ignore, "data_root": folder, **settings}
        try:
            return tinynet.evaluate(
                folder / "run", fleet=fleet, **{**here, **(own or {}).get(fleet.rank, {})}
            )
        except Exception as error:
            return error

    return in_threads(size, work)


@pytest.mark.parametrize("settings", [{}, {"split": "train"}, {"new": True}])
def test_figures_are_those_of_one_process(folder, settings):
    """Otherwise a result of one machine could not be compared with that of a cluster."""
    if settings.pop("new", False):
        settings["data"] = folder / "table.csv"
    expected = tinynet.evaluate(folder / "run", data_root=folder, threads=1, **settings)
    assert set(expected) > {"kind/loss", "size/loss", "kind/accuracy", "kind/log_loss"}
    for size in (2, 3, 8):
        assert [vars(end) for end in evaluate(folder, size, **settings)] == [vars(expected)] * size


def test_first_process_alone_records_the_figures(folder):
    """A second line, or one that two processes write at once, would falsify the record."""
    logged = len(read_log(folder / "run" / "metrics.jsonl"))
    files = {path for path in folder.rglob("*") if path.is_file()}
    results = evaluate(folder, 3)
    (record,) = read_evaluations(folder / "run")
    assert record["metrics"] == dict(results[2])
    assert len(read_log(folder / "run" / "metrics.jsonl")) == logged
    new = {path.name for path in folder.rglob("*") if path.is_file()} - {p.name for p in files}
    assert new == {NAME}


def test_other_processes_need_no_run(folder, tmp_path):
    """The machines of a cluster often share no file system."""
    data = tmp_path / "elsewhere"
    data.mkdir()
    shutil.copy(folder / "table.csv", data)
    read = []

    def spied(*arguments):
        read.append(is_process(0))
        return open_run(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_model, "open_run", spied)
        first, second = evaluate(folder, 2, own={1: {"data_root": data}})
    assert read == [True]
    assert vars(first) == vars(second)


def test_missing_run_is_reported_by_the_first_process(folder):
    shutil.rmtree(folder / "run")
    assert isinstance(failure(evaluate(folder, 3), 0, "run"), CheckpointError)


def test_missing_data_of_one_process_are_named(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    ends = evaluate(folder, 3, own={2: {"data_root": tmp_path / "empty"}})
    assert isinstance(failure(ends, 2, "table.csv"), DataError)
    assert not read_evaluations(folder / "run")


def test_other_data_of_one_process_are_refused(folder, tmp_path):
    """The figures would be those of no data that anybody has."""
    other = tmp_path / "other"
    other.mkdir()
    lines = (folder / "table.csv").read_text().splitlines()
    (other / "table.csv").write_text("\n".join([lines[0], *reversed(lines[1:]), ""]))
    ends = evaluate(folder, 2, own={1: {"data_root": other}})
    error = failure(ends, 1, "has other content than")
    assert isinstance(error, CheckpointMismatchError)


def test_other_software_of_one_process_is_refused(folder, monkeypatch):
    here = joining.environment

    def environment(kernels):
        return {**here(kernels), **({"numpy": "2.1.0"} if is_process(1) else {})}

    monkeypatch.setattr(joining, "environment", environment)
    failure(evaluate(folder, 3), 1, "numpy is 2.1.0, not")


def test_error_of_all_processes_is_reported_as_by_one(folder):
    """A split that is empty has nothing to do with a machine."""
    ends = evaluate(folder, 3, split="val")
    assert [type(end) for end in ends] == [DataError] * 3


def test_bad_sample_of_one_batch_ends_all_processes(folder, monkeypatch):
    """The process that has the batch fails; the others must not wait for it."""
    read = Data.batch

    def batch(self, split, rows):
        if 16 in rows:
            raise DataError("table.csv, line 9: not a number")
        return read(self, split, rows)

    monkeypatch.setattr(Data, "batch", batch)
    failure(evaluate(folder, 3), 2, "line 9")


def test_failed_record_ends_all_processes(folder, monkeypatch):
    def fail(*arguments):
        raise CheckpointError("the disk is full")

    monkeypatch.setattr(evaluation, "append_evaluation", fail)
    assert isinstance(failure(evaluate(folder, 2), 0, "the disk is full"), CheckpointError)


def test_result_of_training_is_evaluated_by_all_processes(folder, tmp_path):
    def work(fleet):
        settings = {"fleet": fleet, "threads": 1, "observer": ignore}
        run = tinynet.train(SPEC, tmp_path / "run", data_root=folder, **settings)
        return run.evaluate("test", **settings)

    expected = tinynet.evaluate(folder / "run", data_root=folder, threads=1)
    for result in in_threads(2, work):
        assert dict(result) == dict(expected)
