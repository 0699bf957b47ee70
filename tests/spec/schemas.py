"""Specs, and validators of them against the JSON Schema."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tinynet import registry
from tinynet.registry import Registry
from tinynet.spec.schema import spec_schema
from tinynet.text.kinds import GROUPS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = (HERE / "bad_specs.json").read_text(encoding="utf-8")

INSTALLED = [entry for group in GROUPS for entry in registry.default().entries(group)]

DENSE = {"type": "dense", "units": 10}


def validator(entries=INSTALLED):
    """Return a validator of specs that use these plugins."""
    return Draft202012Validator(spec_schema(Registry(entries)))


def mistake(validator, spec):
    """Return place and message of the most relevant mistake; None without one."""
    error = best_match(validator.iter_errors(spec))
    return error and (list(error.absolute_path), error.message)


def layers(*nodes, **network):
    """Return the valid spec with other nodes."""
    return {**json.loads(GOOD), "network": {**network, "layers": list(nodes)}}


def training(**changes):
    """Return the valid spec with changed training."""
    spec = json.loads(GOOD)
    return {**spec, "training": {**spec["training"], **changes}}
