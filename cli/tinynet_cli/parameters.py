"""The options of a type, in words, from its ``Config``."""

import json
from typing import Any


def parameters(cls: type[Any]) -> list[dict[str, Any]]:
    """Return name, type, default and description of each field of the ``Config``."""
    if not hasattr(cls, "Config"):
        return []
    schema = cls.Config.model_json_schema(mode="validation")
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type_name(field, schema.get("$defs", {})),
            "required": name in required,
            "default": None if name in required else _default(field.get("default")),
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _default(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"type"}:
        value = value["type"]
    return json.dumps(value)


def _type_name(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return a short name of a JSON Schema type: ``integer >= 1``, ``"valid" | "same"``."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if "options" in definitions.get(name, {}).get("properties", {}):
            return str(name).removesuffix("Reference").lower()
        return _type_name(definitions.get(name, {}), definitions)
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_type_name(part, definitions) for part in field["anyOf"]))
    if "enum" in field:
        return " | ".join(f'"{value}"' for value in field["enum"])
    if "const" in field:
        return f'"{field["const"]}"'
    name = str(field.get("type", "any"))
    if name == "object" and len(field.get("properties", {})) == 1:
        ((key, value),) = field["properties"].items()
        # Without definitions, since an object may contain one of its own kind.
        return f'{{"{key}": {_type_name(value, {})}}}'
    if name == "array":
        items = field.get("prefixItems") or [field.get("items", {})]
        return "[" + ", ".join(_type_name(item, definitions) for item in items) + "]"
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = " and ".join(f"{sign} {field[key]}" for key, sign in bounds.items() if key in field)
    return f"{name} {limits}".strip()
