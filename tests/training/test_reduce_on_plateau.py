"""Schedules that see the results of evaluations: the rate, its state, and their errors."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.check import check_spec
from tinynet.commands.diff import compare_checkpoints
from tinynet.commands.verify_resume import verify_exact_resume
from tinynet.errors import CheckpointMismatchError, DataError, PluginError, SpecError
from tinynet.schedule import AdaptiveScheduleConfig
from tinynet.training.events import Evaluated, StepDone

NEVER_BETTER = {"type": "reduce_on_plateau", "min_delta": 1e9, "patience": 2, "factor": 0.5}
"""The first evaluation is the best; each second one after it reduces the rate."""


@pytest.fixture
def spec():
    return {
        "tinynet": 1,
        "name": "plateau",
        "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {
            "epochs": 6,
            "batch_size": 16,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 0.008, "momentum": 0.9},
            "schedule": NEVER_BETTER,
            "metrics": ["accuracy"],
            "log_every_steps": 1,
            "checkpoint": {"every_steps": 3, "keep_last": 30},
        },
    }


def with_schedule(spec, **options):
    training = {**spec["training"], "schedule": {**NEVER_BETTER, **options}}
    return {**spec, "training": training}


def rates_of(spec, tmp_path):
    """Return the rate of each step, and the one that each evaluation reports."""
    trainer = tinynet.Trainer(spec, root=tmp_path)
    events = list(trainer.run())
    steps = [event.learning_rate for event in events if isinstance(event, StepDone)]
    logged = [e.figures["learning_rate"] for e in events if isinstance(e, Evaluated)]
    return steps, logged


def test_a_figure_that_stays_reduces_the_rate(spec, tmp_path):
    """An epoch has 7 steps. An evaluation reports the rate of the step before it."""
    steps, logged = rates_of(spec, tmp_path)
    assert steps == [0.008] * 21 + [0.004] * 14 + [0.002] * 7
    assert logged == [0.008] * 3 + [0.004] * 2 + [0.002]


def test_a_figure_that_improves_keeps_the_rate(spec, tmp_path):
    steps, _ = rates_of(with_schedule(spec, min_delta=0.0, metric="train/loss"), tmp_path)
    assert steps == [0.008] * 42


@pytest.mark.parametrize(("metric", "reduces"), [("train/accuracy", False), ("train/loss", True)])
def test_the_direction_is_that_of_the_metric(spec, tmp_path, metric, reduces, monkeypatch):
    """Both figures rise here; only accuracy is better then."""
    trainer = tinynet.Trainer(with_schedule(spec, metric=metric, min_delta=0.0), root=tmp_path)
    for value in (0.1, 0.2, 0.3):
        trainer._rate.update({metric: value}, trainer._figures.metrics, trainer.step)
    assert (trainer.learning_rate < 0.008) is reduces


def test_evaluations_during_warm_up_do_not_count(spec, tmp_path):
    steps, _ = rates_of(with_schedule(spec, warmup_steps={"epochs": 1.5}), tmp_path)
    rising = [0.008 * step / 11 for step in range(1, 12)]
    np.testing.assert_allclose(steps, rising + [0.008] * 17 + [0.004] * 14, rtol=1e-12)


def test_evaluations_by_steps_count(spec, tmp_path):
    spec["training"] |= {"evaluate_every_steps": 3, "steps": 20}
    del spec["training"]["epochs"]
    steps, logged = rates_of(spec, tmp_path)
    assert steps == [0.008] * 9 + [0.004] * 6 + [0.002] * 5
    assert len(logged) == 7


def test_the_least_factor_and_the_cooldown(spec, tmp_path):
    options = {"patience": 1, "factor": 0.1, "min_factor": 0.05, "cooldown": 1}
    _, logged = rates_of(with_schedule(spec, **options), tmp_path)
    np.testing.assert_allclose(logged, [0.008] * 2 + [0.0008] * 2 + [0.0004] * 2)


def test_killed_runs_are_resumed_exactly(spec, tmp_path):
    """The process is killed between two evaluations."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    verification = verify_exact_resume(path, tmp_path / "runs", kills=1, seed=1)
    assert verification.exact
    assert verification.killed_after[0] % 7


def test_every_checkpoint_leads_to_the_same_end(spec, tmp_path):
    whole = tinynet.train(spec, tmp_path / "run")
    last = Checkpoint.read(whole.checkpoints[-1])
    assert len(whole.checkpoints) > 12
    for path in whole.checkpoints[:-1]:
        saved = Checkpoint.read(path)
        trainer = tinynet.Trainer(spec, root=tmp_path)
        trainer.load_state(saved.tensors, saved.progress)
        list(trainer.run())
        for name, array in trainer.state().items():
            assert array.tobytes() == last.tensors[name].tobytes(), (path, name)


def test_checkpoints_have_the_state_in_a_group_of_its_own(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")
    tensors = Checkpoint.read(run.checkpoints[-1]).tensors
    state = {n: array.item() for n, array in tensors.items() if n.startswith("schedule/")}
    assert state.pop("schedule/best") > 0
    assert state == {
        "schedule/cooldown": 0,
        "schedule/factor": 0.25,
        "schedule/improvements": 1,
        "schedule/stale": 1,
    }
    difference = compare_checkpoints(run.checkpoints[0], run.checkpoints[-1], print)
    differing = {t.name for t in difference.tensors if t.name.startswith("schedule/")}
    assert "schedule/factor" in differing


def newest(run):
    return max((run.path / "checkpoints").glob("step-*.msgpack"))


def resumed(run, **overrides):
    """Return the rate of the last step after one more epoch."""
    epochs = Checkpoint.read(newest(run)).progress.epoch + 1
    named = {f"training.{key.replace('__', '.')}": value for key, value in overrides.items()}
    allow = named.pop("training.allow_reset", False)
    overrides = {"training.epochs": epochs, **named}
    run = tinynet.resume(run.path, overrides=overrides, allow_reset=allow)
    return json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])["learning_rate"]


def test_other_options_keep_the_state_and_other_figures_reset_it(spec, tmp_path):
    run = tinynet.train(spec, tmp_path / "run")  # 5 evaluations without improvement
    assert resumed(run, schedule__patience=9) == 0.002
    with pytest.raises(CheckpointMismatchError, match="resets the state of the learning-rate"):
        resumed(run, schedule__metric="val/accuracy")
    with pytest.warns(UserWarning, match="reset the state of the learning-rate schedule"):
        assert resumed(run, schedule__metric="val/accuracy", allow_reset=True) == 0.008
    with pytest.raises(CheckpointMismatchError, match="resets the state of the learning-rate"):
        resumed(run, schedule=None)
    with pytest.warns(UserWarning, match="reset the state of the learning-rate schedule"):
        assert resumed(run, schedule={"type": "constant"}, allow_reset=True) == 0.008
    assert resumed(run, schedule=NEVER_BETTER) == 0.008  # a new one starts
    assert "schedule/factor" in Checkpoint.read(newest(run)).tensors


def test_error_for_a_figure_that_does_not_exist(spec, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(with_schedule(spec, metric="val/acuracy"), indent=1))
    with pytest.raises(SpecError) as caught:
        check_spec(path)
    (problem,) = caught.value.problems
    assert problem.pointer == "/training/schedule/metric"
    assert problem.message == "no metric is called 'val/acuracy'; did you mean 'val/accuracy'?"
    assert '"metric"' in path.read_text().splitlines()[problem.line - 1]


def test_error_for_a_default_figure_without_a_validation_split(spec, tmp_path):
    spec["data"]["split"] = {"validation": 0, "test": 1697}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec, indent=1))
    with pytest.raises(DataError, match="validation") as caught:
        check_spec(path)
    (problem,) = caught.value.problems
    assert '"schedule"' in path.read_text().splitlines()[problem.line - 1]
    training = {**spec["training"], "schedule": {**NEVER_BETTER, "metric": "train/loss"}}
    path.write_text(json.dumps({**spec, "training": training}))
    check_spec(path)


class Adaptive:
    """An adaptive schedule, for faults."""

    class Config(AdaptiveScheduleConfig):
        pass

    def __init__(self, config):
        pass

    def start(self):
        return {"rate": np.ones(())}

    def update(self, state, evaluation):
        state["rate"] *= 0.5

    def factor(self, step, total_steps, state):
        return float(state["rate"])


class StartsWithInfinity(Adaptive):
    def start(self):
        return {"best": np.full((), np.inf)}


class Divides(Adaptive):
    def update(self, state, evaluation):
        return 1 / 0


class Grows(Adaptive):
    def update(self, state, evaluation):
        state["more"] = np.ones(())


class Vanishes(Adaptive):
    def update(self, state, evaluation):
        state["rate"][...] = np.nan


class Infinite(Adaptive):
    def factor(self, step, total_steps, state):
        return float("inf")


FAULTS = [
    (StartsWithInfinity, "start must return a dict of arrays.*'best' must be finite"),
    (Divides, "update raised ZeroDivisionError"),
    (Grows, "'more' is new"),
    (Vanishes, "'rate' must be finite"),
    (Infinite, "factor must return a finite number"),
]


@pytest.mark.parametrize(("cls", "message"), FAULTS)
def test_a_faulty_plugin_is_named_before_training(register, spec, tmp_path, cls, message):
    register("schedules", "faulty", cls)
    path = tmp_path / "spec.json"
    schedule = {"type": "faulty"}
    path.write_text(json.dumps({**spec, "training": {**spec["training"], "schedule": schedule}}))
    with pytest.raises(PluginError, match=message) as caught:
        check_spec(path)
    assert caught.value.problems[0].pointer == "/training/schedule"
    assert "faulty" in caught.value.problems[0].message


def test_a_plugin_sees_the_results_of_evaluations(register, spec, tmp_path):
    seen = []

    class Watches(Adaptive):
        def update(self, state, evaluation):
            seen.append(evaluation)

    Watches.__qualname__ = "Adaptive.Watches"
    Adaptive.Watches = Watches
    register("schedules", "watches", Watches)
    schedule = {"type": "watches", "metric": "val/accuracy"}
    spec["training"] |= {"schedule": schedule, "epochs": 2}
    trainer = tinynet.Trainer(spec, root=tmp_path)
    figures = [event.figures for event in trainer.run() if isinstance(event, Evaluated)]
    assert [one.step for one in seen] == [7, 14]
    assert [one.value for one in seen] == [each["val/accuracy"] for each in figures]
    assert all(one.greater_is_better for one in seen)
    assert all(
        {*each} - {"learning_rate"} == {*one.figures}
        for one, each in zip(seen, figures, strict=True)
    )
