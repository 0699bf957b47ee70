"""Warnings about options that change nothing."""

import pytest

from tinynet.network.from_spec import network_from_spec
from tinynet.spec.reading import load_spec
from tinynet.training.advice import advice

TIED = {"type": "dense", "units": 7, "shares": {"weight": "embedding_1/weight.T"}}


def warnings(layers, **training):
    """Return pointer and message of each warning."""
    embedding = {"type": "embedding", "input_dim": 7, "output_dim": 4}
    loaded = load_spec(
        {
            "tinynet": 1,
            "name": "idle",
            "network": {"input_shape": [5], "layers": [embedding, *layers]},
            "training": {
                "steps": 1,
                "loss": "softmax_cross_entropy",
                "optimizer": "sgd",
                **training,
            },
        }
    )
    found = advice(loaded, network_from_spec(loaded, dry=True), None, {})
    return {problem.pointer: problem.message for problem in found}


def of_groups(*groups, **training):
    optimizer = {"type": "sgd", "weight_decay": 0.1, "groups": list(groups)}
    layers = [{"type": "dense", "units": 7}] * 2
    return warnings(layers, optimizer=optimizer, **training)


BIAS = {"params": "*/bias", "weight_decay": 0}
DENSE = {"params": "dense_1/*", "rate_factor": 0.5}

USEFUL = {
    "one": [BIAS],
    "exclusion": [{"params": ["*", "!*/bias"], "rate_factor": 0.5}, BIAS],
    "both options at the end": [BIAS, DENSE, {**DENSE, **BIAS, "params": "dense_1/bias"}],
    "options of the optimizer again": [{"params": "*", "weight_decay": 0}, {"params": "dense_1/*"}],
    "other value of the same option": [BIAS, {**DENSE, "weight_decay": 0.2}],
}


@pytest.mark.parametrize("groups", USEFUL.values(), ids=USEFUL.keys())
def test_useful_groups_have_no_warnings(groups):
    assert of_groups(*groups) == {}


IDLE = {
    "options of the optimizer": ([{"params": "*", "weight_decay": 0.1}], 0, "it has the same"),
    "factor of one": ([{"params": "*", "rate_factor": 1.0}], 0, "it has the same options"),
    "no options": ([{"params": "*/bias"}], 0, "it has the same options"),
    "a later group": ([BIAS, {"params": "*", "rate_factor": 2.0}], 0, "later groups have all"),
}


@pytest.mark.parametrize(("groups", "index", "message"), IDLE.values(), ids=IDLE.keys())
def test_group_that_changes_nothing_is_reported(groups, index, message):
    found = of_groups(*groups)
    assert list(found) == [f"/training/optimizer/groups/{index}"]
    assert f"the group changes nothing: {message}" in found[f"/training/optimizer/groups/{index}"]


def test_group_of_frozen_parameters_is_reported():
    (message,) = of_groups(BIAS, trainable="*/weight").values()
    assert message == ("the group changes nothing: none of its parameters is trained; remove it")


@pytest.mark.parametrize("params", [{}, {"params": ["*", "!*/bias"]}])
def test_constraint_of_frozen_parameters_is_reported(params):
    constraints = [{"type": "unit_norm", "params": "*/bias"}, {"type": "max_norm", **params}]
    layers = [{"type": "dense", "units": 7}]
    found = warnings(layers, constraints=constraints, trainable="*/bias")
    assert list(found) == ["/training/constraints/1"]
    (message,) = found.values()
    assert message == "the constraint changes nothing: none of its parameters is trained; remove it"
    assert warnings(layers, constraints=constraints) == {}


def test_groups_that_stop_all_training_are_reported():
    frozen = {"params": "*", "rate_factor": 0}
    assert "nothing is trained" in of_groups(frozen)["/training/optimizer/groups/0"]
    both = [{"params": "*/weight", "rate_factor": 0}, {"params": "*/bias", "rate_factor": 0}]
    assert "nothing is trained" in of_groups(*both)["/training/optimizer/groups/0"]
    assert of_groups({"params": "*/weight", "rate_factor": 0}) == {}


SWA = {"type": "swa", "start_step": 7}
PIECES = {"type": "piecewise_constant", "boundaries": [8, 20], "values": [1, 0.1, 0.01]}
PLATEAU = {"type": "reduce_on_plateau", "patience": 5}


@pytest.mark.parametrize(
    ("part", "options", "steps", "key", "message"),
    [
        ("average", SWA, 7, "start_step", "it starts at step 7, and the run has 7 steps"),
        ("average", SWA, 1, "start_step", "the run has 1 step; use --set training.average.type"),
        ("lookahead", {"every_steps": 7}, 6, "every_steps", "it acts after every 7 steps"),
        ("schedule", {"type": "cosine", "warmup_steps": 7}, 7, "warmup_steps", "never begins"),
        ("schedule", {"type": "constant", "warmup_steps": 8}, 7, "warmup_steps", "never begins"),
        ("schedule", {**PIECES, "warmup_steps": 2}, 10, "boundaries", "change is after 10 steps"),
        ("schedule", {"type": "step", "step_size": 9}, 9, "step_size", "set 'step_size' to fewer"),
    ],
)
def test_periods_that_the_run_ends_before(part, options, steps, key, message):
    layers = [{"type": "dense", "units": 7}]
    found = warnings(layers, steps=steps, **{part: options})
    assert list(found) == [f"/training/{part}/{key}"]
    assert message in found[f"/training/{part}/{key}"]
    assert warnings(layers, steps=steps + 8, **{part: options}) == {}


def test_a_reduction_of_the_rate_that_early_stopping_comes_before():
    layers = [{"type": "dense", "units": 7}]
    found = warnings(layers, schedule=PLATEAU, early_stopping={"patience": 5})
    assert list(found) == ["/training/schedule/patience"]
    assert "--set training.early_stopping.patience=10" in found["/training/schedule/patience"]
    assert warnings(layers, schedule=PLATEAU, early_stopping={"patience": 6}) == {}
    other = {"patience": 5, "metric": "train/loss"}
    assert warnings(layers, schedule=PLATEAU, early_stopping=other) == {}
    coarse = {**PLATEAU, "min_delta": 0.1}
    assert warnings(layers, schedule=coarse, early_stopping={"patience": 5}) == {}


def test_option_that_a_later_group_overrides_is_reported_with_its_remedy():
    found = of_groups(BIAS, DENSE)
    assert list(found) == ["/training/optimizer/groups/1"]
    message = found["/training/optimizer/groups/1"]
    assert message.startswith("the group takes dense_1/bias from group 0 with all options, so the")
    assert 'with {"weight_decay": 0.0, "rate_factor": 0.5}, or exclude them' in message


def test_initializer_of_a_shared_weight_is_reported():
    found = warnings([{**TIED, "weight_initializer": "zeros"}])
    assert list(found) == ["/network/layers/1/weight_initializer"]
    (message,) = found.values()
    assert "initialize embedding_1/weight there, or remove the option" in message


@pytest.mark.parametrize(
    "options", [{}, {"bias_initializer": "ones"}, {"weight_initializer": "glorot_uniform"}]
)
def test_initializers_with_effect_and_defaults_are_not_reported(options):
    assert warnings([{**TIED, **options}]) == {}


def test_initializer_of_several_weights_has_effect_if_one_is_not_shared():
    first = {"type": "multi_head_attention", "num_heads": 2, "key_dim": 2}
    shares = {"query_weight": "multi_head_attention_1/query_weight"}
    second = {**first, "shares": shares, "weight_initializer": "zeros"}
    assert warnings([first, second]) == {}


def test_losses_that_all_have_weight_0():
    layers = [{"type": "dense", "units": 7}]
    found = warnings(layers, loss={"type": "softmax_cross_entropy", "weight": 0})
    assert list(found) == ["/training/loss"]
    assert found["/training/loss"].startswith("every loss has the weight 0, so that the gradients")
    assert warnings(layers, loss={"type": "softmax_cross_entropy", "weight": 0.1}) == {}
