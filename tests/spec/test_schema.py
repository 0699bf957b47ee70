"""The JSON Schema of specs: its definitions, and those of plugins."""

import json
from collections.abc import Callable
from typing import ClassVar

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from tinynet import registry
from tinynet.config import Config, Frozen, Reference
from tinynet.registry import Entry, Registry
from tinynet.spec.schema import spec_schema
from tinynet.text.kinds import NOT_IN_SPECS

from .schemas import DENSE, GOOD, INSTALLED, layers, mistake, validator


def test_it_is_a_json_schema(installed):
    Draft202012Validator.check_schema(installed.schema)
    assert installed.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_it_names_the_installed_distributions(installed):
    """It is valid only for the installation that it was made in."""
    for entry in INSTALLED:
        assert f"{entry.distribution} {entry.version}" in installed.schema["description"]
    assert "$comment" not in installed.schema


def test_it_does_not_depend_on_the_order_of_plugins(installed):
    """It is committed beside specs, where a diff must mean a change."""
    again = spec_schema(Registry(reversed(INSTALLED)))
    assert json.dumps(again) == json.dumps(installed.schema)


def references(schema):
    for key, part in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "$ref":
            yield part
        elif isinstance(part, dict | list):
            yield from references(part)


def test_every_definition_exists_and_is_used(installed):
    used = {reference.removeprefix("#/$defs/") for reference in references(installed.schema)}
    assert used == installed.schema["$defs"].keys()


def test_every_parameter_of_every_type_has_its_description_and_default(installed):
    definitions = installed.schema["$defs"]
    for entry in INSTALLED:
        if entry.group in NOT_IN_SPECS:
            continue
        cls = registry.default().load(entry.group, entry.qualified)
        fields = cls.Config.model_fields
        summary = cls.__doc__.partition("\n")[0]  # a loss and a metric may have the same name
        matches = [
            definition
            for key, definition in definitions.items()
            if key.endswith(f".{entry.qualified}") and definition["description"] == summary
        ]
        assert matches, entry
        for name, field in fields.items():
            for definition in matches:
                part = definition["properties"][name]
                assert part["description"] == field.description
                assert ("default" in part) != field.is_required()


def test_every_key_of_the_grammar_is_described(installed):
    definitions = installed.schema["$defs"]

    def described(part):
        if part is True:  # described by the definition of its kind
            return True
        inner = [definitions[r.removeprefix("#/$defs/")] for r in references(part)]
        return any("description" in p for p in (part, *inner))

    for key, definition in {"": installed.schema, **definitions}.items():
        for name, part in definition.get("properties", {}).items():
            assert described(part), f"{key}/{name}"


class Schedule(Reference):
    """A schedule, and the value that it changes."""

    group: ClassVar[str] = "schedules"
    of: str = Field(description="The value that it changes.")


class Bend(Frozen):
    """A point of a curve."""

    at: float = Field(ge=0, description="The step.")
    then: "Bend | None" = Field(default=None, description="The next point.")


class Curve:
    """A layer whose parameters are objects of its own."""

    class Config(Config):
        """The options."""

        bend: Bend = Field(description="The first bend.")
        moved: tuple[Schedule, ...] = Field(default=(), description="The schedules.")


class Indescribable:
    """A layer whose parameters no schema can describe."""

    class Config(Config):
        """Not data."""

        function: Callable[[int], int] = Field(description="Any function.")


def entry(name, cls=Curve, distribution="test-plugin"):
    return Entry("layers", name, distribution, "1.2", f"{cls.__module__}:{cls.__qualname__}")


def test_a_plugin_may_have_nested_objects():
    checker = validator([*INSTALLED, entry("curve")])
    curve = {"type": "curve", "bend": {"at": 1, "then": {"at": "$there", "comment": "x"}}}
    assert mistake(checker, layers(curve)) is None
    moved = {"type": "step", "step_size": 5, "of": "x"}
    assert mistake(checker, layers({**curve, "moved": [moved]})) is None
    for wrong, place in (
        ({"at": 1, "then": {"at": -1}}, ["bend", "then", "at"]),
        ({"at": 1, "then": {"at": 1, "x": 1}}, ["bend", "then"]),
    ):
        error = mistake(checker, layers({**curve, "bend": wrong}))
        assert error[0] == ["network", "layers", 0, *place]
    for wrong in ({"type": "step", "of": "x"}, {**moved, "x": 1}, {**moved, "type": "stp"}, "step"):
        assert mistake(checker, layers({**curve, "moved": [wrong]}))


@pytest.mark.parametrize(
    ("group", "target", "why"),
    [
        ("layers", "no_such_module:Odd", "ModuleNotFoundError"),
        ("datasets", "tinynet.errors:nothing", "AttributeError"),
        ("metrics", "tinynet.errors:TinynetError", "has no nested `Config`"),
        ("layers", entry("odd", Indescribable).target, "its Config has no schema"),
    ],
    ids=["no module", "no class", "no Config", "no data"],
)
def test_a_broken_plugin_is_left_out_and_listed(installed, group, target, why):
    checker = validator([*INSTALLED, Entry(group, "odd", "tinynet-odd", "1.2", target)])
    (_, line) = checker.schema["$comment"].splitlines()
    assert "tinynet-odd:odd (version 1.2)" in line
    assert why in line
    assert mistake(checker, json.loads(GOOD)) is None
    assert mistake(checker, layers({"type": "odd"}))
    assert checker.schema["$defs"] == installed.schema["$defs"]


def test_a_name_that_two_distributions_claim_must_be_qualified():
    """As `load_spec` requires."""
    checker = validator([*INSTALLED, entry("dense"), entry("curve")])
    assert mistake(checker, layers("flatten", DENSE))
    assert mistake(checker, layers("flatten", {**DENSE, "type": "tinynet-core:dense"})) is None
    assert mistake(checker, layers({"type": "test-plugin:dense", "bend": {"at": 0}})) is None


def test_a_schema_without_plugins_is_valid():
    checker = validator([])
    Draft202012Validator.check_schema(checker.schema)
    assert mistake(checker, json.loads(GOOD))
