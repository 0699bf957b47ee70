"""Options of types and keys of specs in words, from JSON Schema."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tinynet.spec.schema_definitions import GROUP, Schema, describe
from tinynet.text.kinds import KINDS

_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


_WORDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def parameters(cls: type[Any]) -> list[dict[str, Any]]:
    """Return name, type, default and description of each field of the ``Config``."""
    return parameters_of(describe(cls.Config)) if hasattr(cls, "Config") else []


def parameters_of(schema: Schema) -> list[dict[str, Any]]:
    """Return name, type, default and description of each key of an object with a schema."""
    definitions, required = schema.get("$defs", {}), schema.get("required", ())
    return [
        {
            "name": name,
            "type": type_name(value, definitions),
            "required": name in required,
            "default": _default(value, required=name in required),
            "description": value.get("description", ""),
        }
        for name, value in schema.get("properties", {}).items()
        if isinstance(value, dict)
    ]


def merged_parameters(parts: Iterable[Schema], definitions: Schema) -> list[dict[str, Any]]:
    """Return the keys of an object with one of several schemas, as `parameters` does."""
    keys: dict[str, dict[str, Any]] = {}
    for part in parts:
        for row in parameters_of({**part, "$defs": definitions}):
            known = keys.setdefault(row["name"], row)
            types = dict.fromkeys((*known["type"].split(" | "), *row["type"].split(" | ")))
            required = known["required"] and row["required"]
            keys[row["name"]] = {**known, "type": " | ".join(types), "required": required}
    return list(keys.values())


def facts(value: Schema, definitions: Schema, *, required: bool) -> dict[str, Any]:
    """Return type, default, range, allowed values and description of a value with a schema.

    The range and the allowed values are None where there are none, or where the type has them.
    """
    parts = [part for part in alternatives(value, definitions) if part.keys() - {"anyOf", "oneOf"}]
    leaves = [part for part in parts if part.get("type") != "null" and _is_leaf(part)]
    allowed = [choice for part in leaves for choice in _choices(part)]
    only_choices = bool(allowed) and all(map(_choices, leaves))
    described = next((part["description"] for part in parts if "description" in part), "")
    return {
        "type": type_name(value, definitions),
        "required": required,
        "default": _default(value, required=required),
        "range": _range(leaves[0]) if len(leaves) == 1 else None,
        "allowed": allowed if only_choices else None,
        "description": value.get("description", described),
    }


def _is_leaf(part: Schema) -> bool:
    return bool(part.keys() & {"type", "enum", "const"})


def _choices(part: Schema) -> list[Any]:
    return list(part.get("enum", [part["const"]] if "const" in part else []))


def _range(part: Schema) -> str | None:
    """Return the bounds of a number in words."""
    bounds = [f"{words} {part[key]}" for key, words in _WORDS.items() if key in part]
    return " and ".join(bounds) or None


def _default(value: Schema, *, required: bool) -> str | None:
    return default_text(value["default"]) if not required and "default" in value else None


def default_text(value: Any) -> str:
    """Return a default as JSON, without null in an object; a bare reference is its name."""
    if isinstance(value, dict) and set(value) == {"type"}:
        value = value["type"]
    if isinstance(value, dict):
        value = {key: part for key, part in value.items() if part is not None}
    return json.dumps(value)


def type_name(field: Schema, definitions: Schema) -> str:
    """Return a short name of a JSON Schema type: ``integer >= 1``, ``"valid" | "same"``."""
    if "$ref" in field:
        name = definition_name(field)
        return type_name(definitions.get(name, {}), definitions)
    if GROUP in field:
        return KINDS[field[GROUP]]
    for word in ("anyOf", "oneOf"):
        if word in field and "type" not in field:  # beside a type, they are rules for its keys
            return " | ".join(dict.fromkeys(type_name(part, definitions) for part in field[word]))
    if "enum" in field:
        return " | ".join(map(json.dumps, field["enum"]))
    if "const" in field:
        return json.dumps(field["const"])
    name = field.get("type", "any")
    if isinstance(name, list):
        return " | ".join(name)
    if name == "object" and len(field.get("properties", {})) == 1:
        ((key, value),) = field["properties"].items()
        # Without definitions, since an object may contain one of its own kind.
        return f'{{"{key}": {type_name(value, {})}}}'
    if name == "array":
        items = field.get("prefixItems") or [field.get("items", {})]
        return "[" + ", ".join(type_name(item, definitions) for item in items) + "]"
    limits = " and ".join(f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field)
    return f"{name} {limits}".strip()


def definition_name(field: Schema) -> str:
    """Return the key of the definition that a schema refers to."""
    return str(field["$ref"]).rpartition("/")[2]


def alternatives(field: Schema, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield a schema and every schema that it consists of or refers to, each once."""
    pending, seen = [field], set()
    while pending:
        part = pending.pop(0)
        if "$ref" in part:
            name = definition_name(part)
            if name not in seen:
                seen.add(name)
                pending.append(definitions.get(name, {}))
            continue
        yield part
        for word in ("anyOf", "oneOf", "allOf"):
            pending += part.get(word, ())
        pending += [part[word] for word in ("then", "else") if isinstance(part.get(word), dict)]
