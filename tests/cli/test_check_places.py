"""`tinynet check` points at the line and the column of every mistake, whatever finds it."""

import json
from pathlib import Path

import pytest

STAGE = {
    "layers": [
        {"type": "dense", "units": 4, "name": "main"},
        {"type": "tanh", "name": "skip"},
        {"type": "relu", "inputs": "main"},
    ]
}
DENSE = {"type": "dense", "units": 3}


def spec(layers, network=(), training=()):
    return {
        "tinynet": 1,
        "name": "places",
        "network": {"input_shape": [4], **dict(network), "layers": layers},
        "training": {"epochs": 1, "loss": "mse", "optimizer": "adam", **dict(training)},
    }


MISTAKES = {
    "a shared layer that does not fit": (
        spec([{**DENSE, "name": "a"}, {**DENSE, "units": 5}, {"shares": "a"}]),
        '{"shares": "a"}',
        "/network/layers/2: shared_1: it shares the layer of a, whose weight has the shape (4, 3)",
    ),
    "a metric of an output without a loss": (
        spec(
            [{**DENSE, "name": "a"}, {**DENSE, "name": "b"}],
            {"outputs": ["a", "b"]},
            {"loss": {"a": "mse"}, "metrics": [{"type": "mae", "output": "b"}]},
        ),
        '"b"}]}}',
        "/training/metrics/0/output: the output 'b' has no loss",
    ),
    "an output of a block that nothing uses": (
        spec([{"block": "stage"}, {"block": "stage"}, DENSE], {"blocks": {"stage": STAGE}}),
        '{"type": "tanh"',
        "/network/blocks/stage/layers/1: the output of 'stage_1.skip' goes nowhere",
    ),
    "an activation": (
        spec([{**DENSE, "activation": "relu"}]),
        '"activation"',
        "/network/layers/0/activation: unknown key 'activation'; an activation is a layer",
    ),
    "a word of another tool": (
        spec([DENSE], training={"optimizer": {"type": "adam", "lr": 0.1}}),
        '"lr"',
        "/training/optimizer/lr: unknown key 'lr'; did you mean 'learning_rate'?",
    ),
    "a name that is not ASCII": (
        {**spec([DENSE]), "name": "größe"},
        '"größe"',
        '/name: "größe" cannot be a name; a name is up to 100 ASCII letters, digits',
    ),
}


@pytest.mark.parametrize(("wrong", "place", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_pointed_at(tinynet, folder, wrong, place, message):
    text = json.dumps(wrong, ensure_ascii=False)
    for part in ('"network"', '"layers"', '"training"'):
        text = text.replace(part, f"\n{part}")
    Path("spec.json").write_text(text, encoding="utf-8")
    before = text[: text.index(place)]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    result = tinynet("check", "spec.json")
    assert result.code == 2
    assert f"spec.json:{line}:{column}: {message}" in result.err


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 1000 + "1" + "}" * 1000])
def test_deep_nesting_is_one_sentence(tinynet, folder, text):
    Path("deep.json").write_text(text)
    result = tinynet("check", "deep.json")
    assert result.code == 2
    assert "nested at most 64 deep" in result.err
