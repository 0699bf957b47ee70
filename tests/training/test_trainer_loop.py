"""The training loop: epochs, steps, figures, early stopping and the best evaluation."""

from typing import ClassVar

import numpy as np
import pytest

from tinynet.builtin.metrics.accuracy import Accuracy
from tinynet.metric import MetricConfig
from tinynet.training.events import Evaluated, Evaluating, StepDone

from .states import assert_same_state

# The loop -----------------------------------------------------------------------------------


def kinds(events):
    return [type(event).__name__ for event in events]


def test_epoch_has_all_batches_and_then_an_evaluation(make_trainer):
    trainer = make_trainer(epochs=2, batch_size=32)
    events = list(trainer.run())
    epoch = ["StepDone"] * 4 + ["Evaluating"] * 2 + ["Evaluated"]
    assert kinds(events) == epoch * 2
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [event.samples for event in steps] == [32, 32, 32, 4] * 2
    assert [(event.step, event.epoch, event.position) for event in steps] == [
        (i + 1, i // 4 + 1, i % 4 + 1) for i in range(8)
    ]
    last = [event for event in events if isinstance(event, Evaluating)][-1]
    assert last == Evaluating(60, 60)
    assert trainer.finished
    assert list(trainer.run()) == []


def test_evaluation_at_every_nth_step_and_at_the_end(make_trainer):
    trainer = make_trainer(epochs=2, batch_size=32, evaluate_every_steps=3)
    done = [event for event in trainer.run() if isinstance(event, Evaluated)]
    assert [(e.step, e.epoch, e.epoch_ended) for e in done] == [
        (3, 1, False), (6, 2, False), (8, 2, True)
    ]  # fmt: skip
    assert trainer.finished
    assert (trainer.progress.epoch, trainer.progress.position) == (2, 0)


def test_training_figures_are_those_since_the_last_evaluation(make_trainer, register):
    register("metrics", "seen", Seen)
    trainer = make_trainer(epochs=2, batch_size=32, evaluate_every_steps=3, metrics=["seen"])
    done = [event.figures for event in trainer.run() if isinstance(event, Evaluated)]
    assert [figures["train/seen"] for figures in done] == [96, 68, 36]


@pytest.mark.parametrize("every", [1, 3, 4, 100])
def test_evaluations_change_no_parameter(make_trainer, every):
    whole, often = make_trainer(epochs=2), make_trainer(epochs=2, evaluate_every_steps=every)
    for trainer in (whole, often):
        list(trainer.run())
    for name, array in whole.network.params.items():
        np.testing.assert_array_equal(array, often.network.params[name])


@pytest.mark.parametrize("stop", range(1, 12))
def test_resumed_run_evaluates_at_the_same_steps(make_trainer, stop):
    settings = {"epochs": 2, "batch_size": 32, "evaluate_every_steps": 2}
    whole, half = make_trainer(**settings), make_trainer(**settings)
    events = list(whole.run())
    done = []
    for event in half.run():
        done.append(event)
        if len(done) == stop:
            break
    resumed = make_trainer(**settings)
    resumed.load_state({n: a.copy() for n, a in half.state().items()}, half.progress)
    rest = list(resumed.run())
    last = [e for e in events if isinstance(e, Evaluated)]
    both = [e for e in [*done, *rest] if isinstance(e, Evaluated)]
    assert both == last
    assert_same_state(whole, resumed)


class Seen(Accuracy):
    """A metric: the number of samples."""

    def result(self, state):
        return float(state["count"])


def test_figures_are_reset_in_every_epoch(make_trainer, register):
    """Otherwise the last epoch's figures would include the first."""
    register("metrics", "seen", Seen)
    trainer = make_trainer(epochs=3, metrics=["seen"])
    done = [event.figures for event in trainer.run() if isinstance(event, Evaluated)]
    assert [(figures["train/seen"], figures["val/seen"]) for figures in done] == [(100, 60)] * 3


def test_figures_are_exact_over_the_epoch_and_not_means_of_batch_means(make_trainer):
    """Without learning, they must equal those of one pass over all samples."""
    trainer = make_trainer(
        epochs=1,
        batch_size=32,
        metrics=["accuracy"],
        optimizer={"type": "sgd", "learning_rate": 1e-300},
    )
    (*_, done) = trainer.run()
    for split in ("train", "val"):
        batch = trainer.data.batch(split, np.arange(trainer.data.size(split)))
        right = batch.targets["target"]
        probabilities = trainer.network.predict(batch.inputs)
        losses = -np.log(probabilities[np.arange(len(right)), right])
        assert done.figures[f"{split}/loss"] == pytest.approx(losses.mean(), rel=1e-12)
        accuracy = (probabilities.argmax(axis=1) == right).mean()
        assert done.figures[f"{split}/accuracy"] == accuracy


def test_loop_equals_train_step_over_the_epoch_orders(make_trainer):
    """The loop adds nothing to a loop over `train_step`."""
    looped, by_hand = make_trainer(), make_trainer()
    list(looped.run())
    data = by_hand.data
    for epoch in range(2):
        for start in range(0, 100, 16):
            batch = data.batch("train", data.order(epoch)[start : start + 16], epoch=epoch)
            by_hand.train_step(batch.inputs, batch.targets["target"])
    for name, array in looped.network.params.items():
        np.testing.assert_array_equal(array, by_hand.network.params[name], err_msg=name)


def test_a_dataset_smaller_than_a_batch_is_one_step(make_trainer, write_csv):
    rows = [(index, 1.5, "xy"[index % 2]) for index in range(6)]
    data = {**write_csv(rows), "split": {"validation": 0, "test": 0}}
    units = [{"type": "dense", "units": 2}]
    trainer = make_trainer(data=data, layers=units, batch_size=64, accumulate=4)
    assert trainer.steps_per_epoch == 1
    steps = [event for event in trainer.run() if isinstance(event, StepDone)]
    assert [event.samples for event in steps] == [6, 6]


def test_steps_end_in_the_middle_of_an_epoch_with_an_evaluation(make_trainer):
    trainer = make_trainer(steps=10, batch_size=16)
    events = list(trainer.run())
    assert trainer.steps_per_epoch == 7
    done = [event for event in events if isinstance(event, Evaluated)]
    assert [(event.step, event.epoch) for event in done] == [(7, 1), (10, 2)]
    assert (trainer.progress.epoch, trainer.progress.position) == (1, 3)
    assert trainer.finished


def test_extended_run_continues_within_an_epoch(make_trainer):
    """As if it had had that length from the start."""
    short, long = make_trainer(steps=10), make_trainer(steps=20)
    list(short.run())
    extended = make_trainer(steps=20)
    extended.load_state(short.state(), short.progress)
    later, whole = list(extended.run()), list(long.run())
    assert_same_state(extended, long)
    assert later == whole[-len(later) :]
    assert later[0].step == 11


def test_run_can_be_extended_by_epochs(make_trainer):
    short, long = make_trainer(epochs=1), make_trainer(epochs=3)
    list(short.run())
    extended = make_trainer(epochs=3)
    extended.load_state(short.state(), short.progress)
    assert not extended.finished
    list(extended.run())
    list(long.run())
    assert_same_state(extended, long)
    assert extended.progress == long.progress


# When to stop, and which is the best --------------------------------------------------------


class Script:
    """A metric whose results, one for each evaluation, are set by the test."""

    greater_is_better = True
    values: ClassVar[list[float]] = []

    class Config(MetricConfig):
        pass

    def __init__(self, config):
        pass

    def start(self, out_shape):
        return {"seen": np.zeros((), np.int64)}

    def update(self, state, predictions, targets):
        state["seen"] += len(targets)

    def merge(self, state, other):
        state["seen"] += other["seen"]

    def result(self, state):
        return Script.values.pop(0) if int(state["seen"]) == 60 else 0.0


@pytest.fixture
def play(make_trainer, register, monkeypatch):
    """Run epochs of one step with scripted figures; return the trainer and the epochs' events."""
    register("metrics", "script", Script)

    def run(values, greater_is_better=True, **training):
        monkeypatch.setattr(Script, "greater_is_better", greater_is_better)
        monkeypatch.setattr(Script, "values", list(values))
        parts = {"epochs": len(values), "batch_size": 200, "metrics": ["script"]}
        trainer = make_trainer(**parts, **training)
        return trainer, [event for event in trainer.run() if isinstance(event, Evaluated)]

    return run


WATCHED = {"metric": "val/script"}


def test_early_stopping_ends_a_run_without_improvement(play):
    figures = [1, 2, 2, 1.9, 3, 2, 2.5, 3, 9, 9]
    trainer, done = play(figures, early_stopping={**WATCHED, "patience": 3})
    assert len(done) == 8
    assert trainer.finished
    assert trainer.stopped_early
    assert trainer.progress.best_for_stopping.value == 3
    assert list(trainer.run()) == [], "it stays stopped"


def test_longer_patience_continues_the_run(make_trainer, play):
    trainer, _ = play([3, 2, 1, 4, 5, 6], early_stopping={**WATCHED, "patience": 2})
    assert trainer.step == 3
    patient = make_trainer(
        epochs=6, batch_size=200, metrics=["script"], early_stopping={**WATCHED, "patience": 5}
    )
    patient.load_state(trainer.state(), trainer.progress)
    assert not patient.finished
    list(patient.run())
    assert patient.step == 6


def test_an_improvement_must_be_larger_than_min_delta(play):
    early = {**WATCHED, "patience": 2, "min_delta": 0.5}
    _, done = play([1, 1.4, 1.5, 9, 9], early_stopping=early)
    assert len(done) == 3, "1.5 is not more than 0.5 above 1"
    _, done = play([1, 1.6, 1.7, 2.2, 9], early_stopping=early)
    assert len(done) == 5


def test_best_follows_the_metrics_direction_and_is_the_first(play):
    best = {"checkpoint": {"keep_best": WATCHED}}
    values = [2, 1, 3, 3, float("nan"), 0.5]
    trainer, done = play(values, **best)
    assert [event.improved for event in done] == [True, False, True, False, False, False]
    assert (trainer.progress.best.value, trainer.progress.best.step) == (3, 3)
    trainer, done = play(values, greater_is_better=False, **best)
    assert [event.improved for event in done] == [True, True, False, False, False, True]


def test_smaller_loss_is_better(make_trainer):
    trainer = make_trainer(epochs=4, checkpoint={"keep_best": {"metric": "train/loss"}})
    done = [event for event in trainer.run() if isinstance(event, Evaluated)]
    losses = [event.figures["train/loss"] for event in done]
    assert losses == sorted(losses, reverse=True)
    assert [event.improved for event in done] == [True] * 4
