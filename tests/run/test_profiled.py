"""The files of a profile, and what happens if there is nothing to write, or no place for it."""

import gzip
import json

import pytest

import tinynet
from tests.fleet_runs import CNN, JOBS, content, train_together
from tests.small_spec import HUNDRED, small_spec
from tests.trace_checks import assert_valid
from tinynet.errors import CheckpointCorruptError, CheckpointIOError
from tinynet.events import Profiled, StopTraining, Warned
from tinynet.profiling import trace
from tinynet.profiling.profile import read_profile

SPEC = small_spec(data=HUNDRED, epochs=6, batch_size=25)


def profiled(path, **settings):
    """Return the run of a profile, and its events."""
    events = []
    observer = settings.pop("observer", events.append)
    settings = {"kernels": "numpy", **settings}
    return tinynet.train(SPEC, path, observer=observer, **settings), events


def test_the_run_folder_gets_a_profile_and_a_trace(tmp_path):
    run, events = profiled(tmp_path / "run", profile=5)
    event = events[-1]
    assert isinstance(event, Profiled)
    assert read_profile(run.path) == event.profile == run.profile
    assert event.profile.recorded.count == 5
    assert (event.profile.run.steps.count, event.profile.run.evaluations.count) == (24, 6)
    written = json.loads(gzip.decompress(event.trace.read_bytes()))
    assert_valid(written)
    names = {event["name"] for event in written["traceEvents"]}
    assert {"dense_1 forward", "dense", "update", "evaluation", "read samples"} <= names


def test_a_profile_changes_no_saved_bit(tmp_path):
    plain, _ = profiled(tmp_path / "plain")
    recorded, _ = profiled(tmp_path / "recorded", profile=True)
    arrays = [content(run.path)[0] for run in (plain, recorded)]
    assert [saved.keys() for saved in arrays] == [arrays[0].keys()] * 2
    for name in arrays[0]:
        assert arrays[0][name][0] == arrays[1][name][0]


def test_a_run_that_is_too_short_says_so(tmp_path):
    overrides = {"training.epochs": 1, "training.batch_size": 50}
    run, events = profiled(tmp_path / "run", profile=True, overrides=overrides)
    assert run.profile is None
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert not any(isinstance(event, Profiled) for event in events)
    assert warning.message.startswith(
        "no step was profiled: this process made 2, and the first 6 are left out"
    )


def test_an_interrupted_run_has_the_profile_until_then(tmp_path):
    seen = []

    def stop(event):
        seen.append(event)
        if getattr(event, "step", 0) == 12:
            raise StopTraining

    profiled(tmp_path / "run", profile=True, observer=stop)
    assert isinstance(seen[-1], Profiled)
    assert 1 <= seen[-1].profile.recorded.count < 12


def test_a_full_disk_is_a_warning_and_the_run_is_intact(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trace, "replacing", fail)
    run, events = profiled(tmp_path / "run", profile=5)
    messages = [event.message for event in events if isinstance(event, Warned)]
    assert messages == [
        f"the profile is not saved: {run.path / 'trace.json.gz'}: No space left on device"
    ]
    assert run.finished
    assert (events[-1].path, events[-1].trace) == (None, None)


def test_a_resumed_run_can_be_profiled(tmp_path):
    run, _ = profiled(tmp_path / "run", overrides={"training.epochs": 1})
    with pytest.raises(CheckpointIOError, match="has no profile; add --profile"):
        read_profile(run.path)
    tinynet.resume(run.path, overrides={"training.epochs": 6}, profile=3, kernels="numpy")
    assert read_profile(run.path).first == 11


def test_a_damaged_profile_is_an_error(tmp_path):
    (tmp_path / "profile.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointCorruptError, match=r"profile\.json is damaged"):
        read_profile(tmp_path)


@pytest.mark.parametrize("value", [0, -1, 2.5, "yes"])
def test_a_wrong_number_of_steps_is_refused(tmp_path, value):
    with pytest.raises(tinynet.errors.UsageError, match="the number of steps to record"):
        profiled(tmp_path / "run", profile=value)


def test_the_trace_of_several_processes_has_all_of_them(tmp_path):
    job = JOBS["batch norm, accumulation, class weights, averages"]
    events = []
    settings = {"observer": events.append, "profile": 3, "threads": 2, "kernels": "numpy"}
    train_together(job, tmp_path / "two", 2, changes={"epochs": 8}, **settings)
    profile = events[-1].profile
    assert len(profile.processes) == 2
    assert all(0 < process.waiting < process.step for process in profile.processes)
    counted = sum(row.total for row in profile.rows if row.kind != "layer")
    assert counted == pytest.approx(profile.typical.mean)
    written = json.loads(gzip.decompress((tmp_path / "two" / "trace.json.gz").read_bytes()))
    assert_valid(written)
    spans = [event for event in written["traceEvents"] if event["ph"] == "X"]
    assert len({span["pid"] for span in spans}) == 2
    assert "gather (other processes)" in {span["name"] for span in spans}


def test_a_process_without_a_shard_has_a_profile_too(tmp_path):
    events = []
    changes = {"epochs": 4, "shards": 2}
    settings = {"observer": events.append, "profile": 2, "kernels": "numpy"}
    train_together(CNN, tmp_path / "three", 3, changes=changes, **settings)
    assert len(events[-1].profile.processes) == 3
    assert_valid(json.loads(gzip.decompress(events[-1].trace.read_bytes())))


def test_several_processes_with_a_profile_save_what_one_saves(tmp_path):
    train_together(CNN, tmp_path / "one", 1)
    train_together(CNN, tmp_path / "two", 2, profile=True)
    assert content(tmp_path / "one") == content(tmp_path / "two")
