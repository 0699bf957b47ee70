"""Hints for the words of other tools: each suggested key exists and works."""

import json
import re

import pytest

from tinynet import registry
from tinynet.errors import SpecError
from tinynet.spec.data_spec import DataSpec, SplitSpec
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec, NodeSpec
from tinynet.spec.reading import load_spec
from tinynet.spec.training_spec import EarlyStoppingSpec, TrainingSpec
from tinynet.text.kinds import NOT_IN_SPECS
from tinynet.text.synonyms import ACTIVATIONS, SYNONYMS, node_hint
from tinynet.text.wording import suggest

PARTS = (Spec, NetworkSpec, NodeSpec, TrainingSpec, EarlyStoppingSpec, DataSpec, SplitSpec)


def spec(node, **training):
    return {
        "tinynet": 1,
        "name": "hints",
        "network": {"input_shape": [8, 8, 1], "layers": [node]},
        "training": {"epochs": 1, "loss": "mse", "optimizer": "adam", **training},
    }


def messages(*arguments, **training):
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*arguments, **training))
    return [problem.message for problem in caught.value.problems]


def names():
    """Yield all keys and types of the spec language."""
    installed = registry.default()
    for group in registry.GROUPS:
        for entry in installed.entries(group):
            yield entry.name
            if group not in NOT_IN_SPECS:
                yield from installed.load(group, entry.qualified).Config.model_fields
    for part in PARTS:
        yield from (*part.model_fields, *getattr(part, "written", ()))


@pytest.mark.parametrize("word", SYNONYMS)
def test_every_synonym_stands_for_a_name_that_exists(word):
    existing = set(names())
    assert set(SYNONYMS[word]) <= existing
    assert suggest(word, SYNONYMS[word][:1]) == f"did you mean '{SYNONYMS[word][0]}'?"


FOREIGN = [
    ({"type": "conv2d", "out_channels": 8, "kernel_size": 3}, "out_channels", "filters"),
    ({"type": "conv2d", "filters": 8, "kernel": 3}, "kernel", "kernel_size"),
    ({"type": "conv2d", "filters": 8, "kernel_size": 3, "bias": False}, "bias", "use_bias"),
    ({"type": "dense", "out_features": 8}, "out_features", "units"),
    ({"type": "reshape", "shape": [64]}, "shape", "target_shape"),
    ({"type": "dropout", "p": 0.5}, "p", "rate"),
    ({"type": "softmax", "dim": -1}, "dim", "axis"),
    ({"type": "leaky_relu", "alpha": 0.1}, "alpha", "negative_slope"),
    ({"type": "batch_norm", "eps": 1e-3}, "eps", "epsilon"),
    ({"type": "hard_shrink", "lambd": 0.3}, "lambd", "threshold"),
    ({"type": "clip", "max_value": 6}, "max_value", "max"),
    ({"type": "reduce_mean", "axis": 1}, "axis", "axes"),
    ({"type": "reduce_mean", "keepdim": True}, "keepdim", "keepdims"),
    ({"type": "group_norm", "num_groups": 1}, "num_groups", "groups"),
    ({"type": "pad", "padding": [1, 1]}, "padding", "pad_width"),
]


@pytest.mark.parametrize(("node", "word", "right"), FOREIGN)
def test_the_suggested_key_is_accepted(node, word, right):
    """The suggested key is not reported as missing."""
    assert messages(node) == [f"unknown key '{word}'; did you mean '{right}'?"]
    assert load_spec(spec({right if k == word else k: v for k, v in node.items()}))


@pytest.mark.parametrize("value", [*ACTIVATIONS, "swish"])
def test_an_activation_is_a_layer_of_its_own(value):
    node = {"type": "conv2d", "filters": 2, "kernel_size": 3}
    (message,) = messages({**node, "activation": value})
    match = re.fullmatch(
        r"unknown key 'activation'; an activation is a layer of its own: add (.*) after this node",
        message,
    )
    changed = spec(node)
    changed["network"]["layers"].append(json.loads(match[1]))
    assert load_spec(changed)


@pytest.mark.parametrize(
    ("option", "suggested"),
    [
        ({"negative_slope": 0.1}, {"type": "leaky_relu", "negative_slope": 0.1}),
        ({"max_value": 6}, {"type": "relu6"}),
        ({"max_value": 4.5}, {"type": "clip", "min": 0, "max": 4.5}),
    ],
)
def test_an_option_of_relu_in_keras_is_a_layer(option, suggested):
    (message,) = messages({"type": "relu", **option})
    assert json.loads(message.partition("use ")[2]) == suggested
    assert load_spec(spec(suggested))


def test_hints_about_layers_are_for_nodes_only():
    assert node_hint("activation", "relu", {"units", "type"}) is None


@pytest.mark.parametrize(
    ("extra", "hint", "added"),
    [
        ({"activation": "linear"}, "leave it out: without an activation the output is linear", {}),
        ({"in_features": 3}, "leave it out: it follows from the input of the node", {}),
        ({"input_shape": [8]}, "it is written once, as network.input_shape", {}),
        (
            {"frozen": True},
            'to freeze the parameters of this node, write "trainable": false',
            {"trainable": False},
        ),
    ],
)
def test_a_key_that_nodes_lack_is_explained(extra, hint, added):
    node = {"type": "dense", "units": 2}
    (key,) = extra
    assert messages({**node, **extra}) == [f"unknown key '{key}'; {hint}"]
    assert load_spec(spec({**node, **added}))


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (
            {"optimizer": {"type": "adam", "lr": 0.1}},
            "unknown key 'lr'; did you mean 'learning_rate'?",
        ),
        ({"loss": "cross_entropy"}, "there is no loss 'cross_entropy'; did you mean"),
        ({"scheduler": "cosine"}, "unknown key 'scheduler'; did you mean 'schedule'?"),
    ],
)
def test_other_parts_of_a_spec_have_hints_too(training, message):
    (text,) = messages({"type": "dense", "units": 2}, **training)
    assert text.startswith(message)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        ("swish", "did you mean 'silu'?"),
        ("hard_swish", "did you mean 'hard_silu'?"),
        ("LeakyReLU", "did you mean 'leaky_relu'?"),
        ("GELU", "did you mean 'gelu'?"),
        ("linear", 'leave the layer out, or use {"type": "identity"}'),
        ("prelu", 'use {"type": "prelu"}'),
    ],
)
def test_a_function_of_other_tools_has_the_hint_of_its_layer(function, hint):
    (message,) = messages({"type": "activation", "activation": function})
    assert message.endswith(f"is expected, not {json.dumps(function)}; {hint}")


@pytest.mark.parametrize(
    ("average", "message"),
    [
        ({"type": "em"}, "'type' must be 'ema' or 'swa', not 'em'"),
        ({"decay": 0.9}, "'type' is required"),
    ],
)
def test_an_average_needs_one_of_its_types(average, message):
    assert messages({"type": "dense", "units": 2}, average=average) == [message]


def test_a_synonym_is_suggested_only_where_its_name_exists():
    assert messages({"type": "flatten", "lr": 1})[0].startswith("unknown key 'lr'; available: ")
