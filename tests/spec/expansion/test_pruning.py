"""Blocks with several outputs, some of them unused."""

import json

import numpy as np
import pytest

from tinynet.errors import LocatedError, SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer

DENSE = {"type": "dense", "units": 4}

STAGE = {
    "params": {"width": 3},
    "layers": [
        {**DENSE, "name": "main"},
        {"type": "dense", "units": "$width", "name": "before"},
        {"type": "tanh", "name": "skip"},
        {"type": "relu", "inputs": "main"},
    ],
}
"""A block whose output is its last node, and whose node 'skip' is a second one."""


def spec(*layers, blocks=None, **network):
    return {
        "tinynet": 1,
        "name": "unused",
        "network": {
            "input_shape": [4],
            "blocks": {"stage": STAGE} if blocks is None else blocks,
            "layers": list(layers),
            **network,
        },
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


def names(*layers, **network):
    loaded = load_spec(spec(*layers, **network))
    resolved = loaded.resolved()
    assert load_spec(resolved).resolved() == resolved
    Network(loaded.network, dry=True)
    return [node["name"] for node in resolved["network"]["layers"]]


def refused(*layers, **network):
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*layers, **network))
    return [str(problem) for problem in caught.value.problems]


def merge(*inputs):
    return {"type": "concat", "name": "end", "inputs": list(inputs)}


INSTANCE = {"block": "stage"}
ALL = {"main", "before", "skip", "relu_1"}


def test_the_last_instance_may_leave_its_second_output_unused():
    nodes = names(INSTANCE, INSTANCE, INSTANCE, merge("stage_1.skip", "stage_2.skip", "stage_3"))
    assert set(nodes) == {
        *(f"stage_{instance}.{node}" for instance in (1, 2) for node in ALL),
        *("stage_3.main", "stage_3.relu_1", "end"),
    }


def test_the_output_that_is_unused_may_be_the_last_node():
    nodes = names(INSTANCE, INSTANCE, merge("stage_1.skip", "stage_2.skip"))
    assert {name for name in nodes if name.startswith("stage_2")} == {
        "stage_2.before",
        "stage_2.main",
        "stage_2.skip",
    }


def test_without_named_outputs_the_last_node_is_the_output():
    nodes = names(INSTANCE, {**INSTANCE, "inputs": ["stage_1.skip"]})
    assert "stage_1.skip" in nodes
    assert "stage_2.skip" not in nodes
    assert nodes[-1] == "stage_2.relu_1"


def test_nodes_that_only_an_unused_output_needs_are_removed():
    """Its parameters would be saved, decayed and counted, and never trained."""
    pair = {
        "inputs": ["left", "right"],
        "layers": [
            {**DENSE, "inputs": "input:right", "name": "skip"},
            {"type": "relu", "inputs": "input:left"},
        ],
    }
    nodes = names(
        {"block": "pair", "inputs": ["input", "input"]},
        {**DENSE, "name": "side", "inputs": "input"},
        {"block": "pair", "inputs": ["pair_1", "side"], "name": "last"},
        merge("pair_1.skip", "last"),
        blocks={"pair": pair},
    )
    assert nodes == ["pair_1.skip", "pair_1.relu_1", "last.relu_1", "end"]


def test_an_output_of_a_nested_block_may_be_unused():
    outer = {"layers": [INSTANCE, {**INSTANCE, "name": "inner"}]}
    nodes = names(
        {"block": "outer"},
        {"block": "outer"},
        merge("outer_1.inner.skip", "outer_1.stage_1.skip", "outer_2"),
        blocks={"stage": STAGE, "outer": outer},
    )
    assert not any(name.endswith("skip") for name in nodes if name.startswith("outer_2"))


def test_a_removed_layer_moves_to_the_first_node_that_shares_it():
    layers = load_spec(
        spec(
            {**INSTANCE, "name": "a", "width": 5},
            {"shares": "a", "name": "b"},
            {"shares": "a", "name": "c"},
            merge("b.skip", "c.skip", "c", "a"),
        )
    ).resolved()["network"]["layers"]
    nodes = {node["name"]: node for node in layers}
    assert "a.before" not in nodes
    assert nodes["b.before"]["units"] == 5
    assert nodes["b.before"]["inputs"] == ["b.main"]
    assert nodes["c.before"] == {"name": "c.before", "shares": "b.before", "inputs": ["c.main"]}
    assert nodes["b.main"]["shares"] == "a.main"


def test_a_mistake_in_a_moved_layer_is_reported_where_it_is_declared(tmp_path):
    path = tmp_path / "spec.json"
    layers = [
        {**INSTANCE, "name": "a", "width": 5},
        {"shares": "a", "name": "b"},
        {"type": "reshape", "target_shape": [7], "inputs": "b.skip"},
        merge("reshape_1", "a"),
    ]
    path.write_text(json.dumps(spec(*layers), indent=1))
    loaded = load_spec(path)
    with pytest.raises(LocatedError) as caught:
        Network(loaded.network)
    (problem,) = loaded.locate(caught.value).problems
    assert problem.pointer == "/network/layers/2"
    assert loaded.origin.source("/network/layers/3/units").pointer == "/network/layers/0/width"


def test_a_forgotten_node_is_still_a_mistake():
    forgotten = {**DENSE, "name": "forgotten", "inputs": "input"}
    assert refused(INSTANCE, INSTANCE, forgotten, merge("stage_1.skip", "stage_2")) == [
        "/network/layers/2: the output of 'forgotten' goes nowhere: no node names it in 'inputs',"
        " and 'end' is the network's output"
    ]


def test_the_output_of_a_block_may_be_unused_if_a_node_within_is_read():
    assert names(INSTANCE, {"type": "tanh", "name": "end", "inputs": "stage_1.skip"}) == [
        *(f"stage_1.{name}" for name in ("main", "before", "skip")),
        "end",
    ]


def test_an_output_that_no_instance_uses_is_still_a_mistake():
    messages = refused(INSTANCE, INSTANCE, INSTANCE)
    assert [line.partition(": no node")[0] for line in messages] == [
        f"/network/blocks/stage/layers/2: the output of 'stage_{instance}.skip' goes nowhere"
        for instance in (1, 2, 3)
    ]


def test_a_wholly_unused_instance_is_still_a_mistake():
    messages = refused(INSTANCE, {**INSTANCE, "inputs": "input"}, merge("stage_1.skip", "stage_1"))
    assert {line.partition(" goes")[0].partition(" of ")[2] for line in messages} == {
        "'stage_2.skip'",
        "'stage_2.relu_1'",
    }


def test_a_cycle_without_an_output_is_still_a_mistake():
    cycle = [
        {**DENSE, "name": "x", "inputs": "y"},
        {**DENSE, "name": "y", "inputs": "x"},
    ]
    (message,) = refused(INSTANCE, INSTANCE, *cycle, merge("stage_1.skip", "stage_2"))
    assert "the nodes form a cycle" in message


def test_the_remaining_network_computes_and_trains():
    content = spec(
        INSTANCE,
        INSTANCE,
        {"type": "dense", "units": 2, "name": "end", "inputs": "stage_2"},
        outputs={"end": "end", "skip": "stage_1.skip"},
    )
    content["training"]["loss"] = {"end": "mse"}
    trainer = Trainer(content)
    assert not any(name.startswith("stage_2.before") for name in trainer.network.params)
    assert not any(name.startswith("stage_1.before") for name in trainer.network.trainable)
    x = np.ones((3, 4), np.float32)
    before = trainer.network.predict(x)
    trainer.train_step(x, np.ones((3, 2), np.float32))
    after = trainer.network.predict(x)
    assert not np.array_equal(before["end"], after["end"])
