"""The definitions of a JSON Schema document, from pydantic models and plugins.

Each registered type has its own definition, selected by ``type``. So validators report the wrong
value itself, not "none of 24 layers".
"""

import inspect
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import quote

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import ModelSchema

from tinynet.config import Reference
from tinynet.errors import PluginError
from tinynet.registry import Entry, Registry
from tinynet.spec.expansion.variables import NAME
from tinynet.text.places import join_pointer
from tinynet.text.plugin_errors import located_cause

Schema: TypeAlias = dict[str, Any]

GROUP = "x-group"
"""The mark of an object that names a plugin of that group, until its definition is made."""

_ANNOTATIONS = {"description", "default", "examples", "deprecated"}
"""Keywords that describe a value without restricting it."""


def refer(key: str) -> Schema:
    """Return the schema that refers to a definition."""
    return {"$ref": "#" + quote(join_pointer(["$defs", key]), safe="/$:~")}


COMMENT = refer("comment")
VARIABLE = refer("variable")


class _Generator(GenerateJsonSchema):
    """pydantic's generator, without titles that repeat a name, and with plugins marked."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: ModelSchema) -> Schema:
        definition = super().model_schema(schema)
        del definition["title"]
        if issubclass(model := schema["cls"], Reference):
            definition[GROUP] = model.group
            del definition["properties"]["options"]
        return definition


def describe(model: type[BaseModel]) -> Schema:
    """Return the JSON Schema of a model, with its references in ``$defs``."""
    return model.model_json_schema(schema_generator=_Generator, mode="validation")


class Definitions:
    """The definitions of a document by their keys, and why plugins have no definition."""

    def __init__(self, plugins: Registry) -> None:
        self.schemas: dict[str, Schema] = {
            "comment": {"description": "Anything: it is ignored. JSON has no comments."},
            "variable": {
                "description": "A variable of 'vars', or a parameter of the block.",
                "type": "string",
                "pattern": rf"^\${NAME.pattern}$",
            },
        }
        self.left_out: set[str] = set()
        self._plugins = plugins

    def add(self, schema: Schema, prefix: str = "") -> Schema:
        """Return a schema of `describe` as a part of the document, and add its definitions.

        The keys of its own definitions begin with `prefix`.
        """
        local: dict[str, Schema] = schema.get("$defs", {})
        keys = {name: _key(part, prefix + name) for name, part in local.items()}
        for name, part in local.items():
            if (key := keys[name]) not in self.schemas:
                self.schemas[key] = {}  # it may refer to itself
                definition = _as_written(part, keys)
                self.schemas[key] = self._named(definition, key) if GROUP in part else definition
        return _as_written({key: part for key, part in schema.items() if key != "$defs"}, keys)

    def _named(self, schema: Schema, key: str) -> Schema:
        """Return the schema of a plugin: its bare name, or an object with a ``type``."""
        reserved = schema["properties"]
        names: list[str] = []
        bare: list[str] = []
        cases: list[Schema] = []
        definitions: list[Schema] = []
        for entry, own in _spellings(self._plugins.entries(schema[GROUP])):
            type_key = f"{key}.{entry.qualified}"
            try:
                definition = self.schemas[type_key] = self._type(entry, type_key)
            except PluginError as error:
                self.left_out.add(" ".join(str(error).split()))
                continue
            names += own
            bare += [] if definition.get("required") else own
            is_it = {"properties": {"type": {"enum": own}}, "required": ["type"]}
            cases.append({"if": is_it, "then": refer(type_key)})
            definitions.append(definition)
        options = {key for definition in definitions for key in definition["properties"]}
        # A type may have an option that is called like a key of its place.
        general = {key: True if key in options else part for key, part in reserved.items()}
        special = {key: part if key in options else True for key, part in reserved.items()}
        for definition in definitions:
            definition["properties"] = {**special, **definition["properties"]}
        kind = {
            "description": reserved["type"]["description"],
            "anyOf": [_one_of(names), VARIABLE],
        }
        whole: Schema = {
            "type": "object",
            "properties": {**general, "type": kind},
            **({"allOf": cases} if cases else {}),
        }
        return {
            "description": schema["description"],
            # Otherwise an object without a type would be reported as "not a name".
            "type": ["object", "string"],
            "required": ["type"],
            "anyOf": [_one_of(bare), whole],
        }

    def _type(self, entry: Entry, key: str) -> Schema:
        """Return the schema of a type's options.

        A type that cannot be imported, or whose ``Config`` has no schema, raises a PluginError.
        """
        cls = self._plugins.load(entry.group, entry.qualified)
        try:
            definition = self.add(describe(cls.Config), f"{key}.")
            definition.setdefault("properties", {})
        except Exception as error:
            raise PluginError(
                f"{entry}: its Config has no schema: {located_cause(error)}"
            ) from error
        definition["description"] = (inspect.getdoc(cls) or entry.name).partition("\n")[0]
        return definition


def _spellings(entries: list[Entry]) -> Iterator[tuple[Entry, list[str]]]:
    """Return each entry with its unambiguous names."""
    count = Counter(entry.name for entry in entries)
    for entry in entries:
        yield entry, [*([entry.name] if count[entry.name] == 1 else []), entry.qualified]


def _one_of(names: list[str]) -> Schema:
    """Return the schema of some names, the short ones first."""
    return {"type": "string", "enum": sorted(names, key=lambda name: (":" in name, name))}


def _key(schema: Schema, unique: str) -> str:
    """Return the key of a definition: the group of plugins, if it has nothing else."""
    is_group = schema.get("properties", {}).keys() == {"type"} and GROUP in schema
    return schema[GROUP] if is_group else unique


def _as_written(schema: Schema, keys: dict[str, str]) -> Schema:
    """Return the schema of values as a spec declares them, with variables and comments.

    `keys` has the new keys of its references.
    """
    written = dict(schema)
    written.pop("discriminator", None)  # part of OpenAPI, not of JSON Schema
    if "$ref" in written:
        written |= refer(keys[written["$ref"].rpartition("/")[2]])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in written:
            written[word] = [_as_written(part, keys) for part in written[word]]
    for word in ("then", "else"):
        if word in written:
            written[word] = _as_written(written[word], keys)
    for word in ("properties", "patternProperties"):
        if word in written:
            written[word] = {key: _value(part, keys) for key, part in written[word].items()}
    for word in ("items", "additionalProperties"):
        if word in written:
            written[word] = _value(written[word], keys)
    if "prefixItems" in written:
        written["prefixItems"] = [_value(part, keys) for part in written["prefixItems"]]
    if "patternProperties" in written:
        written.setdefault("additionalProperties", False)  # implied in pydantic
    if written.get("type") == "object":
        written["properties"] = {**written.get("properties", {}), "comment": COMMENT}
    return written


def _value(schema: Schema | bool, keys: dict[str, str]) -> Schema | bool:
    """Return the schema of a value or a variable."""
    if isinstance(schema, bool):
        return schema
    written = _as_written(schema, keys)
    annotations = {word: part for word, part in written.items() if word in _ANNOTATIONS}
    rule = {word: part for word, part in written.items() if word not in _ANNOTATIONS}
    if rule in ({}, {"type": "string"}):
        return written
    choices = rule["anyOf"] if rule.keys() == {"anyOf"} else [rule]
    return {**annotations, "anyOf": [*choices, VARIABLE]}
