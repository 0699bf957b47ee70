"""Specs with blocks, and the nodes that they expand to."""

import pytest

from tinynet.errors import SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec

DENSE = {"type": "dense", "units": 4}

PAIR = {
    "params": {"units": None, "rate": 0.5},
    "layers": [{"type": "dense", "units": "$units"}, {"type": "dropout", "rate": "$rate"}],
}

TWO = {"layers": [DENSE, "relu"]}

MERGE = {
    "inputs": ["left", "right"],
    "layers": [
        {**DENSE, "inputs": "input:right"},
        {"type": "add", "inputs": ["dense_1", "input:left"]},
    ],
}


def spec(*layers, **parts):
    """Return a spec with these nodes, blocks and variables."""
    variables = {"vars": parts.pop("vars")} if "vars" in parts else {}
    return {
        "tinynet": 1,
        "name": "blocks",
        **variables,
        "network": {"input_shape": [4], **parts, "layers": list(layers)},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


def nodes(*layers, overrides=None, **parts):
    """Return the resolved nodes, after a check that they can be resolved again and built."""
    loaded = load_spec(spec(*layers, **parts), overrides)
    resolved = loaded.resolved()
    assert load_spec(resolved).resolved() == resolved
    Network(loaded.network, (4,), dry=True)
    return resolved["network"]["layers"]


def wiring(*layers, **parts):
    """Return ``name < inputs`` for every node, with ``= owner`` if it shares a layer."""
    return [
        f"{node['name']} < {' '.join(node['inputs'])}"
        + (f" = {node['shares']}" if "shares" in node else "")
        for node in nodes(*layers, **parts)
    ]


def units(*layers, **parts):
    """Return the units of every dense node."""
    return {node["name"]: node["units"] for node in nodes(*layers, **parts) if "units" in node}


def refused(*layers, overrides=None, **parts):
    """Return the message about an invalid spec."""
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*layers, **parts), overrides)
    return str(caught.value)
