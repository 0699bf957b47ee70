"""Specs that `load_spec` accepts are valid against the JSON Schema, and most others are not."""

import json
import re
import tomllib
from typing import Any, NamedTuple

import pytest

from tinynet import load_spec
from tinynet.registry import GROUPS, Entry

from .schemas import DENSE, GOOD, HERE, INSTALLED, ROOT, layers, mistake, training, validator


@pytest.mark.parametrize("path", sorted(ROOT.glob("models/*.json")), ids=lambda path: path.stem)
def test_the_examples_are_accepted(installed, path):
    assert mistake(installed, json.loads(path.read_text(encoding="utf-8"))) is None


@pytest.fixture(scope="module")
def with_plugins():
    """A validator of specs that use the example plugins, installed or not."""
    entries = [entry for entry in INSTALLED if entry.distribution == "tinynet-core"]
    with pytest.MonkeyPatch.context() as patch:
        for path in sorted(ROOT.glob("plugins/*/pyproject.toml")):
            patch.syspath_prepend(path.parent)
            project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
            entries += [
                Entry(group, name, project["name"], project["version"], target)
                for group in GROUPS
                for name, target in project["entry-points"].get(f"tinynet.{group}", {}).items()
            ]
        yield validator(entries)


@pytest.mark.parametrize("path", sorted(ROOT.glob("plugins/*/*.json")), ids=lambda path: path.stem)
def test_examples_of_plugins_need_the_plugins(with_plugins, installed, path):
    spec = json.loads(path.read_text(encoding="utf-8"))
    assert mistake(with_plugins, spec) is None
    if not any(entry.distribution == path.parent.name for entry in INSTALLED):
        assert mistake(installed, spec)


def test_the_specs_of_the_readme_are_accepted(installed):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    specs = [block for block in blocks if "tinynet" in block]
    assert specs
    for spec in specs:
        assert mistake(installed, spec) is None


RESIDUAL = {
    "params": {"filters": 8, "kernel_size": None},
    "inputs": ["main", "side"],
    "layers": [
        {"type": "conv2d", "filters": "$filters", "kernel_size": "$kernel_size", "padding": "same",
         "inputs": "input:main"},
        {"type": "relu", "name": "out"},
        {"type": "add", "inputs": ["out", "input:side"]},
    ],
}  # fmt: skip

TWO = [
    "flatten",
    {**DENSE, "name": "kind"},
    {"type": "dense", "units": 1, "name": "size", "inputs": "flatten_1"},
]

VALID = {
    "bare names": layers("flatten", "relu", DENSE),
    "qualified names": layers("tinynet-core:flatten", {**DENSE, "type": "tinynet-core:dense"}),
    "a qualified loss": training(loss="tinynet-core:mse"),
    "an initializer by name": layers("flatten", {**DENSE, "weight_initializer": "he_normal"}),
    "an initializer with options": layers(
        "flatten", {**DENSE, "weight_initializer": {"type": "normal", "stddev": 0.1}}
    ),
    "pairs": layers({"type": "conv2d", "filters": 2, "kernel_size": [3, 1]}, "flatten", DENSE),
    "the schema itself": {"$schema": "./tinynet.schema.json", **json.loads(GOOD)},
    "repeated nodes": layers("flatten", {"type": "dense", "units": 10, "repeat": 3}, "relu"),
    "shared layers": layers(
        "flatten", {**DENSE, "units": 64, "name": "a"}, {"shares": "a", "repeat": 2}, DENSE
    ),
    "a block": layers(
        {"type": "conv2d", "filters": 8, "kernel_size": 1, "name": "stem"},
        {"block": "residual", "inputs": ["stem", "stem"], "kernel_size": 3, "trainable": False},
        {"block": "residual", "inputs": ["residual_1", "stem"], "kernel_size": [1, 3],
         "name": "second"},
        {"shares": "second", "inputs": ["second", "residual_1"]},
        "flatten",
        DENSE,
        blocks={"residual": RESIDUAL},
    ),
    "a block of blocks": layers(
        {"block": "pair", "repeat": 2}, "flatten", DENSE,
        blocks={
            "pair": {"layers": [{"block": "one", "rate": 0.5}, {"block": "one", "repeat": 2}]},
            "one": {"params": {"rate": 0.1}, "layers": [{"type": "dropout", "rate": "$rate"}]},
        },
    ),
    "variables": {
        **layers({"type": "$kind", "filters": "$width", "kernel_size": ["$width", 3]}, "flatten",
                 {**DENSE, "use_bias": "$yes", "weight_initializer": "$start"},
                 input_shape=[8, 8, "$one"]),
        "vars": {"kind": "conv2d", "width": 8, "yes": True, "one": 1,
                 "start": {"type": "normal", "stddev": 0.1}, "comment": "plain data"},
    },
    "variables for large parts": {
        **training(optimizer="$optimizer", metrics="$metrics", loss={"type": "$loss"}),
        "vars": {"optimizer": {"type": "sgd"}, "metrics": ["accuracy"],
                 "loss": "softmax_cross_entropy"},
    },
    "comments everywhere": {
        "comment": ["a", "list"],
        **json.loads(GOOD),
        "data": {"type": "digits", "comment": 1, "split": {"test": 0.1, "comment": None}},
        "network": {"comment": "", "layers": [{"type": "flatten", "comment": {"a": 1}}, DENSE]},
        "training": {
            **json.loads(GOOD)["training"],
            "optimizer": {"type": "sgd", "comment": "plain"},
            "checkpoint": {"keep_best": {"comment": "the default"}, "comment": "x"},
            "class_weights": {"0": 2, "comment": "rare"},
        },
    },
    "one output by name": {
        **training(loss={"kind": "softmax_cross_entropy"}),
        "network": {"layers": TWO[:2], "outputs": "kind"},
    },
    "several outputs": {
        **training(
            loss={"kind": {"type": "softmax_cross_entropy", "weight": 2},
                  "size": {"type": "mse", "target": "target"}},
            metrics=[{"type": "accuracy", "output": "kind"}],
            trainable=["*", "!dense_*/bias"],
        ),
        "network": {"layers": TWO, "outputs": ["kind", "size"]},
    },
    "renamed outputs": {
        **training(
            loss={"a": {"type": "softmax_cross_entropy"}, "type": {"type": "mse"}}, metrics=[]
        ),
        "network": {"layers": TWO, "outputs": {"a": "kind", "type": "size"}},
    },
    "other datasets": {
        **json.loads(GOOD),
        "data": {
            "type": "csv", "path": "a.csv", "target": -1, "features": ["a", 2],
            "test": {"type": "npz", "path": "b.npz"},
            "transforms": [{"type": "standardize", "on": ["input", "target"]}, "one_hot"],
        },
    },
    "inputs by name": layers({**DENSE, "inputs": "input:a"}, input_shape={"a": [3]}),
    "lengths in epochs": training(
        schedule={"type": "piecewise_constant", "warmup_steps": {"epochs": 0.5},
                  "boundaries": [9, {"epochs": 2}], "values": [1, 2, 3]},
        average={"type": "swa", "start_step": {"epochs": 3}, "every_steps": 2},
    ),
    "null for a default": training(schedule=None, steps=None, early_stopping=None),
}  # fmt: skip


@pytest.mark.parametrize("spec", VALID.values(), ids=VALID)
def test_a_spec_that_loads_is_accepted(installed, spec):
    """An editor must not underline a valid spec."""
    load_spec(spec)
    assert mistake(installed, spec) is None


class Case(NamedTuple):
    title: str
    spec: Any
    pointers: list[str]


def bad_specs():
    """Return the cases of the table that are JSON."""
    table = (HERE / "bad_specs.txt").read_text(encoding="utf-8")
    for paragraph in table.split("\n\n"):
        parts: dict[str, list[str]] = {sign: [] for sign in "#-+="}
        for line in paragraph.splitlines():
            if line[:1] in parts and not line.startswith("=="):
                parts[line[0]].append(line[2:])
        if not parts["#"]:
            continue
        text = GOOD.replace("\n".join(parts["-"]), "\n".join(parts["+"]), 1)
        try:
            spec = json.loads(text, parse_constant=int)  # which has no NaN
        except ValueError:
            continue
        pointers = re.findall(r"^\d+:\d+: (/\S*)?", "\n".join(parts["="]), re.MULTILINE)
        yield Case(parts["#"][0], spec, [pointer.rstrip(":") for pointer in pointers])


def test_most_bad_specs_are_refused_at_the_right_place(installed):
    """Names of nodes and rules of plugins are checked by `tinynet check` alone."""
    refused = 0
    for case in bad_specs():
        error = mistake(installed, case.spec)
        if error is None:
            continue
        refused += 1
        place = "".join(f"/{part}" for part in error[0])
        parents = [pointer.rpartition("/")[0] for pointer in case.pointers]
        assert place in (*case.pointers, *parents), f"{case.title}: {error}"
    assert refused >= 70


PRECISE = {
    "a bound": (layers({**DENSE, "units": 0}), ["network", "layers", 0, "units"], "minimum"),
    "an unknown key": (layers({**DENSE, "unit": 3}), ["network", "layers", 0], "'unit'"),
    "a missing key": (layers({"type": "dense"}), ["network", "layers", 0], "'units'"),
    "no type": (layers({"name": "a"}), ["network", "layers", 0], "'type'"),
    "a loss among several": (
        training(loss={"a": {"type": "huber", "delta": 0}}),
        ["training", "loss", "a", "delta"],
        "minimum",
    ),
    "a node that shares and more": (
        layers(DENSE, {"shares": "dense_1", "units": 3}), ["network", "layers", 1], "'units'"
    ),
    "in a block": (
        layers({"block": "a"}, blocks={"a": {"layers": [{"type": "relu", "x": 1}]}}),
        ["network", "blocks", "a", "layers", 0],
        "'x'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "place", "word"), PRECISE.values(), ids=PRECISE)
def test_a_mistake_is_described_precisely(installed, spec, place, word):
    """The message is not "is valid under none of 24 layers"."""
    actual_place, message = mistake(installed, spec)
    assert actual_place == place
    assert word in message


INVALID = {
    "a bare name that needs parameters": layers("flatten", "dense"),
    "a bare name of another kind": layers("adam"),
    "an unknown qualified name": layers({**DENSE, "type": "tinynet-fancy:dense"}),
    "an instance that is repeated zero times": layers({"block": "a", "repeat": 0}),
    "half a repeat": layers({**DENSE, "repeat": 1.5}),
    "both forms of a node": layers({**DENSE, "shares": "a"}),
    "an empty block": layers({"block": "a"}, blocks={"a": {"layers": []}}),
    "an unknown key of a block": layers(
        {"block": "a"}, blocks={"a": {"layers": ["relu"], "output": "relu_1"}}
    ),
    "a variable where its name cannot be one": layers({**DENSE, "units": "$two words"}),
    "a text where a number is expected": layers({**DENSE, "units": "$$ten"}),
    "variables that are not an object": {**json.loads(GOOD), "vars": ["width"]},
    "a variable for the version": {**json.loads(GOOD), "tinynet": "$one", "vars": {"one": 1}},
    "an output with no name": layers(DENSE, outputs={"a b": "dense_1"}),
    "an unknown loss among several": training(loss={"a": "mse", "b": "msee"}),
    "an option of no loss": training(loss={"type": "mse", "delta": 1}),
    "no losses": training(loss={}),
}


@pytest.mark.parametrize("spec", INVALID.values(), ids=INVALID)
def test_a_spec_that_does_not_load_is_refused(installed, spec):
    assert mistake(installed, spec)
