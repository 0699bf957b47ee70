"""The JSON Schema of specs, with all installed plugins, for editors and validators.

It is generated from the models that validate a spec, and from the ``Config`` of every plugin. Rules
about several values, such as references to nodes, are checked by `load_spec` alone.
"""

from tinynet.registry import Registry
from tinynet.spec.expansion.blocks import BlockSpec, InstanceSpec, RepeatSpec
from tinynet.spec.expansion.variables import NAME
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec, NodeSpec
from tinynet.spec.schema_definitions import Definitions, Schema, describe, refer
from tinynet.spec.training_spec import OptimizerGroup, TrainingSpec
from tinynet.text.kinds import GROUPS

_NAMES: Schema = {"pattern": f"^{NAME.pattern}$"}
"""The names of variables, blocks and their parameters."""

_TOP: Schema = {
    "$schema": {"type": "string", "description": "Where editors find this schema; ignored."},
    "vars": {
        "type": "object",
        "propertyNames": _NAMES,
        "description": "Variables by name; write '$name' in place of any value.",
    },
}
"""Keys of a file that are removed before models validate it; no variable can replace them."""


def spec_schema(plugins: Registry) -> Schema:
    """Return the JSON Schema (draft 2020-12) of specs with the registered plugins.

    All that a spec can name are imported; those that cannot be are listed in ``"$comment"``.
    """
    spec = describe(Spec)
    version = {"tinynet": spec["properties"]["tinynet"]}  # cannot be a variable
    definitions = Definitions(plugins)
    root = definitions.add(_as_in_files(spec))
    root["properties"] |= version | _TOP
    if definitions.left_out:
        root["$comment"] = "\n".join(["left out:", *sorted(definitions.left_out)])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tinynet spec",
        **root,
        "description": f"A network and its training, for {_distributions(plugins)}.",
        "$defs": dict(sorted(definitions.schemas.items())),
    }


def file_schema() -> Schema:
    """Return the schema of spec files, in which references to plugins have the mark `GROUP`.

    Unlike `spec_schema` it imports no plugin, and has neither variables nor comments.
    """
    schema = _as_in_files(describe(Spec))
    schema["properties"] |= _TOP
    return schema


def _distributions(plugins: Registry) -> str:
    entries = [entry for group in GROUPS for entry in plugins.entries(group)]
    return ", ".join(sorted({f"{entry.distribution} {entry.version}" for entry in entries}))


def _as_in_files(spec: Schema) -> Schema:
    """Change the schema of the models to that of files, before the expansion."""
    parts = spec["$defs"]
    instance = {
        **describe(InstanceSpec),
        "additionalProperties": True,
    }  # the parameters of the block
    parts |= {"Block": _block(), "BlockUse": instance, **_nodes(parts[NodeSpec.__name__])}
    parts[NetworkSpec.__name__]["properties"]["blocks"] = {
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": refer("Block"),
        "description": "Parts of a network by name, each written once and used many times.",
    }
    group = parts[OptimizerGroup.__name__]
    del group["properties"]["options"]
    group["additionalProperties"] = True  # the options of the optimizer
    training = parts[TrainingSpec.__name__]
    training["anyOf"] = [{"required": ["epochs"]}, {"required": ["steps"]}]
    loss = training["properties"]["loss"]
    loss["anyOf"] = _one_or_each(*loss.pop("oneOf"))
    return spec


def _block() -> Schema:
    block = describe(BlockSpec)
    del block["$defs"]  # any value
    block["properties"]["params"] |= {"propertyNames": _NAMES, "additionalProperties": True}
    block["properties"]["layers"]["items"] = refer(NodeSpec.__name__)
    return block


def _nodes(layer: Schema) -> dict[str, Schema]:
    """Return the schema of a node: an instance of a block, a shared layer, or a layer."""
    repeat = describe(RepeatSpec)["properties"]
    keys = {**layer["properties"], **repeat}
    shares = {"type": "string", "description": keys["shares"]["description"]}
    params = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}
    keys["shares"] = {**params, "description": keys["shares"]["description"]}
    block = describe(InstanceSpec)["properties"]["block"]
    return {
        "Layer": {**layer, "properties": keys},
        "SharedLayer": {
            "description": "A node that reuses the layer of another node, or a block's instance.",
            "type": "object",
            "properties": {"shares": shares, **{k: keys[k] for k in ("name", "inputs", *repeat)}},
            "required": ["shares"],
            "additionalProperties": False,
        },
        NodeSpec.__name__: {
            "description": layer["description"],
            # These two add no rule, but let editors suggest names and keys.
            "anyOf": [refer("Layer"), {"type": "object"}],
            "properties": {"shares": {**shares, "type": ["string", "object"]}, "block": block},
            "if": {"type": "object", "required": ["block"]},
            "then": refer("BlockUse"),
            "else": {
                "if": {
                    "type": "object",
                    "required": ["shares"],
                    "properties": {"shares": {"type": "string"}},
                },
                "then": refer("SharedLayer"),
                "else": refer("Layer"),
            },
        },
    }


def _one_or_each(one: Schema, each: Schema) -> list[Schema]:
    """Return the schema of one loss, or of an object of losses."""
    named_type = {"allOf": [one, {"type": "object"}]}
    return [one, {**each, "properties": {"type": named_type}, "minProperties": 1}]
