"""The learning rate of each update, and lengths of schedules and averages in epochs."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.check import check_spec
from tinynet.config import Config
from tinynet.errors import PluginError, SpecError
from tinynet.schedule import Length, ScheduleConfig
from tinynet.spec.training_spec import ScheduleReference
from tinynet.training.learning_rate import LearningRate
from tinynet.training.run_length import RunLength

SPEC = {
    "tinynet": 1,
    "name": "lengths",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 4,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.01},
    },
}
"""100 samples for training: 7 steps in an epoch."""

SCHEDULES = [
    ({"type": "cosine"}, {"decay_steps": (3, 21)}),
    ({"type": "cosine_restarts"}, {"first_decay_steps": (0.5, 4)}),
    ({"type": "cyclical"}, {"step_size_up": (0.2, 1), "step_size_down": (1, 7)}),
    ({"type": "exponential", "decay_rate": 0.5}, {"decay_steps": (1.5, 11)}),
    ({"type": "inverse_sqrt"}, {"timescale": (2, 14)}),
    ({"type": "inverse_sqrt"}, {"warmup_steps": (2, 14)}),
    ({"type": "inverse_time", "decay_rate": 0.5}, {"decay_steps": (1, 7)}),
    ({"type": "linear"}, {"decay_steps": (2.2, 15), "warmup_steps": (1, 7)}),
    ({"type": "one_cycle"}, {"warmup_steps": (0.1, 1)}),
    ({"type": "polynomial"}, {"decay_steps": (2, 14)}),
    ({"type": "step"}, {"step_size": (1, 7)}),
    ({"type": "constant"}, {"warmup_steps": (2, 14)}),
]
"""Options of a schedule, and lengths in epochs with the same in steps."""


def spec_with(**training):
    return {**SPEC, "training": {**SPEC["training"], **training}}


def rates(schedule, tmp_path):
    trainer = tinynet.Trainer(spec_with(schedule=schedule), root=tmp_path)
    return [trainer.rate_at(step) for step in range(trainer.total_steps)]


def test_the_schedule_and_its_warm_up_decide_the_rate():
    cosine = ScheduleReference.model_validate({"type": "cosine", "warmup_steps": 4})
    rate = LearningRate(0.8, cosine, RunLength(tinynet.load_spec(SPEC).training, int))
    found = [rate.at(step, 12) for step in range(13)]
    np.testing.assert_allclose(found[:4], [0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(found[4], 0.8)
    np.testing.assert_allclose(found[8], 0.4)
    np.testing.assert_allclose(found[12], 0.0, atol=1e-12)


def test_without_a_schedule_the_rate_is_constant():
    rate = LearningRate(0.8, None, None)
    assert {rate.at(step) for step in (0, 5, 10**6)} == {0.8}


class NoWarmup:
    class Config(Config):
        pass

    def __init__(self, config):
        pass


def test_error_for_a_config_without_the_common_options(register):
    register("schedules", "no_warmup", NoWarmup)
    with pytest.raises(PluginError, match=r"no_warmup.*ScheduleConfig"):
        LearningRate(0.8, ScheduleReference(type="no_warmup"), None)


@pytest.mark.parametrize(("options", "lengths"), SCHEDULES, ids=str)
def test_a_length_in_epochs_is_that_many_steps(options, lengths, tmp_path):
    in_epochs = {name: {"epochs": epochs} for name, (epochs, _) in lengths.items()}
    in_steps = {name: steps for name, (_, steps) in lengths.items()}
    found = rates({**options, **in_epochs}, tmp_path)
    assert found == rates({**options, **in_steps}, tmp_path)
    assert len(set(found)) > 1


def test_lengths_in_steps_and_in_epochs_can_be_mixed(tmp_path):
    mixed = {"type": "piecewise_constant", "values": [1, 0.5, 0.25]}
    found = rates({**mixed, "boundaries": [3, {"epochs": 2.5}]}, tmp_path)
    assert found == rates({**mixed, "boundaries": [3, 18]}, tmp_path)


def test_epochs_of_a_run_by_steps_are_passes_over_the_data(tmp_path):
    spec = spec_with(schedule={"type": "step", "step_size": {"epochs": 1}}, steps=20)
    del spec["training"]["epochs"]
    trainer = tinynet.Trainer(spec, root=tmp_path)
    assert trainer.total_steps == 20
    dropped = [step for step in range(1, 20) if trainer.rate_at(step) < trainer.rate_at(step - 1)]
    assert dropped == [7, 14]


def test_epochs_count_accumulated_batches_once(tmp_path):
    schedule = {"type": "constant", "warmup_steps": {"epochs": 1}}
    trainer = tinynet.Trainer(spec_with(schedule=schedule, accumulate=2), root=tmp_path)
    assert trainer.rate_at(0) == pytest.approx(0.01 / 4)


WRONG = [
    (
        {"type": "piecewise_constant", "boundaries": [14, {"epochs": 2}], "values": [1, 1, 1]},
        "/training/schedule: boundaries must be in ascending order, not 14, 14 (in steps: an epoch"
        " has 7)",
    ),
    (
        {"type": "step", "step_size": {"epochs": 0.05}},
        "/training/schedule/step_size: must be at least 1, not 0 (in steps: an epoch has 7)",
    ),
]


@pytest.mark.parametrize(("schedule", "message"), WRONG)
def test_error_for_epochs_that_are_wrong_as_steps(schedule, message, tmp_path):
    """Only the data show it, so check opens them; it names line and column, as train does."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec_with(schedule=schedule), indent=1))
    with pytest.raises(SpecError) as caught:
        check_spec(path)
    problem = caught.value.problems[0]
    assert f"{problem.pointer}: {problem.message}" == message
    key = problem.pointer.rpartition("/")[2]
    assert f'"{key}": ' in path.read_text().splitlines()[problem.line - 1]
    with pytest.raises(SpecError) as caught:
        tinynet.train(path, tmp_path / "run")
    assert caught.value.problems == [problem]


def test_mistakes_in_a_schedule_and_an_average_are_reported_together(tmp_path):
    short = {"epochs": 0.01}
    average = {"type": "swa", "start_step": short, "every_steps": short}
    spec = spec_with(schedule={"type": "step", "step_size": short}, average=average)
    with pytest.raises(SpecError) as caught:
        tinynet.Trainer(spec, root=tmp_path)
    assert [problem.pointer for problem in caught.value.problems] == [
        "/training/average/start_step",
        "/training/average/every_steps",
        "/training/schedule/step_size",
    ]


NO_LENGTHS = [
    ({"epochs": 0}, "/step_size/epochs: must be more than 0, not 0"),
    ({"epochs": -1.5}, "/step_size/epochs: must be more than 0, not -1.5"),
    ({"epochs": "2"}, '/step_size/epochs: a number is expected, not "2"'),
    ({"epoch": 2}, "/step_size/epoch: unknown key 'epoch'; did you mean 'epochs'?"),
    ({}, "/step_size: 'epochs' is required (passes over the training data)"),
    (0, "/step_size: must be at least 1, not 0"),
    (1.5, "/step_size: a whole number is expected, not 1.5"),
    ("5", '/step_size: a whole number is expected, not "5"'),
]


@pytest.mark.parametrize(("length", "message"), NO_LENGTHS, ids=str)
def test_error_for_what_is_no_length(length, message):
    with pytest.raises(SpecError) as caught:
        tinynet.load_spec(spec_with(schedule={"type": "step", "step_size": length}))
    assert [str(problem) for problem in caught.value.problems] == [f"/training/schedule{message}"]


def test_error_for_epochs_without_data():
    """By hand, train_step has no epochs; steps work as before."""
    network = {**SPEC["network"], "input_shape": [8, 8, 1]}
    schedule = {"type": "step", "step_size": {"epochs": 1}}
    average = {"type": "swa", "start_step": {"epochs": 1}}
    spec = {**spec_with(schedule=schedule, average=average), "network": network}
    del spec["data"]
    with pytest.raises(SpecError) as caught:
        tinynet.load_spec(spec)
    assert [problem.pointer for problem in caught.value.problems] == [
        "/training/average/start_step",
        "/training/schedule/step_size",
    ]
    assert "set a number of steps, or add data" in caught.value.problems[0].message
    training = {**SPEC["training"], "schedule": {"type": "step", "step_size": 1}, "steps": 9}
    del training["epochs"]
    trainer = tinynet.Trainer({**spec, "training": training})
    trainer.train_step(np.zeros((2, 8, 8, 1)), np.array([1, 2]))
    assert trainer.learning_rate == pytest.approx(0.001)


def test_an_average_may_start_after_some_epochs(tmp_path):
    found = []
    for start, every in ((14, 4), ({"epochs": 2}, {"epochs": 0.5})):
        average = {"type": "swa", "start_step": start, "every_steps": every}
        trainer = tinynet.Trainer(spec_with(average=average), root=tmp_path)
        list(trainer.run())
        found.append(trainer.state())
    assert {name for name in found[0] if name.startswith("average/")}
    for name, array in found[0].items():
        np.testing.assert_array_equal(found[1][name], array, err_msg=name)


def test_a_run_with_lengths_in_epochs_is_resumed_exactly(tmp_path):
    schedule = {"type": "linear", "warmup_steps": {"epochs": 0.5}, "decay_steps": {"epochs": 2}}
    average = {"type": "swa", "start_step": {"epochs": 0.5}, "every_steps": {"epochs": 0.3}}
    spec = spec_with(schedule=schedule, average=average)
    whole = tinynet.train(spec, tmp_path / "whole")
    tinynet.train(spec, tmp_path / "run", overrides={"training.epochs": 1})
    resumed = tinynet.resume(tmp_path / "run", overrides={"training.epochs": 4}, exact=True)
    first, second = (Checkpoint.read(run.checkpoints[-1]).tensors for run in (whole, resumed))
    assert {n: a.tobytes() for n, a in first.items()} == {n: a.tobytes() for n, a in second.items()}


def test_another_length_is_a_safe_change(tmp_path):
    schedule = {"type": "constant", "warmup_steps": {"epochs": 1}}
    tinynet.train(spec_with(schedule=schedule), tmp_path / "run")
    changed = {"training.schedule.warmup_steps.epochs": 5, "training.epochs": 5}
    run = tinynet.resume(tmp_path / "run", overrides=changed)
    last = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["learning_rate"] == pytest.approx(0.01)
    run = tinynet.resume(
        run.path, overrides={"training.schedule.warmup_steps": 70, "training.epochs": 6}
    )
    last = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["learning_rate"] == pytest.approx(0.01 * 42 / 70)


class Sorted:
    """A schedule whose Config compares lengths without caring for epochs."""

    class Config(ScheduleConfig):
        first: Length = 1
        second: Length = 2

        def model_post_init(self, context):
            assert self.first < self.second, "first must be less than second"

    def __init__(self, config):
        self.second = config.second

    def factor(self, step, total_steps):
        return 1.0 if step < self.second else 0.5


def test_error_for_a_plugin_that_compares_epochs_names_it(register):
    register("schedules", "sorted", Sorted)
    with pytest.raises(PluginError, match=r"sorted.*its Config failed.*TypeError"):
        tinynet.load_spec(spec_with(schedule={"type": "sorted", "second": {"epochs": 2}}))
