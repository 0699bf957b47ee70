"""`tinynet layers`."""

import inspect
from typing import TYPE_CHECKING, Any

import click

from tinynet_cli import options
from tinynet_cli.output import print_json, print_table

if TYPE_CHECKING:
    from tinynet.registry import Entry

GROUPS = (
    "layers",
    "losses",
    "optimizers",
    "schedules",
    "metrics",
    "initializers",
    "datasets",
    "transforms",
    "kernels",
)


@click.command()
@click.argument("name", required=False)
@click.option(
    "--group",
    type=click.Choice(GROUPS),
    default="layers",
    show_default=True,
    help="Kind of plugin.",
)
@options.json_option
@options.debug_option
def layers(name: str | None, group: str, as_json: bool) -> None:
    """What is registered, by whom; with NAME, its parameters."""
    from tinynet import registry

    known = registry.default()
    if name is None:
        _list(known.entries(group), group, as_json)
        return
    entry = known.find(group, name)
    cls = known.load(group, name)
    if as_json:
        print_json(
            {**vars(entry), "description": inspect.getdoc(cls), "parameters": _parameters(cls)}
        )
        return
    click.echo(f"{entry.name}  ({entry.distribution} {entry.version}, {entry.target})\n")
    click.echo(f"{inspect.getdoc(cls)}\n")
    rows = [(p["name"], p["type"], p["default"], p["description"]) for p in _parameters(cls)]
    if rows:
        print_table(("parameter", "type", "default", "description"), rows)
    else:
        click.echo("It has no parameters.")


def _list(entries: "list[Entry]", group: str, as_json: bool) -> None:
    if as_json:
        print_json({group: [vars(entry) for entry in entries]})
        return
    print_table(
        ("name", "distribution", "version", "class"),
        [(e.name, e.distribution, e.version, e.target) for e in entries],
    )


def _parameters(cls: type[Any]) -> list[dict[str, Any]]:
    """Name, type, default and description of each parameter, from the type's own `Config`."""
    if not hasattr(cls, "Config"):
        return []
    schema = cls.Config.model_json_schema(mode="validation")
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _type_name(field, schema.get("$defs", {})),
            "default": "required" if name in required else _default(field.get("default")),
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _default(value: Any) -> str:
    import json

    if isinstance(value, dict) and set(value) == {"type"}:
        value = value["type"]
    return json.dumps(value)


def _type_name(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A short name of a JSON Schema type: ``integer >= 1``, ``"valid" | "same"``."""
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
    if name == "array":
        items = field.get("prefixItems") or [field.get("items", {})]
        return "[" + ", ".join(_type_name(item, definitions) for item in items) + "]"
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = " and ".join(f"{sign} {field[key]}" for key, sign in bounds.items() if key in field)
    return f"{name} {limits}".strip()
