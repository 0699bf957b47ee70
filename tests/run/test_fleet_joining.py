"""The start of a run in several processes: one message for what is wrong, nothing half-written."""

import pytest

import tinynet
from tests.fleet_runs import CNN, failure, ignore, is_process, outcome, train_together
from tinynet.errors import (
    CheckpointMismatchError,
    DataError,
    RunBusyError,
    RunExistsError,
    SpecError,
    UsageError,
)
from tinynet.run import joining
from tinynet.run.folder import RunFolder
from tinynet.run.lock import locked


def test_wrong_spec_is_reported_by_the_first_process(tmp_path):
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome, changes={"optimizer": "adan"})
    assert isinstance(failure(ends, 0, "adan"), SpecError)
    assert not (tmp_path / "run").exists()


def test_existing_run_is_reported_by_the_first_process(tmp_path):
    train_together(CNN, tmp_path / "run", 1)
    ends = train_together(CNN, tmp_path / "run", 2, work=outcome)
    assert isinstance(failure(ends, 0, "already exists"), RunExistsError)


def test_locked_run_is_reported_by_the_first_process(tmp_path):
    train_together(CNN, tmp_path / "run", 1)
    with locked(RunFolder(tmp_path / "run").lock):
        ends = train_together(CNN, tmp_path / "run", 2, work=outcome, again=True)
    assert isinstance(failure(ends, 0, "in use by process"), RunBusyError)


def test_other_data_of_one_process_are_refused(tmp_path):
    """A run on a mixture of two data sets could not be reproduced."""

    def work(train, fleet):
        return outcome(train, fleet, data=CNN.data(seed=7 if fleet.rank == 2 else 0))

    ends = train_together(CNN, tmp_path / "run", 3, work=work)
    error = failure(ends, 2, "the dataset 'data' has other content than that of process 0")
    assert isinstance(error, CheckpointMismatchError)
    assert not (tmp_path / "run").exists()


def test_different_calls_are_refused(tmp_path):
    """A wrapper script may start different commands; nothing of theirs would fit together."""

    def work(train, fleet):
        try:
            return tinynet.evaluate("run", fleet=fleet) if fleet.rank == 1 else train(fleet)
        except UsageError as error:
            return str(error)

    ends = train_together(CNN, tmp_path / "run", 3, work=work)
    assert len({*ends}) == 1
    assert "process 1 calls evaluate, and process 0 train" in ends[0]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("part", ["numpy", "cpu", "kernels"])
def test_other_software_of_one_process_is_refused(tmp_path, monkeypatch, part):
    """It may round differently, so the result would depend on the machines."""
    here = joining.environment

    def environment(kernels):
        return {**here(kernels), **({part: "2.1.0"} if is_process(1) else {})}

    monkeypatch.setattr(joining, "environment", environment)
    ends = train_together(CNN, tmp_path / "run", 3, work=outcome)
    error = failure(
        ends, 1, f"would compute something else than process 0:\n  {part} is 2.1.0, not"
    )
    assert isinstance(error, CheckpointMismatchError)
    assert not (tmp_path / "run").exists()


def test_folder_of_the_data_may_differ(tmp_path):
    """Each machine may have its copy of the data elsewhere."""
    spec = {
        **CNN.spec(epochs=1),
        "data": {"type": "csv", "path": "d.csv", "target": "k", "split": {"validation": 8}},
        "network": {"layers": [{"type": "dense", "units": 3}]},
    }
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        rows = "\n".join(f"{i % 7},{i % 5},{'xyz'[i % 3]}" for i in range(60))
        (tmp_path / folder / "d.csv").write_text(f"u,v,k\n{rows}\n")

    def work(fleet):
        root = tmp_path / ("b" if fleet.rank else "a")
        settings = {"data_root": root, "threads": 1, "observer": ignore, "fleet": fleet}
        return tinynet.train(spec, tmp_path / "run", **settings)

    first, second = in_two(work)
    assert (first.data_root, second.data_root) == (tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "d.csv").unlink()
    resumed = in_two(lambda fleet: outcome(lambda f: resume(f, tmp_path), fleet))
    assert isinstance(failure(resumed, 1, "d.csv"), DataError)


def in_two(work):
    from tinynet.testing.fleets import in_threads

    return in_threads(2, work)


def resume(fleet, tmp_path):
    root = tmp_path / ("b" if fleet.rank else "a")
    longer = {"training.epochs": 2}
    settings = {"data_root": root, "threads": 1, "observer": ignore, "fleet": fleet}
    return tinynet.resume(tmp_path / "run", overrides=longer, **settings)


def test_fine_tuning_starts_all_processes_with_the_same_weights(tmp_path):
    (source,) = train_together(CNN, tmp_path / "source", 1)
    (alone,) = train_together(CNN, tmp_path / "alone", 1, source=source.path)
    runs = train_together(CNN, tmp_path / "run", 2, source=source.path)
    for name, array in alone.network.params.items():
        assert {run.network.params[name].tobytes() for run in runs} == {array.tobytes()}
