"""Instances of blocks that are frozen, or that share their layers."""

from .block_specs import DENSE, MERGE, TWO, nodes, wiring


def test_a_frozen_instance_freezes_all_of_its_nodes():
    outer = {"layers": [{"block": "two"}, {**DENSE, "trainable": True}]}
    layers = [{"block": "outer", "trainable": False}, {"block": "two"}]
    result = nodes(*layers, blocks={"outer": outer, "two": TWO})
    assert [node["trainable"] for node in result] == [False, False, False, True, True]


def test_trainable_may_be_a_parameter():
    outer = {"params": {"learn": False}, "layers": [{"block": "two", "trainable": "$learn"}]}
    layers = [{"block": "outer"}, {"block": "outer", "learn": True}]
    result = nodes(*layers, blocks={"outer": outer, "two": TWO})
    assert [node["trainable"] for node in result] == [False, False, True, True]


def test_an_instance_can_be_shared_several_times():
    layers = [{"block": "two", "name": "a"}, {"shares": "a", "name": "b"}, {"shares": "b"}]
    assert wiring(*layers, blocks={"two": TWO})[2:] == [
        "b.dense_1 < a.relu_1 = a.dense_1",
        "b.relu_1 < b.dense_1 = a.relu_1",
        "shared_2.dense_1 < b.relu_1 = a.dense_1",
        "shared_2.relu_1 < shared_2.dense_1 = a.relu_1",
    ]


def test_a_shared_instance_may_precede_its_owner():
    layers = [{"shares": "a", "name": "b", "inputs": "input"},
              {"block": "two", "name": "a", "inputs": "input"},
              {"type": "add", "inputs": ["a", "b"]}]  # fmt: skip
    assert wiring(*layers, blocks={"two": TWO})[:2] == [
        "b.dense_1 < input = a.dense_1",
        "b.relu_1 < b.dense_1 = a.relu_1",
    ]


def test_sharing_an_instance_shares_the_blocks_within_it():
    outer = {"layers": [{"block": "two", "name": "x"}, {"shares": "x", "name": "y"}]}
    layers = [{"block": "outer", "name": "a"}, {"shares": "a", "name": "b", "repeat": 2}]
    result = wiring(*layers, blocks={"outer": outer, "two": TWO})
    assert result[2].endswith(" = a.x.dense_1")
    assert [line.partition(" = ")[2] for line in result[4:]] == ["a.x.dense_1", "a.x.relu_1"] * 4
    assert [line.partition(" ")[0] for line in result[8:10]] == ["b_2.x.dense_1", "b_2.x.relu_1"]


def test_a_shared_instance_has_its_own_inputs():
    layers = ["relu", "tanh", {"block": "merge", "inputs": ["relu_1", "tanh_1"], "name": "a"},
              {"shares": "a", "inputs": ["a", "relu_1"]}]  # fmt: skip
    assert wiring(*layers, blocks={"merge": MERGE})[4:] == [
        "shared_1.dense_1 < relu_1 = a.dense_1",
        "shared_1.add_1 < shared_1.dense_1 a.add_1 = a.add_1",
    ]


def test_a_node_within_an_instance_can_be_shared():
    layers = [{"block": "two"}, {"shares": "two_1.dense_1", "name": "again"}]
    assert wiring(*layers, blocks={"two": TWO})[-1] == "again < two_1.relu_1 = two_1.dense_1"


def test_layers_shared_within_a_block_belong_to_one_instance():
    twice = {"layers": [{**DENSE, "name": "d"}, {"shares": "d"}]}
    assert wiring({"block": "twice", "repeat": 2}, blocks={"twice": twice}) == [
        "twice_1.d < input", "twice_1.shared_1 < twice_1.d = twice_1.d",
        "twice_2.d < twice_1.shared_1", "twice_2.shared_1 < twice_2.d = twice_2.d",
    ]  # fmt: skip
