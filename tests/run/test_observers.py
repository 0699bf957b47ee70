"""Observers: several of them, and a run that one of them stops."""

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet import events
from tinynet.errors import UsageError
from tinynet.events import Ended, Evaluated, Evaluating, Saved, Started, StepDone, StopTraining
from tinynet.training import events as defined

SPEC = small_spec(
    "observed",
    data=HUNDRED,
    epochs=4,
    batch_size=50,
    optimizer={"type": "adam", "learning_rate": 0.001},
    checkpoint={"keep_best": {"metric": "val/loss"}},
)


def stop_at(kind, count=1):
    """Return an observer that stops the run at the n-th event of a class."""
    seen = []

    def observe(event):
        seen.extend([event] if isinstance(event, kind) else [])
        if isinstance(event, kind) and len(seen) == count:
            raise StopTraining(f"{kind.__name__} number {count}")

    return observe


@pytest.mark.parametrize(
    ("kind", "count", "step"),
    [(StepDone, 3, 3), (Evaluated, 2, 4), (Evaluating, 3, 4), (Started, 1, 0), (Saved, 2, 2)],
)
def test_a_stopped_run_resumes_with_the_same_bits(tmp_path, kind, count, step):
    """A pruned run that is continued must not differ from one that never stopped."""
    whole = tinynet.train(SPEC, tmp_path / "whole")
    run = tinynet.train(SPEC, tmp_path / "run", observer=stop_at(kind, count))
    assert (run.stop_reason, run.finished) == ("observer", False)
    if kind is not Saved:  # a save ends in the background
        assert run.step == step
    assert run.checkpoints[-1].name == f"step-{run.step:012d}.msgpack"
    resumed = tinynet.resume(run.path)
    assert (resumed.stop_reason, resumed.finished) == ("epochs", True)
    assert resumed.figures == whole.figures
    for name, array in whole.network.params.items():
        assert array.tobytes() == resumed.network.params[name].tobytes()


def test_the_end_of_a_stopped_run_names_the_reason(tmp_path):
    observed = []
    stop = stop_at(Evaluated, 2)
    run = tinynet.train(SPEC, tmp_path / "run", observer=[stop, observed.append])
    assert [event.step for event in observed if isinstance(event, Evaluated)] == [2, 4]
    end = observed[-1]
    assert isinstance(end, Ended)
    assert (end.step, end.epoch, end.stop_reason) == (4, 2, "observer")
    assert end.message == "Evaluated number 2"
    assert end.best == run.best_evaluation
    assert end.best_path.samefile(run.best)


def test_a_request_to_stop_at_the_end_changes_nothing(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", observer=stop_at(Evaluated, 4))
    assert (run.stop_reason, run.finished, run.step) == ("epochs", True, 8)


def test_all_observers_get_every_event_in_order(tmp_path):
    calls = []
    observers = [lambda event: calls.append(("a", event)), lambda event: calls.append(("b", event))]
    tinynet.train(SPEC, tmp_path / "run", observer=observers)
    first, second = ([event for name, event in calls if name == which] for which in "ab")
    assert first == second
    assert [name for name, _ in calls[:4]] == ["a", "b", "a", "b"]
    assert isinstance(first[0], Started)
    assert isinstance(first[-1], Ended)


def test_an_exception_of_an_observer_ends_the_run_which_stays_resumable(tmp_path):
    def fail(event):
        if isinstance(event, StepDone) and event.step == 3:
            raise ValueError("the observer failed")

    with pytest.raises(ValueError, match="the observer failed"):
        tinynet.train(SPEC, tmp_path / "run", observer=[fail])
    assert tinynet.resume(tmp_path / "run").finished


def test_no_observers_are_as_none_at_all(tmp_path):
    """Warnings must not be lost because a program's list of observers is empty."""
    spec = {**SPEC, "training": {**SPEC["training"], "epochs": 1}}
    (run := tinynet.train(spec, tmp_path / "run", observer=[])).path.joinpath(
        "spec.json"
    ).write_text("{}")
    with pytest.warns(UserWarning, match=r"spec\.json was edited"):
        tinynet.resume(run.path, observer=[])


@pytest.mark.parametrize("wrong", [3, [print, "print"], {"on_epoch": print}.items()])
def test_a_value_that_cannot_be_called_is_an_error(tmp_path, wrong):
    with pytest.raises(UsageError, match=r"must be a function .* or a list of such functions"):
        tinynet.train(SPEC, tmp_path / "run", observer=wrong)
    assert not (tmp_path / "run").exists()


def test_the_public_module_has_all_events():
    own = {name for name, value in vars(defined).items() if isinstance(value, type)}
    own -= {"SplitSizes", "Path", "ReadOnlyDict"}
    assert own <= set(events.__all__)
    assert all(hasattr(events, name) for name in events.__all__)
