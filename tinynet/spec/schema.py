"""JSON Schema of the spec language as one installation speaks it, for editors and validators.

It is made of the very models that read a spec, and of the ``Config`` of everything registered.
Rules that take more than one value, such as which nodes there are, are left to `load_spec`.
"""

from tinynet.registry import GROUPS, Registry
from tinynet.spec.expansion.blocks import BlockSpec, RepeatSpec, UseSpec
from tinynet.spec.expansion.variables import NAME
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec, NodeSpec
from tinynet.spec.schema_definitions import Definitions, Schema, describe, refer
from tinynet.spec.training_spec import TrainingSpec

_NAMES: Schema = {"pattern": f"^{NAME.pattern}$"}
"""What variables, blocks and their parameters may be called."""

_TOP: Schema = {
    "$schema": {"type": "string", "description": "Where editors find this schema; ignored."},
    "vars": {
        "type": "object",
        "propertyNames": _NAMES,
        "description": "Variables by name: wherever a value stands, '$name' may stand for it.",
    },
}
"""Keys of a file that models never see, and whose values no variable can stand for."""


def spec_schema(known: Registry) -> Schema:
    """JSON Schema (draft 2020-12) of a spec that uses what is registered.

    A plugin that cannot be imported is left out; ``"$comment"`` then says which and why.

    Args:
        known: The plugins. All that a spec can name are imported.
    """
    spec = describe(Spec)
    version = {"tinynet": spec["properties"]["tinynet"]}  # which no variable can stand for, either
    definitions = Definitions(known)
    root = definitions.add(_as_in_files(spec))
    root["properties"] |= version | _TOP
    if definitions.left_out:
        root["$comment"] = "\n".join(["left out:", *sorted(definitions.left_out)])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tinynet spec",
        **root,
        "description": f"A network and its training, for {_distributions(known)}.",
        "$defs": dict(sorted(definitions.found.items())),
    }


def _distributions(known: Registry) -> str:
    entries = [entry for group in GROUPS for entry in known.entries(group)]
    return ", ".join(sorted({f"{entry.distribution} {entry.version}" for entry in entries}))


def _as_in_files(spec: Schema) -> Schema:
    """The schema of what models see -> of what a file says before blocks are unrolled."""
    parts = spec["$defs"]
    parts |= {"Block": _block(), "BlockUse": _use(), **_nodes(parts[NodeSpec.__name__])}
    parts[NetworkSpec.__name__]["properties"]["blocks"] = {
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": refer("Block"),
        "description": "Parts of a network by name, each written once and used many times.",
    }
    training = parts[TrainingSpec.__name__]
    training["anyOf"] = [{"required": ["epochs"]}, {"required": ["steps"]}]
    loss = training["properties"]["loss"]
    loss["anyOf"] = _one_or_each(*loss.pop("oneOf"))
    return spec


def _block() -> Schema:
    block = describe(BlockSpec)
    del block["$defs"]  # any value: it stands for what is said here
    block["properties"]["params"] |= {"propertyNames": _NAMES, "additionalProperties": True}
    block["properties"]["layers"]["items"] = refer(NodeSpec.__name__)
    return block


def _use() -> Schema:
    """A use of a block; only the file itself knows the block's parameters."""
    return {**describe(UseSpec), "additionalProperties": True}


def _nodes(layer: Schema) -> dict[str, Schema]:
    """A node in its three forms: a use of a block, the layer of another node, or one of its own."""
    repeat = describe(RepeatSpec)["properties"]
    keys = {**layer["properties"], **repeat}
    shares = {"type": "string", "description": keys.pop("shares")["description"]}
    block = describe(UseSpec)["properties"]["block"]
    return {
        "Layer": {**layer, "properties": keys},
        "SharedLayer": {
            "description": "A second place for the layer of another node, or for a use of a block.",
            "type": "object",
            "properties": {"shares": shares, **{k: keys[k] for k in ("name", "inputs", *repeat)}},
            "required": ["shares"],
            "additionalProperties": False,
        },
        NodeSpec.__name__: {
            "description": layer["description"],
            # These two say nothing new: editors offer names and keys while the form is not known.
            "anyOf": [refer("Layer"), {"type": "object"}],
            "properties": {"shares": shares, "block": block},
            "if": {"type": "object", "required": ["block"]},
            "then": refer("BlockUse"),
            "else": {
                "if": {"type": "object", "required": ["shares"]},
                "then": refer("SharedLayer"),
                "else": refer("Layer"),
            },
        },
    }


def _one_or_each(one: Schema, each: Schema) -> list[Schema]:
    """One loss, or an object of losses: where the first has its type, the other has a loss."""
    named_type = {"allOf": [one, {"type": "object"}]}
    return [one, {**each, "properties": {"type": named_type}, "minProperties": 1}]
