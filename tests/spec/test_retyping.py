"""Overrides of a type: options that the new type cannot take are dropped, with a note."""

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

SPEC = {
    "tinynet": 1,
    "name": "types",
    "vars": {"momentum": 0.5},
    "data": {
        "type": "csv",
        "path": "a.csv",
        "target": "y",
        "split": {"test": 0.2},
        "transforms": [{"type": "standardize", "on": ["input", "target"]}],
    },
    "network": {
        "input_shape": [4],
        "layers": [
            {
                "type": "dense",
                "name": "first",
                "units": 3,
                "weight_initializer": {"type": "normal", "stddev": 0.1},
            },
            {"type": "dropout", "rate": 0.1, "name": "drop"},
        ],
    },
    "training": {
        "epochs": 1,
        "loss": {"type": "huber", "delta": 2.0, "weight": 0.5, "target": "target"},
        "optimizer": {"type": "sgd", "learning_rate": 0.5, "momentum": "$momentum"},
        "schedule": {
            "type": "exponential",
            "decay_rate": 0.5,
            "decay_steps": 10,
            "warmup_steps": 3,
        },
        "metrics": [{"type": "f1", "average": "macro", "name": "figure"}],
    },
}


def resolved(overrides, spec=SPEC):
    loaded = load_spec(spec, overrides)
    return loaded.resolved(), list(loaded.origin.notes)


def test_a_replaced_optimizer_keeps_common_options():
    whole = load_spec(SPEC).resolved()
    changed, notes = resolved({"training.optimizer.type": "adam"}, whole)
    assert changed["training"]["optimizer"]["learning_rate"] == 0.5
    assert changed["training"]["optimizer"]["beta_1"] == 0.9
    assert notes == [
        "training.optimizer.type=adam dropped the parameters momentum, nesterov of the old type,"
        " which 'adam' does not have or cannot take"
    ]


CHANGES = {
    "training.loss.type": ("mse", {"type": "mse", "weight": 0.5, "target": "target"}),
    "training.optimizer.type": ("rmsprop", {"momentum": 0.5, "learning_rate": 0.5}),
    "training.schedule.type": ("cosine", {"type": "cosine", "warmup_steps": 3}),
    "training.metrics.0.type": ("accuracy", {"type": "accuracy", "name": "figure"}),
    "network.layers.drop.type": ("relu", {"type": "relu", "name": "drop"}),
    "network.layers.first.weight_initializer.type": ("zeros", {"type": "zeros"}),
    "data.type": ("digits", {"type": "digits", "split": {"test": 0.2, "stratify": False}}),
    "data.transforms.0.type": ("scale", {"type": "scale", "on": ["input", "target"]}),
}


def at(value, path):
    for key in path.split(".")[:-1]:
        names = {node.get("name"): node for node in value} if isinstance(value, list) else value
        value = value[int(key)] if key.isdecimal() else names[key]
    return value


@pytest.mark.parametrize(("path", "expected"), CHANGES.items())
@pytest.mark.parametrize("is_resolved", [False, True])
def test_every_type_can_be_replaced(path, expected, is_resolved):
    new, kept = expected
    spec = load_spec(SPEC).resolved() if is_resolved else SPEC
    overrides = {path: new}
    if new == "scale":
        overrides["data.transforms.0.factor"] = 2.0
    changed, _ = resolved(overrides, spec)
    assert kept.items() <= at(changed, path).items()


def test_overridden_options_are_never_dropped():
    """Otherwise the override would be ignored silently."""
    adam = load_spec(SPEC, {"training.optimizer": "adam"}).resolved()
    changes = {"training.optimizer.beta_1": 0.5, "training.optimizer.type": "sgd"}
    with pytest.raises(SpecError) as caught:
        load_spec(adam, changes)
    (problem,) = caught.value.problems
    assert problem.pointer == "/training/optimizer/beta_1"
    assert "(override training.optimizer.beta_1)" in str(problem)


def test_a_value_that_the_new_type_cannot_take_is_dropped():
    spec = {**SPEC, "network": {"input_shape": [4, 4, 1], "layers": [
        {"type": "up_sampling2d", "size": [2, 2], "name": "a"}, "flatten",
    ]}}  # fmt: skip
    assert load_spec(spec)
    changed, notes = resolved({"network.layers.a.type": "relu"}, spec)
    assert changed["network"]["layers"][0] == {"type": "relu", "name": "a", "trainable": True}
    assert len(notes) == 1


def test_a_replaced_average_drops_the_parameters_of_the_old_type():
    spec = {**SPEC, "training": {**SPEC["training"], "average": {"type": "ema", "decay": 0.9}}}
    swa = {"training.average.start_step": 3, "training.average.type": "swa"}
    for overrides in (swa, dict(reversed(swa.items()))):
        changed, notes = resolved(overrides, spec)
        assert changed["training"]["average"] == {"type": "swa", "start_step": 3, "every_steps": 1}
        assert notes == [
            "training.average.type=swa dropped the parameter decay of the old type, which 'swa'"
            " does not have or cannot take"
        ]
    back, _ = resolved({"training.average.type": "ema"}, changed)
    assert back["training"]["average"] == {"type": "ema", "decay": 0.999}


def test_the_same_type_drops_nothing():
    changed, notes = resolved({"training.optimizer.type": "sgd"})
    assert changed["training"]["optimizer"]["momentum"] == 0.5
    assert notes == []


def test_an_unknown_type_is_the_only_mistake():
    with pytest.raises(SpecError) as caught:
        load_spec(SPEC, {"training.optimizer.type": "adm"})
    assert [str(problem) for problem in caught.value.problems] == [
        "/training/optimizer/type: there is no optimizer 'adm'; did you mean 'adam'?"
        " (override training.optimizer.type)"
    ]
