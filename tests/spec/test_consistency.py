"""Parts of a spec that contradict each other: place and remedy."""

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

TWO = {"loss": {"kind": "softmax_cross_entropy", "area": "mse"}}
"""Losses that fit the outputs."""


def spec(outputs=("kind", "area"), **training):
    layers = [
        {"type": "dense", "units": 3, "name": "kind"},
        {"type": "dense", "units": 1, "name": "area"},
    ]
    network = {"input_shape": [4], "layers": layers}
    return {
        "tinynet": 1,
        "name": "test",
        "network": network if outputs is None else {**network, "outputs": outputs},
        "training": {"epochs": 1, "optimizer": "sgd", **training},
    }


def messages(outputs=("kind", "area"), **training):
    with pytest.raises(SpecError) as caught:
        load_spec(spec(outputs, **training))
    return [str(problem) for problem in caught.value.problems]


MISTAKES = {
    "one loss for several outputs": (
        {"loss": "mse"},
        "/training/loss: the network has the outputs kind, area; name those that the losses are"
        ' for: {"kind": {"type": "mse"}, "area": {"type": "mse"}} (an output that is left out is'
        " not trained)",
    ),
    "a metric of an output without a loss": (
        {
            "loss": {"kind": "softmax_cross_entropy"},
            "metrics": ["accuracy", {"type": "mae", "output": "area"}],
        },
        "/training/metrics/1/output: the output 'area' has no loss, and so no target to compare it"
        ' with; give it a loss in training.loss, with "weight": 0 to measure it only',
    ),
    "a metric of the outputs of one loss": (
        {
            "loss": {"kind+area": "contrastive"},
            "metrics": [{"type": "mae", "output": "kind+area"}],
        },
        "/training/metrics/0/output: a metric measures one output, but 'kind+area' are several; set"
        " it to one of kind, area, or leave out the metric: the loss of several outputs is reported"
        " without one",
    ),
    "a figure of an output without a loss": (
        {"loss": {"area": "mse"}, "early_stopping": {"metric": "val/kind/loss"}},
        "/training/early_stopping/metric: no metric is called 'val/kind/loss'; did you mean"
        " 'val/loss'?",
    ),
    "a loss of a misspelt output": (
        {"loss": {"kindd": "mse", "area": "mse"}},
        "/training/loss/kindd: the network has no output 'kindd'; did you mean 'kind'?",
    ),
    "a loss of an unknown output": (
        {"loss": {**TWO["loss"], "aera": "mse"}},
        "/training/loss/aera: the network has no output 'aera'; did you mean 'area'?",
    ),
    "class weights": (
        {**TWO, "class_weights": "balanced"},
        "/training/class_weights: class_weights needs exactly one loss, not kind, area; remove it",
    ),
    "a metric without its output": (
        {**TWO, "metrics": ["accuracy"]},
        '/training/metrics/0: set "output" to one of kind, area',
    ),
    "a metric of an unknown output": (
        {**TWO, "metrics": [{"type": "accuracy", "output": "kid"}]},
        "/training/metrics/0/output: the network has no output 'kid'; did you mean 'kind'?",
    ),
    "a metric twice": (
        {**TWO, "metrics": [{"type": "mae", "output": "area"}] * 2},
        "/training/metrics/1: two metrics are named 'area/mae'; set another \"name\" for this one",
    ),
    "an unknown figure": (
        {**TWO, "early_stopping": {"metric": "val/area/los"}},
        "/training/early_stopping/metric: no metric is called 'val/area/los'; did you mean"
        " 'val/area/loss'?",
    ),
}


@pytest.mark.parametrize(("training", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_contradiction_is_reported_at_its_place(training, expected):
    assert messages(**training) == [expected]


def test_the_example_shows_two_of_many_outputs():
    assert messages({"a": "kind", "b": "kind", "c": "area"}, loss="mse") == [
        "/training/loss: the network has the outputs a, b, c; name those that the losses are for:"
        ' {"a": {"type": "mse"}, "b": {"type": "mse"}, ...} (an output that is left out is not'
        " trained)"
    ]


def test_all_contradictions_are_reported_at_once():
    assert (
        len(messages(loss={"other": "mse"}, metrics=["mae", "r2"], class_weights="balanced")) == 4
    )


@pytest.mark.parametrize(
    "training",
    [
        {"metrics": [{"type": "mae", "output": "area"}, {"type": "accuracy", "output": "kind"}]},
        {"early_stopping": {"metric": "val/kind/loss"}},
        {"checkpoint": {"keep_best": {"metric": "train/area/loss"}}},
        {
            "metrics": [{"type": "mae", "output": "area", "name": "error"}],
            "early_stopping": {"metric": "val/error"},
        },
    ],
)
def test_consistent_parts_are_accepted(training):
    load_spec(spec(**TWO, **training))


@pytest.mark.parametrize(
    ("outputs", "name"), [(None, "output"), ("area", "area"), ({"size": "area"}, "size")]
)
def test_a_single_output_may_be_named_or_not(outputs, name):
    metric = {"type": "mae", "output": name}
    for loss in ("mse", {name: {"type": "mse", "weight": 2.0}}):
        load_spec(spec(outputs, loss=loss, metrics=["r2", metric], class_weights="balanced"))
    (message,) = messages(outputs, loss="mse", early_stopping={"metric": f"val/{name}/loss"})
    assert f"no metric is called 'val/{name}/loss'" in message, "it is called val/loss"


def test_many_losses_of_unknown_outputs_are_reported_quickly():
    losses = {f"output_{index}": {"type": "mse"} for index in range(9_000)}
    assert "more" in messages(loss=losses)[-1]
