"""Splits in which nothing counts for a loss: a mean of 0 would be the best of all."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.commands.check import check_spec
from tinynet.errors import DataError
from tinynet.training.events import Evaluated

PAD, SAMPLES, STEPS = -100, 20, 3
ROWS = {"train": slice(0, 12), "val": slice(12, 16), "test": slice(16, 20)}
CROSS = {"type": "softmax_cross_entropy"}
IGNORING = {**CROSS, "ignore_label": PAD}


@pytest.fixture
def write(tmp_path):
    """Write samples and a spec, and return the spec's path."""

    def write(labels=None, weights=None, loss=IGNORING, **training):
        x = np.random.default_rng(0).normal(size=(SAMPLES, STEPS, 2))
        labels = (
            np.arange(SAMPLES * STEPS).reshape(SAMPLES, STEPS) % 2 if labels is None else labels
        )
        weights = np.ones(SAMPLES) if weights is None else weights
        np.savez(tmp_path / "data.npz", x=x, y=labels, w=weights)
        spec = {
            "tinynet": 1,
            "name": "counted",
            "data": {
                "type": "npz",
                "path": "data.npz",
                "weights": "w",
                "target_type": "number" if "ignore_label" in loss else "class",
                "split": {"order": "as_is", "validation": 4, "test": 4},
            },
            "network": {"layers": [{"type": "dense", "units": 2}]},
            "training": {
                "epochs": 1,
                "batch_size": 4,
                "loss": loss,
                "optimizer": "sgd",
                **training,
            },
        }
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec))
        return path

    return write


def without(split, value=PAD):
    """Return labels that are all ignored in a split, or weights that are all 0."""
    array = np.arange(SAMPLES * STEPS).reshape(SAMPLES, STEPS) % 2 if value else np.ones(SAMPLES)
    array[ROWS[split]] = value
    return array


def message_of(call, *arguments, **options):
    with pytest.raises(DataError) as caught:
        call(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("average_over", ["samples", "positions"])
@pytest.mark.parametrize("split", ROWS)
def test_a_split_of_ignored_labels_is_refused(write, tmp_path, split, average_over):
    path = write(without(split), loss={**IGNORING, "average_over": average_over})
    start = f"nothing in the {split} split counts for this loss: every label is the one that it"
    for message in (
        message_of(check_spec, path),
        message_of(tinynet.train, path, tmp_path / "run"),
    ):
        assert f"{start} ignores, -100; correct the labels" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("split", "loss"), [("val", CROSS), ("test", CROSS), ("val", IGNORING)])
def test_a_split_of_weights_of_0_is_refused(write, split, loss):
    message = message_of(check_spec, write(weights=without(split, 0), loss=loss))
    which = "every weight is" if loss is CROSS else "the weight of every other label is"
    assert f"nothing in the {split} split counts for this loss: {which} 0" in message


@pytest.mark.parametrize("average_over", ["samples", "positions"])
def test_weights_that_are_0_in_float32_do_not_count(write, average_over):
    loss = {**IGNORING, "average_over": average_over}
    small = without("val", 0)
    small[ROWS["val"]] = 1e-300
    message = message_of(check_spec, write(weights=small, loss=loss))
    assert "every other label is 0 in float32; correct the weights" in message
    message = message_of(check_spec, write(loss=CROSS, class_weights={"0": 1e-300, "1": 7e-46}))
    assert "nothing in the train split counts for this loss: every weight is 0 in" in message
    check_spec(write(loss=CROSS, class_weights={"0": 1e-300, "1": 8e-46}))


def test_a_weight_that_is_0_in_float32_is_as_one_of_0(write):
    """Its positions would else lower the mean of those that count."""
    figures = []
    for value in (0, 1e-300):
        weights = np.ones(SAMPLES)
        weights[[1, 13]] = value
        loss = {**IGNORING, "average_over": "positions"}
        trainer = tinynet.Trainer(write(weights=weights, loss=loss, metrics=["accuracy"]))
        *_, done = trainer.run()
        figures.append(done.figures)
    assert figures[0] == figures[1]


def test_classes_of_weight_0_do_not_count_in_training(write):
    labels = np.zeros((SAMPLES, STEPS), int)
    labels[12:] = 1
    message = message_of(check_spec, write(labels, loss=CROSS, class_weights={"0": 0.0}))
    assert "nothing in the train split counts for this loss: every weight is 0" in message
    assert message.count("nothing in the") == 1


def test_the_remedy_to_leave_out_a_split_works(write):
    message = message_of(check_spec, write(without("val")))
    option = "data.split.validation=0"
    assert message.endswith(f"or leave out this split with --set {option}")
    assert check_spec(write(without("val")), overrides={"data.split.validation": 0}).splits.val == 0


def test_the_remedy_to_leave_out_a_dataset_works(write, tmp_path):
    write(np.full((SAMPLES, STEPS), PAD)).with_name("data.npz").rename(tmp_path / "other.npz")
    spec = json.loads(write().read_text())
    other = {"type": "npz", "path": "other.npz", "target_type": "number"}
    spec["data"] |= {"test": other, "split": {"validation": 4}}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(spec))
    message = message_of(check_spec, path)
    assert message.endswith("with --set data.test=null --set data.split.test=0")
    assert check_spec(path, overrides={"data.test": None, "data.split.test": 0}).splits.test == 0


def test_the_last_split_in_order_is_not_to_be_left_out(write):
    """Its samples would be the next ones of validation."""
    assert "--set" not in message_of(check_spec, write(without("test")))


def test_a_monitored_split_cannot_be_left_out(write):
    path = write(without("val"), early_stopping={"metric": "val/loss"})
    assert "--set" not in message_of(check_spec, path)


def test_a_split_that_no_longer_counts_is_refused_at_evaluation(write, tmp_path):
    run = tinynet.train(write(), tmp_path / "run")
    write(without("val"))
    message = message_of(run.evaluate, "val", observer=lambda event: None)
    assert message.endswith("every label is the one that it ignores, -100; correct the labels")
    assert run.evaluate("test", observer=lambda event: None)["loss"] > 0


def test_a_split_is_refused_without_a_check_too(write):
    trainer = tinynet.Trainer(write(without("val")))
    assert "nothing in the val split counts" in message_of(list, trainer.run())


def test_a_batch_without_counted_positions_adds_nothing(write):
    labels = without("train", 1)
    labels[:4] = PAD
    rest = tinynet.Trainer(write(labels)).train_step
    assert rest(np.ones((4, STEPS, 2)), np.full((4, STEPS), PAD)) == 0
    trainer = tinynet.Trainer(write(labels))
    trainer.check()
    *_, done = trainer.run()
    assert done.figures["train/loss"] > 0


def test_a_part_of_an_epoch_in_which_nothing_counts_has_no_figure(write, tmp_path):
    """It would be the best, and stop the training early."""
    labels = without("train")
    labels[0] = 1
    monitors = {
        "checkpoint": {"keep_best": {"metric": "train/loss"}},
        "early_stopping": {"metric": "train/loss", "patience": 9},
    }
    path = write(labels, evaluate_every_steps=1, epochs=3, **monitors)
    events = []
    run = tinynet.train(path, tmp_path / "run", observer=events.append)
    losses = [e.figures["train/loss"] for e in events if isinstance(e, Evaluated)]
    counted = [loss for loss in losses if np.isfinite(loss)]
    assert (len(losses), len(counted)) == (9, 3)
    assert run.best_evaluation.value == min(counted) > 0
    assert [line["train/loss"] is None for line in run.history] == [np.isnan(x) for x in losses]


PERPLEXITY = {"type": "perplexity", "ignore_label": 1}
MONITORS = {
    "early_stopping": {"early_stopping": {"metric": "val/perplexity"}},
    "checkpoint/keep_best": {"checkpoint": {"keep_best": {"metric": "val/perplexity"}}},
    "schedule": {"schedule": {"type": "reduce_on_plateau", "metric": "val/perplexity"}},
}


@pytest.mark.parametrize("pointer", MONITORS)
def test_a_metric_that_ignores_a_whole_split_cannot_be_monitored(write, pointer):
    path = write(without("val", 1), loss=CROSS, metrics=[PERPLEXITY], **MONITORS[pointer])
    message = message_of(check_spec, path)
    assert f"/training/{pointer}/metric" in message
    assert message.endswith(
        "nothing in the val split counts for the metric 'perplexity': every label is the one that"
        " it ignores, 1, or has the weight 0; monitor another figure, such as val/loss, or correct"
        " the labels"
    )
    check_spec(write(loss=CROSS, metrics=[PERPLEXITY], **MONITORS[pointer]))
    check_spec(write(without("test", 1), loss=CROSS, metrics=[PERPLEXITY], **MONITORS[pointer]))


def test_labels_of_weight_0_do_not_count_for_a_metric(write):
    labels, weights = without("val", 1), np.ones(SAMPLES)
    labels[12] = weights[12] = 0
    metrics = {"metrics": [PERPLEXITY], **MONITORS["early_stopping"]}
    message = message_of(check_spec, write(labels, weights, CROSS, **metrics))
    assert "nothing in the val split counts for the metric 'perplexity'" in message
    check_spec(write(labels, loss=CROSS, **metrics))


def test_a_metric_that_ignores_everything_has_no_figure(write, tmp_path):
    """It would be 0: the best perplexity of all."""
    labels = without("val", 1)
    run = tinynet.train(write(labels, loss=CROSS, metrics=[PERPLEXITY]), tmp_path / "run")
    (line,) = run.history
    assert line["val/perplexity"] is None
    assert line["train/perplexity"] > 1
    assert np.isnan(run.evaluate("val", observer=lambda event: None)["perplexity"])
    assert run.evaluate("test", observer=lambda event: None)["perplexity"] > 1


def test_a_part_of_an_epoch_that_a_metric_ignores_is_never_the_best(write, tmp_path):
    labels = without("train", 1)
    labels[0] = 0
    monitors = {"checkpoint": {"keep_best": {"metric": "train/perplexity"}}}
    metrics = {"metrics": [PERPLEXITY], "evaluate_every_steps": 1, "epochs": 3}
    run = tinynet.train(write(labels, loss=CROSS, **metrics, **monitors), tmp_path / "run")
    figures = [line["train/perplexity"] for line in run.history]
    assert figures.count(None) == 6
    assert run.best_evaluation.value == min(filter(None, figures))
