"""Errors of optimizers, schedules, metrics, datasets and transforms name the plugin."""

import math
from typing import ClassVar

import numpy as np
import pytest

from tinynet.config import Config
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, PluginError
from tinynet.metric import MetricConfig
from tinynet.optimizer import OptimizerConfig
from tinynet.schedule import ScheduleConfig
from tinynet.targets import BadTargetError
from tinynet.transform import SampleError, TransformConfig


class Step:
    """An optimizer."""

    class Config(OptimizerConfig):
        pass

    def __init__(self, config):
        pass

    def slots(self, param):
        return {}

    def update(self, param, grad, slots, step, rate):
        param -= rate * grad


class Flat:
    """A schedule."""

    class Config(ScheduleConfig):
        pass

    def __init__(self, config):
        pass

    def factor(self, step, total_steps):
        return 1.0


class Count:
    """A metric."""

    greater_is_better = True

    class Config(MetricConfig):
        pass

    def __init__(self, config):
        pass

    def start(self, out_shape):
        return {"count": np.zeros(1)}

    def update(self, state, predictions, targets):
        state["count"] += len(targets)

    def merge(self, state, other):
        state["count"] += other["count"]

    def result(self, state):
        return float(state["count"][0])


class Dots:
    """A dataset of 40 samples."""

    inputs: ClassVar = {"input": Field((2,), "float32")}
    targets: ClassVar = {"y": Field((1,), "float32")}
    fingerprint = "dots"

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        pass

    def __len__(self):
        return 40

    def gather(self, indices):
        x = np.stack([indices, indices], axis=1).astype(np.float32)
        return Batch({"input": x}, {"y": x[:, :1]}, None)


class Same:
    """A transform."""

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        return batch


POINTERS = {
    Step: "/training/optimizer",
    Flat: "/training/schedule",
    Count: "/training/metrics/0",
    Dots: "/data",
    Same: "/data/transforms/0",
}
"""Where a spec names each."""

GROUPS = {
    "optimizers": Step,
    "schedules": Flat,
    "metrics": Count,
    "datasets": Dots,
    "transforms": Same,
}


@pytest.fixture
def train(register, make_trainer):
    """Train an epoch with a plugin of each kind."""
    for group, cls in GROUPS.items():
        register(group, cls.__name__.lower(), cls)

    def run(*, check_only=False):
        trainer = make_trainer(
            layers=[{"type": "dense", "units": 1}],
            data={"type": "dots", "transforms": [{"type": "same", "on": "input"}]},
            epochs=1,
            loss="mse",
            optimizer={"type": "step", "learning_rate": 0.001},
            schedule="flat",
            metrics=["count"],
        )
        trainer.check()
        return [] if check_only else list(trainer.run())

    return run


def test_run_with_correct_plugins(train):
    assert train()


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        (Step, "slots"),
        (Step, "update"),
        (Flat, "factor"),
        (Count, "start"),
        (Count, "update"),
        (Count, "result"),
        (Dots, "gather"),
        (Dots, "__len__"),
        (Same, "describe"),
        (Same, "fit"),
        (Same, "apply"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.parametrize("kind", [IndexError, SystemExit])
def test_exception_names_the_plugin_and_its_version(train, monkeypatch, cls, method, kind):
    """A plugin that calls exit() must not end the run as if it had succeeded."""

    def failing(self, *args):
        raise kind("no such place")

    monkeypatch.setattr(cls, method, failing)
    with pytest.raises(PluginError) as caught:
        train()
    assert str(caught.value) == (
        f"{POINTERS[cls]}: test-plugin:{cls.__name__.lower()} (version 1.0): {method} raised"
        f" {kind.__name__}: no such place ({__file__}:{failing.__code__.co_firstlineno + 1})"
    )


@pytest.mark.parametrize(
    ("cls", "method", "returned", "message"),
    [
        (Step, "slots", None, "must return a dict of arrays; it returned None"),
        (
            Step,
            "slots",
            {"a": [0.0]},
            "must return a dict of arrays that a checkpoint",
        ),
        (
            Step,
            "slots",
            {"a": np.broadcast_to(np.float32(0), (2,))},
            "must return a dict of arrays that a checkpoint can hold: 'a' is read-only; return a",
        ),
        (Flat, "factor", None, "must return a number; it returned None"),
        (Flat, "factor", math.nan, "must return a finite number; it returned nan"),
        (Count, "result", None, "must return a number; it returned None"),
        (Count, "result", "0.5", "must return a number; it returned a value of type str"),
        (Count, "result", np.zeros(2), "must return a number; it returned an array of shape (2,)"),
        (Count, "start", None, "must return a dict of arrays; it returned None"),
        (Dots, "gather", None, "must return a Batch; it returned None"),
        (
            Dots,
            "gather",
            Batch({}, {}),
            "must return the input 'input' in shape (40, 2)",
        ),
        (Same, "describe", None, "must return a Field; it returned None"),
        (Same, "fit", None, "must return a dict of arrays; it returned None"),
        (Same, "apply", None, "must return an array of shape ("),
        (Same, "apply", np.zeros((1, 9)), "must return an array of shape ("),
    ],
    ids=str,
)
def test_wrong_result_names_the_plugin(train, monkeypatch, cls, method, returned, message):
    """Otherwise code that uses the result fails, far from the plugin."""
    monkeypatch.setattr(cls, method, lambda self, *args: returned)
    with pytest.raises(PluginError) as caught:
        train()
    start = f"{POINTERS[cls]}: test-plugin:{cls.__name__.lower()} (version 1.0): {method} "
    assert str(caught.value).startswith(start + message)


@pytest.mark.parametrize(("cls", "method"), [(Flat, "factor"), (Count, "result")])
def test_late_methods_are_checked_before_the_first_step(train, monkeypatch, cls, method):
    """A metric would fail after the first epoch, and a schedule after its warm-up."""
    monkeypatch.setattr(cls, method, lambda self, *args: "x")
    with pytest.raises(PluginError, match=f"{method} must return a number; it returned a value"):
        train(check_only=True)


def test_schedule_is_checked_at_the_last_step(train, monkeypatch):
    monkeypatch.setattr(Flat, "factor", lambda self, step, total: 1.0 if step < total - 1 else "x")
    with pytest.raises(PluginError, match="factor must return a number"):
        train(check_only=True)


def _add_in_place(self, state, batch, rng, training):
    state["mean"] += 1
    return batch


def _replace(self, state, batch, rng, training):
    state["mean"] = state["mean"] + 1
    return batch


def _extend(self, state, batch, rng, training):
    state[f"a{len(state)}"] = np.ones(1)
    return batch


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (_add_in_place, "apply raised ValueError: output array is read-only"),
        (_replace, "apply must not change its state; 'mean' is another"),
        (_extend, "apply must not change its state; 'a1' is another"),
    ],
)
def test_transform_must_not_change_its_fitted_state(train, monkeypatch, apply, message):
    """Otherwise the state would depend on the number of resumes."""
    monkeypatch.setattr(Same, "fit", lambda self, field, batches: {"mean": np.zeros(2)})
    monkeypatch.setattr(Same, "apply", apply)
    with pytest.raises(PluginError) as caught:
        train(check_only=True)
    assert message in str(caught.value)


@pytest.mark.parametrize("cls", POINTERS, ids=lambda cls: cls.__name__)
def test_error_has_the_place_of_a_plugin_that_cannot_be_constructed(train, monkeypatch, cls):
    def failing(self, config):
        raise TypeError("unhashable")

    monkeypatch.setattr(cls, "__init__", failing)
    with pytest.raises(PluginError) as caught:
        train()
    assert str(caught.value) == (
        f"{POINTERS[cls]}: test-plugin:{cls.__name__.lower()} (version 1.0): it could not be"
        f" constructed: TypeError: unhashable ({__file__}:{failing.__code__.co_firstlineno + 1})"
    )


@pytest.mark.parametrize("row", [40, -1, 1.5, None])
@pytest.mark.parametrize(
    ("cls", "method", "error", "samples"),
    [(Same, "apply", SampleError, 40), (Count, "update", BadTargetError, 32)],
    ids=["a transform", "a metric"],
)
def test_error_about_a_row_outside_of_the_batch(
    train, monkeypatch, cls, method, error, samples, row
):
    """The plugin is blamed, and not the code that looks up the line of that row."""

    def refusing(self, *args):
        raise error(row, "it is too dark")

    monkeypatch.setattr(cls, method, refusing)
    with pytest.raises(PluginError) as caught:
        train(check_only=True)
    assert str(caught.value) == (
        f"{POINTERS[cls]}: test-plugin:{cls.__name__.lower()} (version 1.0): {method} raised"
        f" {error.__name__}: {error(row, 'it is too dark')}"
        f" ({__file__}:{refusing.__code__.co_firstlineno + 1}); the batch has {samples} samples,"
        f" so the row must be from 0 to {samples - 1}"
    )


def test_transform_may_refuse_the_last_row(train, monkeypatch):
    def refusing(self, state, batch, rng, training):
        raise SampleError(np.int64(len(batch) - 1), "it is too dark")

    monkeypatch.setattr(Same, "apply", refusing)
    with pytest.raises(DataError, match=r"^sample 39: it is too dark$"):
        train(check_only=True)


def test_transform_that_refuses_a_sample_in_training_names_it(train, monkeypatch):
    def refusing(self, state, batch, rng, training):
        if training and 2 in batch:
            raise SampleError(int(np.argmax(batch[:, 0] == 2)), "it is too dark")
        return batch

    monkeypatch.setattr(Same, "apply", refusing)
    with pytest.raises(DataError, match=r"^sample 2: it is too dark$"):
        train()


@pytest.mark.parametrize("method", ["where", "where_in"])
def test_dataset_that_cannot_locate_a_sample(train, monkeypatch, method):
    def failing(self, *args):
        raise IndexError("no such place")

    monkeypatch.setattr(Dots, method, failing, raising=False)
    if method == "where":
        monkeypatch.setattr(Same, "apply", lambda self, *args: refuse_first())
    else:
        monkeypatch.setattr(Count, "update", lambda self, *args: refuse_target())
    with pytest.raises(PluginError, match=f"^/data: .*dots .* {method} raised IndexError"):
        train(check_only=True)


class Others(Dots):
    """A dataset whose samples cannot be read."""

    def gather(self, indices):
        raise IndexError("no such place")


class Foreign(Config):
    """The configuration of no particular kind of plugin."""

    learning_rate: float = 0.1
    warmup_steps: int = 0


@pytest.mark.parametrize(
    ("cls", "base"), [(Step, "OptimizerConfig"), (Flat, "ScheduleConfig")], ids=["step", "flat"]
)
def test_config_of_another_kind_is_refused_at_its_place(train, monkeypatch, cls, base):
    monkeypatch.setattr(cls, "Config", Foreign)
    with pytest.raises(PluginError) as caught:
        train()
    assert str(caught.value) == (
        f"{POINTERS[cls]}: test-plugin:{cls.__name__.lower()} (version 1.0): its Config must derive"
        f" from {base}"
    )


def refuse_first():
    raise SampleError(0, "it is too dark")


def refuse_target():
    raise BadTargetError(0, "it is too dark")


def test_error_of_a_validation_dataset_has_its_place(register, make_trainer):
    register("datasets", "dots", Dots)
    register("datasets", "others", Others)
    trainer = make_trainer(
        layers=[{"type": "dense", "units": 1}],
        data={"type": "dots", "validation": {"type": "others"}},
        loss="mse",
    )
    with pytest.raises(
        PluginError, match=r"^/data/validation: test-plugin:others .* gather raised"
    ):
        trainer.check()
