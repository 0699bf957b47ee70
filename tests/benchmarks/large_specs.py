"""Specs at or beyond the limits of a spec's text, as a stranger could send them.

Each is a function that returns the text. `spec_limits.py` reads them.
"""

import json
from collections.abc import Callable
from typing import Any

MANY = 10_000
"""Most nodes of a network, and most elements of a list."""

USES = 5_000
"""Most instances of blocks in a network."""

DEEP = 60
"""Depth of nested values; 64 is allowed."""

LONG = 900_000
"""Characters of a long text; a spec may have 2^20."""

RELU: list[Any] = ["relu"]
UNKNOWN = {"type": "dense", "unit": 1}
"""A node with a misspelt key."""


def text(layers: Any, blocks: Any = None, variables: Any = None, **parts: Any) -> str:
    """Return a spec; ``parts`` are keys of its training if they can be, else of its network."""
    training = {"steps": 1, "loss": "mse", "optimizer": "sgd"}
    training |= {key: parts.pop(key) for key in ("metrics", "loss", "trainable") if key in parts}
    spec = {"tinynet": 1, "name": "large", "data": parts.pop("data", "digits")}
    if variables is not None:
        spec["vars"] = variables
    network = {"input_shape": [8, 8, 1], **parts, "layers": layers}
    if blocks is not None:
        network["blocks"] = blocks
    return json.dumps({**spec, "network": network, "training": training}, separators=(",", ":"))


def chain(depth: int, innermost: list[Any], uses: int = 1, **block: Any) -> dict[str, Any]:
    """Return blocks that use each other; ``b0`` is the innermost."""
    passed = {"inputs": [f"input:{name}" for name in block["inputs"]]} if "inputs" in block else {}
    outer = {
        k: {**block, "layers": [{"block": f"b{k - 1}", **passed}] * uses} for k in range(1, depth)
    }
    return {"b0": {**block, "layers": innermost}} | {f"b{k}": b for k, b in outer.items()}


def numbered(name: str, count: int = MANY - 1) -> list[str]:
    return [f"{name}{i}" for i in range(count)]


def one_block(layers: list[Any], **block: Any) -> dict[str, Any]:
    return {"b": {**block, "layers": layers}}


B = {"block": "b"}
CONV = {"type": "conv2d", "filters": 1, "kernel_size": 1}

TRAPS: dict[str, Callable[[], str]] = {
    # Texts that are not specs.
    "empty objects": lambda: "{}," * 349_525,
    "open brackets": lambda: "[" * LONG,
    "open strings": lambda: '["' * 300_000,
    "white space": lambda: " " * LONG,
    "line ends": lambda: '{"tinynet":1,' + "\r" * LONG + '"x":1}',
    "backslashes": lambda: '"' + "\\" * LONG,
    "surrogate pairs": lambda: '["' + "\\ud83d\\ude00" * 80_000 + '"]',
    "a long number": lambda: "[" + "1" * LONG + "]",
    "long numbers": lambda: "[" + ",".join(["1" * 299] * 3_400) + "]",
    "one key many times": lambda: "{" + ",".join(['"a":1'] * 9_999) + "}",
    "long keys": lambda: "{" + ",".join(f'"{"k" * 190}{i}":1' for i in range(5_000)) + "}",
    # More nodes than allowed.
    "blocks that double": lambda: text([{"block": "b59"}], chain(DEEP, RELU, uses=2)),
    "a missing block, doubled": lambda: text(
        [{"block": "b59"}], chain(DEEP, [{"block": "none"}], uses=2)
    ),
    "a wrong block, doubled": lambda: text(
        [{"block": "b59"}], chain(DEEP, RELU, uses=2) | {"b0": {"layer": []}}
    ),
    "wrapped blocks": lambda: text([{"block": "b59", "repeat": MANY}], chain(DEEP, RELU)),
    "inputs handed down": lambda: text(
        ["relu", {"block": "b59", "inputs": ["relu_1", "relu_1"]}],
        chain(DEEP, [{"type": "add", "inputs": ["input:a", "input:b"]}], inputs=["a", "b"]),
    ),
    "repeats": lambda: text([{"type": "relu", "repeat": 9_999}] * 9_999),
    "repeats in repeats": lambda: text(
        [{**B, "repeat": 9_999}], one_block([{"type": "relu", "repeat": 9_999}] * 9_999)
    ),
    "blocks in a circle": lambda: text([{"block": "b0"}], chain(DEEP, [{"block": "b59"}] * DEEP)),
    "names of nested blocks": lambda: text(
        [{"block": "n" * 98 + "59"}],
        {
            "n" * 98 + f"{k:02}": {
                "layers": [{"block": "n" * 98 + f"{k - 1:02}"} if k else {**CONV, "repeat": 9_000}]
            }
            for k in range(DEEP)
        },
    ),
    # Values with many uses.
    "variables": lambda: text(
        [{"type": "dense", "units": f"${name}"} for name in numbered("v")],
        None,
        dict.fromkeys(numbered("v"), 1),
    ),
    "variables for every use": lambda: text(
        [
            *[{**B, "p": 1}] * USES,
            {"type": "reshape", "target_shape": [f"${name}" for name in numbered("v")]},
        ],
        one_block([{"type": "dense", "units": "$p"}], params={"p": None}),
        dict.fromkeys(numbered("v"), 1),
    ),
    "parameters": lambda: text(
        [B] * USES,
        one_block(
            [{"type": "reshape", "target_shape": [f"${name}" for name in numbered("p")]}],
            params=dict.fromkeys(numbered("p"), "$v"),
        ),
        {"v": 1},
    ),
    "a large variable": lambda: text(
        [{"type": "reshape", "target_shape": "$v", "repeat": MANY}], None, {"v": [1] * 9_999}
    ),
    "a large node": lambda: text(
        ["$n"] * 9_999, one_block(RELU), {"n": {**CONV, "strides": [1] * 9_999}}
    ),
    "a long text": lambda: text(
        RELU,
        None,
        {"v": "x" * LONG},
        data={"type": "csv", "path": "x", "target": "y", "features": ["$v"] * 9_999},
    ),
    "a long parameter": lambda: text(
        [{**B, "p": "x" * LONG, "repeat": MANY}],
        one_block([{"type": "dense", "units": 1, "bias_initializer": "$p"}], params={"p": None}),
    ),
    "a long type": lambda: text([{"type": "x" * LONG, "repeat": MANY}]),
    "a long name": lambda: text([{"type": "relu", "name": "x" * LONG, "repeat": MANY}]),
    "a long reference": lambda: text(
        [{**B, "name": "a"}, {"type": "relu", "inputs": ".".join("a" * 400_000)}], one_block(RELU)
    ),
    "long references": lambda: text(
        [{**B, "name": ".".join("a" * 48)}, *[{"type": "add", "inputs": "$v"}] * 5],
        one_block(RELU),
        {"v": [".".join("a" * 48)] * 9_000},
    ),
    "a deep variable": lambda: text(
        [{"type": "dense", "units": [[["$v"]]]}] * 1_000,
        None,
        {"v": json.loads("[" * 55 + "]" * 55)},
    ),
    # Unknown names among many others.
    "misspelt keys of one node": lambda: text(
        [{"type": "dense", **dict.fromkeys(numbered("k", 9_990), 1)}] * 5
    ),
    "misspelt inputs in a block": lambda: text(
        [B], one_block([{"type": "relu", "inputs": f"rleu_{i}"} for i in range(9_990)])
    ),
    "misspelt inputs of a block": lambda: text(
        ["relu", {**B, "inputs": ["relu_1"] * 4_000}],
        one_block(
            [{"type": "relu", "inputs": f"input:j{i}"} for i in range(4_000)],
            inputs=numbered("i", 4_000),
        ),
    ),
    "misspelt variables": lambda: text(
        [{"type": "dense", "units": f"$w{i}"} for i in range(MANY)],
        None,
        dict.fromkeys(numbered("v"), 1),
    ),
    "misspelt parameters": lambda: text(
        [{**B, **dict.fromkeys(numbered("q", 9_000), 1)}],
        one_block(RELU, params=dict.fromkeys(numbered("p"), 1)),
    ),
    "misspelt blocks": lambda: text(
        [{"block": name} for name in numbered("c")],
        {name: {"layers": RELU} for name in numbered("b")},
    ),
}
"""Specs that cost a careless reader hours, or all memory."""

LARGE: dict[str, Callable[[], str]] = {
    # Ten thousand nodes.
    "nodes": lambda: text([CONV] * MANY),
    "named nodes": lambda: text([{**CONV, "name": name} for name in numbered("n")]),
    "nodes, the last one first": lambda: text(
        [
            {"type": "relu", "inputs": f"relu_{i}" if i < MANY else "input"}
            for i in range(2, MANY + 1)
        ]
    ),
    "a node after all others": lambda: text(
        [
            *[{"type": "relu", "inputs": "input"}] * 9_999,
            {"type": "add", "inputs": [f"relu_{i}" for i in range(1, MANY)]},
        ]
    ),
    "a repeated node": lambda: text([{**CONV, "repeat": MANY}]),
    "a repeated block": lambda: text([{**B, "repeat": MANY}], one_block(RELU)),
    "uses of one block": lambda: text([B] * USES, one_block(RELU)),
    "nested blocks": lambda: text([{"block": "b2", "repeat": 10}], chain(3, [CONV] * 10, uses=10)),
    "blocks": lambda: text(
        [{"block": name} for name in numbered("b", USES)],
        {name: {"layers": RELU} for name in numbered("b", USES)},
    ),
    "shared uses": lambda: text(
        [{**B, "name": "a"}, *[{"shares": "a"}] * (USES - 1)], one_block(RELU)
    ),
    "a chain of shared uses": lambda: text(
        [
            *({"shares": f"a{i}", "name": f"a{i - 1}"} for i in range(1, USES)),
            {**B, "name": f"a{USES - 1}"},
        ],
        one_block(RELU),
    ),
    "nodes that are variables": lambda: text(["$n"] * 9_999, None, {"n": CONV}),
    "outputs": lambda: text(
        [{"type": "relu", "repeat": 9_999}],
        outputs=[f"relu_{i}" for i in range(1, MANY)],
        loss={f"relu_{i}": {"type": "mse"} for i in range(1, MANY)},
    ),
    # Ten thousand mistakes of a kind.
    "no nodes": lambda: text([1] * MANY),
    "empty nodes": lambda: text([{}] * MANY),
    "misspelt keys": lambda: text([UNKNOWN] * MANY),
    "misspelt keys in a block": lambda: text([{**B, "repeat": MANY}], one_block([UNKNOWN])),
    "misspelt types": lambda: text([{"type": f"relo{i}"} for i in range(MANY)]),
    "misspelt inputs": lambda: text([{"type": "add", "inputs": ["x"] * 9_900}] * 10),
    "misspelt inputs beside a block": lambda: text(
        [B, *({"type": "relu", "inputs": f"rleu_{i}"} for i in range(9_990))], one_block(RELU)
    ),
    "misspelt outputs": lambda: text([{"type": "relu", "repeat": 9_000}], outputs=numbered("relu")),
    "misspelt owners": lambda: text(
        [B, *({"shares": f"c{i}"} for i in range(9_990))], one_block(RELU)
    ),
    "blocks without layers": lambda: text(
        [{"block": name} for name in numbered("b")], {name: {} for name in numbered("b")}
    ),
    "parameters that are missing": lambda: text(
        [B] * 9_999, one_block(RELU, params=dict.fromkeys(numbered("p")))
    ),
    "variables of variables": lambda: text(
        RELU, None, {f"v{i}": f"$v{i + 1}" for i in range(9_999)}
    ),
    "names that are taken": lambda: text([{**B, "name": "a"}] * 9_999, one_block(RELU)),
    "names that are taken in a block": lambda: text(
        [B], one_block([{"type": "relu", "name": "a"}] * 9_999)
    ),
    "nodes that go nowhere": lambda: text([{**B, "inputs": "input"}] * USES, one_block(RELU)),
    "a long cycle": lambda: text(
        [{"type": "relu", "inputs": f"relu_{(i + 1) % MANY + 1}"} for i in range(MANY)]
    ),
    "metrics": lambda: text(RELU, metrics=["accuracy"] * 9_999),
    "losses": lambda: text(RELU, loss=dict.fromkeys(numbered("o"), "mse")),
}
"""Ten thousand of everything."""
