"""The state of a trainer: all that the next step depends on, and nothing else."""

import json

import numpy as np
import pytest
from pydantic import TypeAdapter

from tinynet.builtin.metrics.accuracy import Accuracy
from tinynet.errors import CheckpointMismatchError
from tinynet.training.events import Evaluating
from tinynet.training.progress import Progress

from .states import snapshot

# State --------------------------------------------------------------------------------------


def test_state_has_all_arrays_of_the_next_step(make_trainer):
    trainer = make_trainer(
        layers=[{"type": "flatten"}, {"type": "batch_norm"}, {"type": "dense", "units": 10}],
        optimizer={"type": "sgd", "momentum": 0.9},
        metrics=["accuracy", {"type": "f1", "name": "f1.macro"}],
    )
    params = {"batch_norm_1/gamma", "batch_norm_1/beta", "dense_1/weight", "dense_1/bias"}
    assert trainer.state().keys() == {
        *(f"params/{name}" for name in params),
        *(f"slots/{name}/velocity" for name in params),
        "buffers/batch_norm_1/running_mean",
        "buffers/batch_norm_1/running_var",
        "figures/seen",
        "figures/accuracy/correct",
        "figures/accuracy/count",
        *(f"figures/f1.macro/{name}" for name in ("hits", "predicted", "true")),
    }


def test_mismatching_state_is_an_error_with_all_reasons(make_trainer):
    trainer = make_trainer(optimizer="adam", metrics=["accuracy"])
    list(trainer.run())
    state = {name: array.copy() for name, array in trainer.state().items()}
    state.pop("slots/dense_1/bias/first_moment")
    state.pop("figures/accuracy/count")
    state["params/dense_2/weight"] = np.zeros(3)
    state["params/dense_1/weight"] = np.zeros((3, 3))
    state["params/dense_1/bias"] = state["params/dense_1/bias"].astype("float32") + 7
    state["figures/recall/hits"] = np.zeros(3)
    fresh = make_trainer(optimizer="adam", metrics=["accuracy"])
    before = snapshot(fresh)
    with pytest.raises(CheckpointMismatchError) as caught:
        fresh.load_state(state, trainer.progress)
    assert str(caught.value).splitlines()[1:] == [
        "  figures/accuracy/count is missing",
        "  slots/dense_1/bias/first_moment is missing",
        "  figures/recall/hits is not in the network",
        "  params/dense_2/weight is not in the network",
        "  params/dense_1/bias is float32 (10,), but in the network float64 (10,)",
        "  params/dense_1/weight is float64 (3, 3), but in the network float64 (64, 10)",
    ]
    assert snapshot(fresh) == before
    assert fresh.step == 0


def test_loaded_state_is_copied(make_trainer):
    """Loaded arrays may be a read-only memory map of a file."""
    trainer = make_trainer(optimizer="adam", metrics=["accuracy"])
    list(trainer.run())
    state = {name: array.copy() for name, array in trainer.state().items()}
    for array in state.values():
        array.flags.writeable = False
    kept = {name: array.tobytes() for name, array in state.items()}
    fresh = make_trainer(optimizer="adam", metrics=["accuracy"], epochs=3)
    fresh.load_state(state, trainer.progress)
    list(fresh.run())
    assert {name: array.tobytes() for name, array in state.items()} == kept
    assert trainer.progress.step == 14
    assert fresh.progress.step == 21


class Slashed(Accuracy):
    def start(self, out_shape):
        return {"a/b": np.zeros((), np.int64), "a/c/d": np.zeros(2)}

    def update(self, state, predictions, targets):
        state["a/b"] += len(targets)
        state["a/c/d"] += [1, 2]

    def result(self, state):
        return float(state["a/b"])


def test_metric_arrays_may_have_slashes_in_their_names(make_trainer, register):
    register("metrics", "slashed", Slashed)
    trainer, fresh = make_trainer(metrics=["slashed"]), make_trainer(metrics=["slashed"])
    events = trainer.run()
    next(events), next(events)
    fresh.load_state(trainer.state(), trainer.progress)
    assert fresh.state()["figures/slashed/a/b"] == 32
    assert snapshot(fresh) == snapshot(trainer)


# Resuming -----------------------------------------------------------------------------------


@pytest.fixture
def everything(make_trainer):
    """A run with all that has state: dropout, batch norm, schedule, early stopping, metrics."""
    return lambda: make_trainer(
        data={
            "type": "digits",
            "split": {"validation": 40, "test": 1677, "stratify": True},
            "transforms": ["standardize"],
        },
        layers=[
            {"type": "conv2d", "filters": 3, "kernel_size": 3, "strides": 2},
            {"type": "batch_norm"},
            {"type": "relu"},
            {"type": "dropout", "rate": 0.3},
            {"type": "flatten"},
            {"type": "dense", "units": 10},
        ],
        network={"dtype": "float32"},
        epochs=6,
        batch_size=10,
        accumulate=2,
        optimizer={"type": "adam", "learning_rate": 0.05, "clip_norm": 1.0},
        schedule={"type": "cosine", "warmup_steps": 3},
        metrics=["accuracy", "f1", {"type": "top_k_accuracy", "k": 3}],
        class_weights={"3": 2.0},
        early_stopping={"metric": "val/loss", "patience": 2, "min_delta": 1.0},
        checkpoint={"keep_best": {"metric": "val/accuracy"}},
    )


def progress_of(saved):
    """Return the progress as a checkpoint restores it."""
    return TypeAdapter(Progress).validate_json(json.dumps(saved), strict=True)


def test_resumed_run_equals_an_uninterrupted_one(everything):
    """Every tensor, the progress and every figure, bit for bit."""
    trainer = everything()
    moments, events = [], []
    for event in trainer.run():
        events.append(event)
        state = {name: array.copy() for name, array in trainer.state().items()}
        moments.append((state, trainer.progress.to_json()))
    assert trainer.stopped_early, "the case must cover it"
    end, progress = snapshot(trainer), trainer.progress
    for index, (state, saved) in enumerate(moments):
        resumed = everything()
        resumed.load_state(state, progress_of(saved))
        rest = list(resumed.run())
        assert snapshot(resumed) == end, f"resumed after {events[index]}"
        assert resumed.progress == progress
        again = [event for event in events[index + 1 :] if not isinstance(event, Evaluating)]
        assert [event for event in rest if not isinstance(event, Evaluating)] == again
