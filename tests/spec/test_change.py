"""Changes of the spec of a resumed run, and their effects."""

import copy

import pytest

from tinynet import load_spec
from tinynet.errors import CheckpointMismatchError
from tinynet.spec.change import compare, require_survivable
from tinynet.spec.overrides import override

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "transforms": [{"type": "scale", "factor": 0.5}]},
    "network": {
        "layers": ["flatten", {"type": "dense", "units": 10, "regularizer": "l2"}],
    },
    "training": {
        "epochs": 2,
        "loss": "softmax_cross_entropy",
        "optimizer": {
            "type": "sgd",
            "momentum": 0.9,
            "clip_norm": 1.0,
            "groups": [{"params": "*/bias", "weight_decay": 0}],
        },
        "regularizers": ["l1"],
        "schedule": {"type": "cosine"},
        "metrics": ["accuracy"],
        "early_stopping": {"patience": 3},
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}

EFFECTS = {
    "safe": [
        ("name", "other"),
        ("training.epochs", 3),
        ("training.schedule", {"type": "exponential", "gamma": 0.9}),
        ("training.schedule.warmup_steps", 5),
        ("training.schedule", {"type": "reduce_on_plateau", "metric": "val/loss"}),
        ("training.schedule", None),
        ("training.optimizer.learning_rate", 0.5),
        ("training.optimizer.clip_norm", 2.0),
        ("training.optimizer.clip_value", 0.5),
        ("training.optimizer.weight_decay", 0.1),
        ("training.optimizer.groups.0.weight_decay", 0.1),
        ("training.optimizer.groups.0.rate_factor", 0.1),
        ("training.regularizers.0.factor", 0.1),
        ("network.layers.1.regularizer.factor", 0.1),
        ("training.early_stopping.patience", 9),
        ("training.early_stopping.min_delta", 0.1),
        ("training.checkpoint.every_steps", 10),
        ("training.checkpoint.every_seconds", 1.0),
        ("training.checkpoint.keep_last", 9),
        ("training.log_every_steps", 1),
        ("training.loggers", ["csv"]),
        ("training.log_statistics_every_steps", 10),
        ("network.input_shape", [8, 8, 1]),
    ],
    "optimizer": [
        ("training.optimizer.momentum", 0.5),
        ("training.optimizer.nesterov", True),
        ("training.optimizer", {"type": "adam"}),
        ("network.layers.1.trainable", False),
        ("training.trainable", ["*/weight"]),
    ],
    "figures": [
        ("training.metrics", ["accuracy", "f1"]),
        ("training.metrics.0", "f1"),
        ("training.regularizers", None),
        ("network.layers.1.regularizer", None),
        ("training.evaluate_every_steps", 5),
    ],
    "best": [
        ("training.checkpoint.keep_best", None),
        ("training.checkpoint.keep_best.metric", "val/accuracy"),
    ],
    "early stopping": [
        ("training.early_stopping", None),
        ("training.early_stopping.metric", "train/loss"),
    ],
    "incompatible": [
        ("data.type", "npz"),
        ("data.split.seed", 3),
        ("data.split.stratify", True),
        ("data.split.validation", 0.2),
        ("data.transforms.0.factor", 0.1),
        ("data.transforms", []),
        ("network.dtype", "float64"),
        ("network.layers.1.units", 11),
        ("network.layers.1.name", "head"),
        ("network.layers", ["flatten"]),
        ("training.batch_size", 1),
        ("training.accumulate", 2),
        ("training.seed", 9),
        ("training.loss.label_smoothing", 0.1),
        ("training.loss.weight", 2.0),
        ("training.loss.target", "other"),
        ("training.loss", {"digit": {"type": "softmax_cross_entropy", "weight": 1.0}}),
        ("network.outputs", {"digit": "dense_1"}),
        ("training.class_weights", "balanced"),
        ("training.lookahead", {"every_steps": 5}),
    ],
}


def changes(*edits):
    old = load_spec(SPEC).resolved()
    new = copy.deepcopy(old)
    for path, value in edits:
        override(new, path, value)
    return compare(old, new)


@pytest.mark.parametrize(
    ("expected", "path", "value"),
    [(kind, path, value) for kind, edits in EFFECTS.items() for path, value in edits],
)
def test_every_key_has_its_effect(expected, path, value):
    effects = changes((path, value))
    assert effects
    if path == "training.optimizer":
        # A change of its learning rate alone would be safe.
        effects = [change for change in effects if change.effect != "safe"]
    assert {change.resets or change.effect for change in effects} == {expected}


def test_every_key_of_a_resolved_spec_has_an_effect():
    """A new key is incompatible by default."""
    effects = compare(load_spec(SPEC).resolved(), {})
    assert {change.effect for change in effects} >= {"safe", "incompatible"}
    assert compare({"new_key": 1}, {"new_key": 2})[0].effect == "incompatible"


@pytest.mark.parametrize("key", ["early_stopping", "checkpoint.keep_best"])
def test_a_setting_without_state_may_be_added(key):
    path = f"training.{key}"
    old, new = load_spec(SPEC).resolved(), load_spec(SPEC).resolved()
    override(old, path, None)
    (change,) = compare(old, new)
    assert change.effect == "safe"


@pytest.mark.parametrize(
    ("path", "value", "effects"),
    [
        ("training.schedule.patience", 3, {"safe"}),
        ("training.schedule.warmup_steps", {"epochs": 2}, {"safe"}),
        ("training.schedule.metric", "val/accuracy", {"resets state"}),
        ("training.schedule", None, {"resets state"}),
        ("training.schedule", {"type": "constant"}, {"resets state", "safe"}),
    ],
)
def test_only_another_figure_resets_a_schedule_that_monitors_it(path, value, effects):
    training = {**SPEC["training"], "schedule": {"type": "reduce_on_plateau", "patience": 2}}
    old, new = (load_spec({**SPEC, "training": training}).resolved() for _ in range(2))
    override(new, path, value)
    found = compare(old, new)
    assert {change.effect for change in found} == effects
    assert {change.resets for change in found} <= {"schedule", None}


def test_equal_specs_have_no_changes():
    assert changes() == []


def test_safe_changes_are_never_refused():
    require_survivable(changes(("training.epochs", 3)), allow_reset=False)


def test_state_is_reset_only_with_permission():
    edits = changes(("training.optimizer.momentum", 0.5), ("training.epochs", 3))
    with pytest.raises(CheckpointMismatchError) as caught:
        require_survivable(edits, allow_reset=False)
    assert str(caught.value) == (
        "these changes reset part of the state; add --allow-reset to continue:\n"
        "  /training/epochs: 2 -> 3 (safe)\n"
        "  /training/optimizer/momentum: 0.9 -> 0.5 (resets the optimizer's state)"
    )
    require_survivable(edits, allow_reset=True)


def test_incompatible_changes_are_always_refused():
    edits = changes(("training.seed", 3), ("training.optimizer.momentum", 0.5))
    with pytest.raises(CheckpointMismatchError) as caught:
        require_survivable(edits, allow_reset=True)
    assert "/training/seed: 0 -> 3 (incompatible)" in str(caught.value)
    assert "(resets the optimizer's state)" in str(caught.value)
