"""The checks before the first trial: a search must not end hours later at a value that is wrong."""

import json

import pytest

from tinynet.commands.check import check_spec
from tinynet.commands.tune.param_argument import parse_params
from tinynet.commands.tune.preparation import Wishes, prepare
from tinynet.errors import SpecError, TinynetError, UsageError

RATE = "training.optimizer.learning_rate"


@pytest.fixture
def write(tmp_path):
    def write(tuning=None, **training):
        spec = {
            "tinynet": 1,
            "name": "t",
            "data": {"type": "digits", "split": {"validation": 100, "test": 1500}},
            "vars": {"width": 8},
            "network": {
                "layers": [
                    "flatten",
                    {"type": "dense", "units": "$width"},
                    {"type": "dense", "units": 10},
                ]
            },
            "training": {
                "epochs": 2,
                "batch_size": 50,
                "loss": "softmax_cross_entropy",
                "optimizer": "adam",
                "metrics": ["accuracy"],
                **training,
            },
        }
        if tuning is not None:
            spec["tuning"] = tuning
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return path

    return write


def plan(path, *params, **wishes):
    return prepare(path, Wishes(parse_params(params), **wishes))


def test_options_go_before_the_section(write):
    section = {"kind": "log", "low": 1e-4, "high": 1e-1}
    tuning = {"params": {RATE: section}, "trials": 7, "sampler": "random", "seed": 3}
    made = plan(write(tuning), f"{RATE}=log:1e-3:1", "vars.width=choice:8,16", seed=4)
    assert (made.params[RATE].low, set(made.params)) == (1e-3, {RATE, "vars.width"})
    assert (made.trials, made.sampler, made.pruner, made.seed) == (7, "random", "median", 4)
    assert "tuning" not in made.document


@pytest.mark.parametrize(
    ("training", "wish", "metric", "greater"),
    [
        ({}, None, "val/loss", False),
        ({}, "val/accuracy", "val/accuracy", True),
        ({"checkpoint": {"keep_best": {"metric": "val/accuracy"}}}, None, "val/accuracy", True),
        ({"early_stopping": {"metric": "train/loss"}}, None, "train/loss", False),
    ],
)
def test_metric_and_its_direction(write, training, wish, metric, greater):
    """A search in the wrong direction would return the worst values."""
    made = plan(write(**training), f"{RATE}=log:1e-3:1", metric=wish)
    assert (made.metric, made.greater) == (metric, greater)
    changes = made.changes({})
    assert changes["training.checkpoint.keep_best"] == {"metric": metric}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "declares nothing to tune; add --param"),
        (["training.optimizr.learning_rate=log:1e-3:1"], "did you mean 'optimizer'?"),
        (["vars.width=choice:8,0,-1"], "--param vars.width=-1: must be at least 1, not -1"),
        (["vars.width=float:8:16"], "a whole number is expected"),
        (["vars.depth=int:1:3"], "nothing in the spec uses '$depth'"),
        (["network.layers.dense_9.units=int:3:4"], "there is no node 'dense_9'"),
        (["network.layers.dense_2.units=choice:10,9"], "units=9"),
        (["training.metrics=choice:[],[\"acuracy\"]"], "did you mean 'accuracy'?"),
    ],
)  # fmt: skip
def test_every_wrong_range_is_found(write, params, message):
    with pytest.raises(TinynetError) as caught:
        plan(write(), *params)
    assert message in str(caught.value)


def test_wrong_range_of_the_section_has_its_place(write):
    section = {"kind": "choice", "choices": [8, 0]}
    with pytest.raises(SpecError) as caught:
        plan(write({"params": {"vars.width": section}}))
    (problem,) = caught.value.problems
    assert problem.pointer == "/tuning/params/vars.width"
    assert (problem.line, problem.message) == (1, problem.message)
    assert "vars.width=0: must be at least 1" in problem.message


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("training.epochs=int:1:3", "'training.epochs' is set by --set and varied"),
        ("tuning.trials=int:1:3", "'tuning.trials' is a setting of the search"),
        ("training.checkpoint.keep_best.metric=choice:val/loss,train/loss", "use --metric"),
    ],
)
def test_range_of_a_value_that_is_set_elsewhere(write, param, message):
    """Its values would have no effect, and their importance would be noise."""
    with pytest.raises(UsageError) as caught:
        prepare(write(), Wishes(parse_params([param])), overrides={"training.epochs": 2})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("params", "overrides", "message"),
    [
        (
            ["network.layers.1.units=int:3:4", "network.layers.dense_1.units=int:3:5"],
            {},
            "'network.layers.1.units' and 'network.layers.dense_1.units' are the same value",
        ),
        (
            ['training.optimizer=choice:"adam","sgd"', f"{RATE}=log:1e-3:1"],
            {},
            f"'{RATE}' is a part of 'training.optimizer', which is varied, too",
        ),
        (
            ["network.layers.1.units=int:3:4"],
            {"network.layers.dense_1.units": 5},
            "(the same value as 'network.layers.dense_1.units') is set by --set and varied",
        ),
        (
            ['training.optimizer=choice:"adam","sgd"'],
            {RATE: 0.1},
            f"'training.optimizer' (which includes '{RATE}') is set by --set and varied",
        ),
    ],
)
def test_one_value_in_two_spellings(write, params, overrides, message):
    """One of the two would have no effect."""
    with pytest.raises(UsageError) as caught:
        prepare(write(), Wishes(parse_params(params)), overrides=overrides)
    assert message in str(caught.value)


def test_values_beside_each_other_are_separate(write):
    types = "training.optimizer.type=choice:adam,sgd"
    assert set(plan(write(), f"{RATE}=log:1e-3:1", types).params) == {RATE, types.split("=")[0]}
    with_set = {"training.optimizer": "sgd"}
    assert prepare(write(), Wishes(parse_params([f"{RATE}=log:1e-3:1"])), overrides=with_set)


def test_check_finds_wrong_ranges_of_the_section(write):
    """Or `tinynet check` would accept a spec that `tinynet tune` refuses."""
    section = {"kind": "log", "low": 1e-4, "high": 1e-1}
    check_spec(write({"params": {RATE: section}}))
    with pytest.raises(SpecError) as caught:
        check_spec(write({"params": {RATE.replace("optimizer", "optimizr"): section}}))
    (problem,) = caught.value.problems
    assert problem.line == 1
    assert "did you mean 'optimizer'?" in problem.message


def test_unknown_metric(write):
    with pytest.raises(UsageError, match="did you mean 'val/accuracy'"):
        plan(write(), f"{RATE}=log:1e-3:1", metric="val/acuracy")
    with pytest.raises(SpecError) as caught:
        plan(write({"metric": "val/acuracy"}), f"{RATE}=log:1e-3:1")
    assert caught.value.problems[0].pointer == "/tuning/metric"


def test_grid(write):
    made = plan(write(), "vars.width=choice:8,16", "training.epochs=int:1:6:2", sampler="grid")
    assert made.trials == 6
    points = [made.space.grid_point(number) for number in range(6)]
    assert points[:3] == [{"training.epochs": n, "vars.width": "8"} for n in (1, 3, 5)]
    assert len({tuple(sorted(point.items())) for point in points}) == 6
    with pytest.raises(UsageError, match="a grid needs finitely many values"):
        plan(write(), f"{RATE}=log:1e-3:1", sampler="grid")


def test_plan_of_another_search_is_refused(write):
    """Trials of two searches in one study would be compared as if they were of one."""
    first = plan(write(), f"{RATE}=log:1e-3:1")
    first.require_same(first.model_copy(update={"trials": 99}))
    other = plan(write(), f"{RATE}=log:1e-4:1", metric="train/loss")
    with pytest.raises(UsageError) as caught:
        first.require_same(other)
    assert f"{RATE} was log:0.001:1, not log:0.0001:1" in str(caught.value)
    assert "metric was val/loss, not train/loss" in str(caught.value)
