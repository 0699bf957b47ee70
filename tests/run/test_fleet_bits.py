"""A run is the same for any number of processes: its checkpoints, its log and its result."""

import pytest

from tests.fleet_runs import (
    CNN,
    JOBS,
    ScaledCenter,
    content,
    cut_small_batches,
    train_together,
)
from tinynet.events import Started

FIRST = "batch norm, accumulation, class weights, averages"


@pytest.fixture(autouse=True)
def small_shards(monkeypatch, register):
    cut_small_batches(monkeypatch)
    register("layers", "scaled_center", ScaledCenter)


def assert_same(job, tmp_path, sizes):
    (alone,) = train_together(job, tmp_path / "1", 1)
    expected = content(alone.path)
    for size in sizes:
        runs = train_together(job, tmp_path / str(size), size)
        assert content(tmp_path / str(size)) == expected
        for run in runs:
            assert (run.path, run.processes) == ((tmp_path / str(size)).resolve(), size)
            assert (run.step, run.figures, run.finished) == (alone.step, alone.figures, True)
            assert (run.stop_reason, run.best_evaluation) == (
                alone.stop_reason,
                alone.best_evaluation,
            )
            for name, array in alone.network.params.items():
                assert array.tobytes() == run.network.params[name].tobytes()


SIZES = [(2, 5), (3, 8)]
"""Numbers of processes that are tried with one job and with the next; there are six shards."""


@pytest.mark.parametrize(
    ("name", "sizes"), [(name, SIZES[n % 2]) for n, name in enumerate(JOBS, start=1)], ids=str
)
def test_any_number_of_processes_saves_what_one_saves(tmp_path, name, sizes):
    """Otherwise results could not be compared, nor runs moved between machines."""
    assert_same(JOBS[name], tmp_path, sizes)


@pytest.mark.parametrize("sizes", [(3, 1, 2), (1, 3)], ids=str)
def test_a_run_resumes_in_another_number_of_processes(tmp_path, sizes):
    """A cluster rarely has the same machines free twice."""
    job = JOBS[FIRST]
    whole = content(train_together(job, tmp_path / "whole", 1, changes={"steps": 6})[0].path)
    saved = {**job.training["checkpoint"], "keep_last": 50}
    train_together(job, tmp_path / "run", sizes[0], changes={"steps": 2, "checkpoint": saved})
    for index, size in enumerate(sizes[1:], start=1):
        steps = 6 if index == len(sizes) - 1 else 2 + 2 * index
        longer = {"training.steps": steps}
        train_together(job, tmp_path / "run", size, again=True, overrides=longer)
    assert content(tmp_path / "run")[0].keys() >= whole[0].keys()
    last = max(whole[0])
    assert content(tmp_path / "run")[0][last][:2] == whole[0][last][:2]


def test_a_finished_run_is_finished_in_all_processes(tmp_path):
    train_together(CNN, tmp_path / "run", 1)
    before = content(tmp_path / "run")
    first, second = train_together(CNN, tmp_path / "run", 2, again=True)
    assert (first.finished, second.finished, second.figures) == (True, True, first.figures)
    assert content(tmp_path / "run") == before


def test_saves_after_some_seconds_are_those_of_the_first_process(tmp_path):
    """Clocks differ: processes that decided for themselves would wait for each other forever."""
    often = {"checkpoint": {"every_seconds": 1e-9, "keep_last": 50}}
    train_together(CNN, tmp_path / "run", 3, changes=often)
    saved = [path.name for path in sorted((tmp_path / "run" / "checkpoints").iterdir())]
    assert len(saved) >= 3
    again = train_together(CNN, tmp_path / "run", 2, again=True, overrides={"training.epochs": 3})
    assert again[1].finished


def test_observers_and_loggers_belong_to_the_first_process(tmp_path):
    """Otherwise each figure would be logged and shown as often as there are processes."""
    seen = [[], [], []]

    def work(train, fleet):
        return train(fleet, observer=seen[fleet.rank].append, loggers=["csv"])

    train_together(CNN, tmp_path / "run", 3, work=work)
    assert seen[0]
    assert seen[1:] == [[], []]
    started = next(event for event in seen[0] if isinstance(event, Started))
    assert (started.processes.count, started.processes.shards, started.processes.idle) == (3, 6, 0)
    (table,) = (tmp_path / "run").glob("*.csv")
    assert len(table.read_text().splitlines()) == 3


def test_idle_processes_are_named_at_the_start(tmp_path):
    """A user who pays for machines must learn that some have nothing to do."""
    seen = []
    job_shards = {"shards": 2, "epochs": 1}
    train_together(CNN, tmp_path / "run", 3, changes=job_shards, observer=seen.append)
    started = next(event for event in seen if isinstance(event, Started))
    assert str(started.processes) == (
        "3 processes on 1 machine, 2 shards in a batch: 1 process has nothing to do"
        " (training.shards gives each one)"
    )
