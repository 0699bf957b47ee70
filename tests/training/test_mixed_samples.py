"""Training on augmented and mixed samples: soft targets, evaluation, resuming, refusals."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import SpecError, TransformError
from tinynet.training.events import Evaluated, StepDone

from .states import snapshot

BOTH = ["input", "target"]
ONE_HOT = {"type": "one_hot", "on": "target"}
MIXUP, CUTMIX = ({"type": name, "on": BOTH} for name in ("mixup", "cutmix"))
CROP = {"type": "random_crop", "padding": 1}


def digits(*transforms):
    return {
        "type": "digits",
        "split": {"validation": 60, "test": 1537},
        "transforms": [{"type": "scale", "factor": 0.0625}, *transforms],
    }


@pytest.mark.parametrize("mix", [MIXUP, CUTMIX], ids=lambda mix: mix["type"])
def test_a_classifier_learns_from_mixed_samples(make_trainer, mix):
    optimizer = {"type": "adam", "learning_rate": 0.01}
    data = digits(ONE_HOT, mix)
    trainer = make_trainer(data=data, metrics=["accuracy"], optimizer=optimizer, epochs=10)
    trainer.check()
    figures = [event.figures for event in trainer.run() if isinstance(event, Evaluated)][-1]
    assert figures["val/accuracy"] > 0.85
    assert figures["train/loss"] > figures["val/loss"], "evaluation is not mixed"
    assert figures["train/accuracy"] > 0.4, "the greatest share of a mixed target counts"


@pytest.mark.parametrize("mix", [MIXUP, CUTMIX], ids=lambda mix: mix["type"])
def test_another_batch_and_another_epoch_are_mixed_otherwise(make_trainer, mix):
    data = make_trainer(data=digits(ONE_HOT, mix)).data

    def targets(epoch, first):
        return data.batch("train", np.arange(20), epoch=epoch, first=first).targets["target"]

    assert np.array_equal(targets(0, 0), targets(0, 0))
    seen = {targets(epoch, first).tobytes() for epoch in (0, 1) for first in (0, 20)}
    assert len(seen) == 4


@pytest.mark.parametrize("stop", [1, 6, 13])
def test_a_resumed_run_sees_the_same_mixed_samples(make_trainer, stop):
    settings = {"data": digits(CROP, ONE_HOT, CUTMIX, MIXUP), "epochs": 2}
    whole, half, resumed = (make_trainer(**settings) for _ in range(3))
    list(whole.run())
    steps = (event for event in half.run() if isinstance(event, StepDone))
    while next(steps).step < stop:
        pass
    resumed.load_state({n: a.copy() for n, a in half.state().items()}, half.progress)
    list(resumed.run())
    assert snapshot(resumed) == snapshot(whole)


def test_mixed_samples_do_not_depend_on_threads(make_trainer):
    spec = make_trainer(data=digits(ONE_HOT, MIXUP, CUTMIX), epochs=1).spec
    ended = []
    for threads in (1, 3):
        trainer = tinynet.Trainer(spec, threads=threads)
        list(trainer.run())
        ended.append(snapshot(trainer))
    assert ended[0] == ended[1]


def test_class_weights_are_mixed_like_the_targets(make_trainer):
    data = digits(ONE_HOT, {**MIXUP, "alpha": 5.0})
    weighted = make_trainer(data=data, class_weights={"3": 4.0, "7": 0.0}, steps=1)
    weighted.check()
    first = next(event for event in weighted.run() if isinstance(event, StepDone))
    plain = make_trainer(data=data, steps=1)
    batch = plain.data.batch("train", plain.data.order(0)[:16], epoch=0, first=0)
    values = np.ones(10)
    values[[3, 7]] = 4.0, 0.0
    target = batch.targets["target"]
    loss = plain.train_step(batch.inputs, target, target @ values)
    assert first.loss == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("input", r"mixed in 'input', but not in 'target'; write .on.: \[.input., .target.\]"),
        ("target", r"mixed in 'target', but not in 'input'; write .on.: \[.target., .input.\]"),
    ],
)
def test_all_arrays_that_are_used_must_be_mixed(make_trainer, on, message):
    """Otherwise a network learns that half a 3 and half a 7 is a 3."""
    trainer = make_trainer(data=digits(ONE_HOT, {**MIXUP, "on": on}))
    with pytest.raises(SpecError, match=message) as caught:
        trainer.check()
    assert caught.value.problems[0].pointer == "/data/transforms/2/on"


def test_targets_that_nothing_uses_need_not_be_mixed(make_trainer):
    layers = [{"type": "conv2d", "filters": 1, "kernel_size": 3, "padding": "same"}]
    loss = {"type": "mse", "target": "input:input"}
    trainer = make_trainer(data=digits({**MIXUP, "on": "input"}), layers=layers, loss=loss)
    trainer.check()


def test_classes_without_one_hot_are_refused_when_the_data_are_opened(make_trainer):
    with pytest.raises(TransformError, match=r'add \{"type": "one_hot", "on": "target"\}') as e:
        make_trainer(data=digits(MIXUP))
    assert e.value.problems[0].pointer == "/data/transforms/1"
