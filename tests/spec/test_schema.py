"""`spec_schema`: what an editor is told of specs is what `load_spec` does with them."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import Field

from tinynet import load_spec, registry
from tinynet.config import Config, Frozen, Reference
from tinynet.registry import GROUPS, Entry, Registry
from tinynet.spec.schema import spec_schema

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = (HERE / "bad_specs.json").read_text(encoding="utf-8")

KNOWN = [entry for group in GROUPS for entry in registry.default().entries(group)]


def validator(entries=KNOWN):
    return Draft202012Validator(spec_schema(Registry(entries)))


@pytest.fixture(scope="module")
def ours():
    """A validator of specs that use what tinynet comes with."""
    return validator()


def mistake(validator, spec):
    """Place and message of the one mistake that says most; None where there is none."""
    error = best_match(validator.iter_errors(spec))
    return error and (list(error.absolute_path), error.message)


def layers(*nodes, **network):
    """The good spec with other nodes."""
    return {**json.loads(GOOD), "network": {**network, "layers": list(nodes)}}


def training(**changes):
    """The good spec with other training."""
    spec = json.loads(GOOD)
    return {**spec, "training": {**spec["training"], **changes}}


DENSE = {"type": "dense", "units": 10}


# The document ----------------------------------------------------------------------------------


def test_it_is_json_schema(ours):
    Draft202012Validator.check_schema(ours.schema)
    assert ours.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_says_what_it_is_for(ours):
    """A schema lies about every other installation; one must see which it was made in."""
    for entry in KNOWN:
        assert f"{entry.distribution} {entry.version}" in ours.schema["description"]
    assert "$comment" not in ours.schema


def test_it_is_the_same_whatever_order_things_are_found_in(ours):
    """It is committed beside specs: a diff must mean a change."""
    again = spec_schema(Registry(reversed(KNOWN)))
    assert json.dumps(again) == json.dumps(ours.schema)


def references(schema):
    for key, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "$ref":
            yield part
        elif isinstance(part, dict | list):
            yield from references(part)


def test_every_definition_is_there_and_used(ours):
    used = {reference.removeprefix("#/$defs/") for reference in references(ours.schema)}
    assert used == ours.schema["$defs"].keys()


def test_every_parameter_of_every_type_has_its_description_and_default(ours):
    definitions = ours.schema["$defs"]
    for entry in KNOWN:
        if entry.group == "kernels":
            continue
        cls = registry.default().load(entry.group, entry.qualified)
        fields = cls.Config.model_fields
        summary = cls.__doc__.partition("\n")[0]  # a loss and a metric may have the same name
        found = [
            definition
            for key, definition in definitions.items()
            if key.endswith(f".{entry.qualified}") and definition["description"] == summary
        ]
        assert found, entry
        for name, field in fields.items():
            for definition in found:
                told = definition["properties"][name]
                assert told["description"] == field.description
                assert ("default" in told) != field.is_required()


def test_every_key_of_the_grammar_is_described(ours):
    definitions = ours.schema["$defs"]

    def described(part):
        if part is True:  # of a type's definition: what the definition of its kind says
            return True
        inner = [definitions[r.removeprefix("#/$defs/")] for r in references(part)]
        return any("description" in p for p in (part, *inner))

    for key, definition in {"": ours.schema, **definitions}.items():
        for name, part in definition.get("properties", {}).items():
            assert described(part), f"{key}/{name}"


# What it accepts -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOT.glob("models/*.json")), ids=lambda path: path.stem)
def test_the_examples_are_accepted(ours, path):
    assert mistake(ours, json.loads(path.read_text(encoding="utf-8"))) is None


@pytest.fixture(scope="module")
def with_plugins():
    """A validator of specs that use the example plugins, installed or not."""
    entries = [entry for entry in KNOWN if entry.distribution == "tinynet-core"]
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
def test_the_examples_of_plugins_are_accepted_where_they_are_installed(with_plugins, ours, path):
    spec = json.loads(path.read_text(encoding="utf-8"))
    assert mistake(with_plugins, spec) is None
    if not any(entry.distribution == path.parent.name for entry in KNOWN):
        assert mistake(ours, spec)


def test_the_specs_of_the_readme_are_accepted(ours):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    specs = [block for block in blocks if "tinynet" in block]
    assert specs
    for spec in specs:
        assert mistake(ours, spec) is None


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
        "comment": ["said", "here"],
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
    "null where nothing is said": training(schedule=None, steps=None, early_stopping=None),
}  # fmt: skip


@pytest.mark.parametrize("spec", VALID.values(), ids=VALID)
def test_what_loads_is_accepted(ours, spec):
    """An editor that underlines what works is switched off."""
    load_spec(spec)
    assert mistake(ours, spec) is None


# What it refuses -------------------------------------------------------------------------------


class Case(NamedTuple):
    title: str
    spec: Any
    pointers: list[str]


def bad_specs():
    """Those cases of the table that are JSON."""
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


def test_most_bad_specs_are_refused_each_at_its_place(ours):
    """What needs names of nodes or rules of plugins is left to `check`; the rest an editor sees."""
    refused = 0
    for case in bad_specs():
        found = mistake(ours, case.spec)
        if found is None:
            continue
        refused += 1
        place = "".join(f"/{part}" for part in found[0])
        parents = [pointer.rpartition("/")[0] for pointer in case.pointers]
        assert place in (*case.pointers, *parents), f"{case.title}: {found}"
    assert refused >= 70


TELLING = {
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


@pytest.mark.parametrize(("spec", "place", "word"), TELLING.values(), ids=TELLING)
def test_one_mistake_is_told_as_what_it_is(ours, spec, place, word):
    """Not as "is valid under none of 24 layers"."""
    found_place, message = mistake(ours, spec)
    assert found_place == place
    assert word in message


INVALID = {
    "a bare name that needs parameters": layers("flatten", "dense"),
    "a bare name of another kind": layers("adam"),
    "no such qualified name": layers({**DENSE, "type": "tinynet-fancy:dense"}),
    "a use that is repeated no times": layers({"block": "a", "repeat": 0}),
    "half a repeat": layers({**DENSE, "repeat": 1.5}),
    "both forms of a node": layers({**DENSE, "shares": "a"}),
    "an empty block": layers({"block": "a"}, blocks={"a": {"layers": []}}),
    "an unknown key of a block": layers(
        {"block": "a"}, blocks={"a": {"layers": ["relu"], "output": "relu_1"}}
    ),
    "a variable where its name cannot be one": layers({**DENSE, "units": "$two words"}),
    "a text where a number is expected": layers({**DENSE, "units": "$$ten"}),
    "variables that are no object": {**json.loads(GOOD), "vars": ["width"]},
    "a variable for the version": {**json.loads(GOOD), "tinynet": "$one", "vars": {"one": 1}},
    "an output with no name": layers(DENSE, outputs={"a b": "dense_1"}),
    "an unknown loss among several": training(loss={"a": "mse", "b": "msee"}),
    "an option of no loss": training(loss={"type": "mse", "delta": 1}),
    "no losses": training(loss={}),
}


@pytest.mark.parametrize("spec", INVALID.values(), ids=INVALID)
def test_what_does_not_load_is_refused(ours, spec):
    assert mistake(ours, spec)


# Plugins ---------------------------------------------------------------------------------------


class Schedule(Reference):
    """A schedule, and what it moves."""

    group: ClassVar[str] = "schedules"
    of: str = Field(description="What it moves.")


class Bend(Frozen):
    """A point of a curve."""

    at: float = Field(ge=0, description="Where, in steps.")
    then: "Bend | None" = Field(default=None, description="What comes after.")


class Curve:
    """A layer whose parameters are objects of its own."""

    class Config(Config):
        """What it takes."""

        bend: Bend = Field(description="The first bend.")
        moved: tuple[Schedule, ...] = Field(default=(), description="What moves.")


class Untold:
    """A layer whose parameters no schema can describe."""

    class Config(Config):
        """Not data."""

        function: Callable[[int], int] = Field(description="Any function.")


def entry(name, cls=Curve, distribution="test-plugin"):
    return Entry("layers", name, distribution, "1.2", f"{cls.__module__}:{cls.__qualname__}")


def test_a_plugin_may_have_objects_within_objects():
    known = validator([*KNOWN, entry("curve")])
    curve = {"type": "curve", "bend": {"at": 1, "then": {"at": "$there", "comment": "x"}}}
    assert mistake(known, layers(curve)) is None
    moved = {"type": "step", "step_size": 5, "of": "x"}
    assert mistake(known, layers({**curve, "moved": [moved]})) is None
    for wrong, place in (
        ({"at": 1, "then": {"at": -1}}, ["bend", "then", "at"]),
        ({"at": 1, "then": {"at": 1, "x": 1}}, ["bend", "then"]),
    ):
        found = mistake(known, layers({**curve, "bend": wrong}))
        assert found[0] == ["network", "layers", 0, *place]
    for wrong in ({"type": "step", "of": "x"}, {**moved, "x": 1}, {**moved, "type": "stp"}, "step"):
        assert mistake(known, layers({**curve, "moved": [wrong]}))


@pytest.mark.parametrize(
    ("group", "target", "why"),
    [
        ("layers", "nothing_like_it:Odd", "ModuleNotFoundError"),
        ("datasets", "tinynet.errors:nothing", "AttributeError"),
        ("metrics", "tinynet.errors:TinynetError", "has no nested `Config`"),
        ("layers", entry("odd", Untold).target, "its Config has no schema"),
    ],
    ids=["no module", "no class", "no Config", "no data"],
)
def test_a_broken_plugin_is_left_out_and_told_and_breaks_nothing(ours, group, target, why):
    known = validator([*KNOWN, Entry(group, "odd", "tinynet-odd", "1.2", target)])
    (_, told) = known.schema["$comment"].splitlines()
    assert "tinynet-odd:odd (version 1.2)" in told
    assert why in told
    assert mistake(known, json.loads(GOOD)) is None
    assert mistake(known, layers({"type": "odd"}))
    assert known.schema["$defs"] == ours.schema["$defs"]


def test_a_name_that_two_distributions_claim_must_be_qualified():
    """As `load_spec` says."""
    known = validator([*KNOWN, entry("dense"), entry("curve")])
    assert mistake(known, layers("flatten", DENSE))
    assert mistake(known, layers("flatten", {**DENSE, "type": "tinynet-core:dense"})) is None
    assert mistake(known, layers({"type": "test-plugin:dense", "bend": {"at": 0}})) is None


def test_nothing_installed_is_no_error():
    known = validator([])
    Draft202012Validator.check_schema(known.schema)
    assert mistake(known, json.loads(GOOD))
