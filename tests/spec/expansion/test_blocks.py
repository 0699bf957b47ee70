"""Blocks and repeated nodes: the names and inputs of the nodes that they expand to."""

import json

import pytest

import tinynet
from tinynet.errors import SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec, parse_network

from .block_specs import DENSE, MERGE, PAIR, TWO, nodes, refused, spec, wiring


def test_nodes_of_a_block_are_named_after_its_instance():
    assert wiring({"block": "two"}, {"block": "two", "name": "last"}, blocks={"two": TWO}) == [
        "two_1.dense_1 < input",
        "two_1.relu_1 < two_1.dense_1",
        "last.dense_1 < two_1.relu_1",
        "last.relu_1 < last.dense_1",
    ]


def test_naming_one_instance_renames_no_other():
    """Otherwise an older checkpoint would no longer fit."""
    layers = [{"block": "two"}, {"block": "two", "name": "x"}, {"block": "two"}]
    assert wiring(*layers, blocks={"two": TWO})[-1] == "two_3.relu_1 < two_3.dense_1"


def test_instances_and_layers_are_counted_separately():
    result = wiring({"block": "two"}, "relu", {"block": "two"}, blocks={"two": TWO})
    assert [line.partition(" ")[0] for line in result] == [
        "two_1.dense_1", "two_1.relu_1", "relu_1", "two_2.dense_1", "two_2.relu_1",
    ]  # fmt: skip


def test_repeated_nodes_form_a_chain():
    layers = ["relu", DENSE, {"type": "add", "inputs": ["relu_1", "dense_1"], "repeat": 1}, "tanh"]
    assert wiring(*layers)[2:] == ["add_1 < relu_1 dense_1", "tanh_1 < add_1"]
    layers = ["relu", {"type": "gelu", "inputs": "input", "repeat": 3}]
    both = {"type": "add", "inputs": ["relu_1", "gelu_3"]}
    assert wiring(*layers, both) == [
        "relu_1 < input", "gelu_1 < input", "gelu_2 < gelu_1", "gelu_3 < gelu_2",
        "add_1 < relu_1 gelu_3",
    ]  # fmt: skip


def test_repeated_instances_form_a_chain():
    instance = {"block": "two", "name": "stage", "inputs": "relu_1", "repeat": 2}
    assert wiring("relu", instance, "tanh", blocks={"two": TWO}) == [
        "relu_1 < input",
        "stage_1.dense_1 < relu_1",
        "stage_1.relu_1 < stage_1.dense_1",
        "stage_2.dense_1 < stage_1.relu_1",
        "stage_2.relu_1 < stage_2.dense_1",
        "tanh_1 < stage_2.relu_1",
    ]


def test_each_repeat_of_a_block_replaces_its_first_input():
    cross = {"inputs": ["x", "features"],
             "layers": [{"type": "multiply", "inputs": ["input:x", "input:features"]}]}  # fmt: skip
    instance = {"block": "cross", "inputs": ["relu_1", "tanh_1"], "repeat": 3}
    shared = {"shares": "cross_3", "name": "again", "inputs": ["cross_3", "relu_1"], "repeat": 2}
    assert wiring("relu", "tanh", instance, shared, blocks={"cross": cross})[2:] == [
        "cross_1.multiply_1 < relu_1 tanh_1",
        "cross_2.multiply_1 < cross_1.multiply_1 tanh_1",
        "cross_3.multiply_1 < cross_2.multiply_1 tanh_1",
        "again_1.multiply_1 < cross_3.multiply_1 relu_1 = cross_3.multiply_1",
        "again_2.multiply_1 < again_1.multiply_1 relu_1 = cross_3.multiply_1",
    ]


def test_a_single_repeat_is_numbered_too():
    """`repeat` may be a variable, and later nodes refer to the result by name."""
    for repeat in (1, 2):
        follows = {"type": "relu", "inputs": f"stage_{repeat}"}
        result = wiring({"block": "two", "name": "stage", "repeat": repeat}, follows,
                       blocks={"two": TWO})  # fmt: skip
        assert result[-1] == f"relu_1 < stage_{repeat}.relu_1"


def test_repeat_within_a_block_may_be_a_parameter():
    blocks = {"deep": {"params": {"depth": 1}, "layers": [{"type": "relu", "repeat": "$depth"}]}}
    assert wiring({"block": "deep"}, {"block": "deep", "depth": 2}, blocks=blocks) == [
        "deep_1.relu_1 < input", "deep_2.relu_1 < deep_1.relu_1", "deep_2.relu_2 < deep_2.relu_1",
    ]  # fmt: skip


def test_the_name_of_a_repeated_node_refers_to_the_last_repeat():
    """The number of repeats may be a variable, and later nodes must not depend on it."""
    layers = [{"block": "two", "name": "branch", "repeat": "$depth"}, DENSE,
              {"type": "add", "inputs": ["branch", "dense_1"]}]  # fmt: skip
    for depth in (1, 3):
        result = wiring(*layers, vars={"depth": depth}, blocks={"two": TWO})
        assert result[-1] == f"add_1 < branch_{depth}.relu_1 dense_1"
    deep = {"layers": [{"type": "relu", "name": "act", "repeat": 2}, {"type": "tanh"},
                       {"type": "add", "inputs": ["act", "tanh_1"]}]}  # fmt: skip
    outputs = {"all": "act", "inner": "deep_1.act"}
    network = parse_network({"blocks": {"deep": deep}, "outputs": outputs, "layers": [
        {"block": "deep"}, {"type": "relu", "name": "act", "repeat": 2}]})  # fmt: skip
    assert network.outputs == {"all": "act_2", "inner": "deep_1.act_2"}


def test_a_block_may_have_several_inputs():
    layers = ["relu", "tanh", {"block": "merge", "inputs": ["relu_1", "tanh_1"]}, "gelu"]
    assert wiring(*layers, blocks={"merge": MERGE})[2:] == [
        "merge_1.dense_1 < tanh_1",
        "merge_1.add_1 < merge_1.dense_1 relu_1",
        "gelu_1 < merge_1.add_1",
    ]


def test_inputs_are_passed_to_blocks_within_blocks():
    outer = {
        "inputs": ["a", "b"],
        "layers": [{"block": "merge", "inputs": ["input:b", "input:a"]}, TWO["layers"][1]],
    }
    result = wiring("relu", "tanh", {"block": "outer", "inputs": ["relu_1", "tanh_1"]},
                   blocks={"outer": outer, "merge": MERGE})  # fmt: skip
    assert result[2:] == [
        "outer_1.merge_1.dense_1 < relu_1",
        "outer_1.merge_1.add_1 < outer_1.merge_1.dense_1 tanh_1",
        "outer_1.relu_1 < outer_1.merge_1.add_1",
    ]


def test_a_block_may_take_inputs_of_the_network():
    network = parse_network(
        {
            "blocks": {"merge": MERGE},
            "layers": [{"block": "merge", "inputs": ["input:image", "input:table"]}],
        }
    )
    assert [node.inputs for node in network.layers] == [
        ("input:table",),
        ("merge_1.dense_1", "input:image"),
    ]


def test_a_node_may_follow_an_instance_or_a_node_within_one():
    skip = {"type": "add", "inputs": ["two_1.dense_1", "two_1"]}
    assert wiring({"block": "two"}, skip, blocks={"two": TWO})[-1] == (
        "add_1 < two_1.dense_1 two_1.relu_1"
    )
    outer = {"layers": [{"block": "two", "name": "in"}, {**skip, "inputs": ["in.dense_1", "in"]}]}
    reach = {"type": "add", "inputs": ["outer_1.in.dense_1", "outer_1.in", "outer_1"]}
    assert wiring({"block": "outer"}, reach, blocks={"two": TWO, "outer": outer})[2:] == [
        "outer_1.add_1 < outer_1.in.dense_1 outer_1.in.relu_1",
        "add_1 < outer_1.in.dense_1 outer_1.in.relu_1 outer_1.add_1",
    ]


def test_a_node_may_follow_a_later_instance():
    first = {"type": "relu", "name": "end", "inputs": "two_1"}
    last = {"block": "two", "inputs": "input"}
    assert wiring(first, last, blocks={"two": TWO})[0] == "end < two_1.relu_1"


def test_names_within_a_block_are_local():
    """Two blocks may use the same names, independently of each other and of the network."""
    own = {"layers": [{**DENSE, "name": "x"}, {"type": "relu", "inputs": "x"}]}
    layers = [{**DENSE, "name": "x"}, {"block": "own"}, {"type": "tanh", "inputs": "own_1.x"},
              {"type": "add", "inputs": ["tanh_1", "own_1", "x"]}]  # fmt: skip
    result = wiring(*layers, blocks={"own": own})
    assert result[2] == "own_1.relu_1 < own_1.x"
    assert result[-1] == "add_1 < tanh_1 own_1.relu_1 x"
    strange = {"layers": [{"type": "relu", "inputs": "x"}]}
    assert "there is no node 'x'" in refused(
        DENSE, {"block": "strange"}, blocks={"strange": strange}
    )


def test_an_output_may_be_an_instance_or_a_node_within_one():
    outputs = load_spec(
        {
            **spec({"block": "two", "name": "a"}, blocks={"two": TWO}, outputs=["a", "a.dense_1"]),
            "training": {
                "steps": 1,
                "loss": {"a": {"type": "mse"}, "a.dense_1": {"type": "mse"}},
                "optimizer": "sgd",
            },
        }
    ).network.outputs
    assert outputs == {"a": "a.relu_1", "a.dense_1": "a.dense_1"}


def test_a_missing_network_input_is_reported_where_it_is_passed(tmp_path):
    """The mistake is not in the block that receives it."""
    content = spec({"block": "outer", "inputs": "input:imag"},
                   blocks={"two": TWO, "outer": {"layers": [{"block": "two"}]}},
                   input_shape={"image": [4]})  # fmt: skip
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(content, indent=1))
    result = load_spec(path)
    with pytest.raises(SpecError) as caught:
        Network(result.network, dry=True)
    (problem,) = result.locate(caught.value).problems
    assert problem.pointer == "/network/layers/0/inputs"
    assert "input:imag" in path.read_text().splitlines()[problem.line - 1]


def test_a_message_names_the_nearest_of_many_instances():
    blocks = {f"b{i}": {"layers": [{"block": f"b{i + 1}"}]} for i in range(9)}
    message = refused({"block": "b0"}, blocks={**blocks, "b9": {"layers": ["rleu"]}})
    assert message.count("used at") == 3
    assert message.endswith(", and 7 more levels)")


def test_without_blocks_names_and_inputs_stay_implicit():
    """Names and inputs that follow from the position are omitted, so that nodes can move."""
    fields = [node.keys() for node in nodes("relu", {"type": "dense", "units": "$four"},
                                            vars={"four": 4})]  # fmt: skip
    assert [{"name", "inputs"} & keys for keys in fields] == [set(), set()]


def test_a_network_without_a_spec_may_have_blocks():
    network = Network({"blocks": {"two": TWO}, "layers": [{"block": "two", "repeat": 2}]}, (3,))
    assert list(network.params) == [
        "two_1.dense_1/weight", "two_1.dense_1/bias", "two_2.dense_1/weight", "two_2.dense_1/bias",
    ]  # fmt: skip


def test_blocks_may_expand_to_ten_thousand_nodes():
    block = {"layers": [{"type": "relu", "repeat": 100}]}
    network = parse_network({"blocks": {"b": block}, "layers": [{"block": "b", "repeat": 100}]})
    assert len(network.layers) == 10_000
    assert network.layers[-1].name == "b_100.relu_100"


def test_a_resumed_run_builds_the_same_blocks(tmp_path):
    """A checkpoint stores the expanded spec; resuming must build the same network from it."""
    path = tmp_path / "spec.json"
    content = {
        **spec("flatten", {"block": "pair", "units": "$width", "repeat": 2}, {"shares": "pair_2"},
               {"type": "dense", "units": 10}, blocks={"pair": PAIR}, vars={"width": 6}),
        "data": {"type": "digits"},
        "training": {"epochs": 1, "batch_size": 512, "loss": "softmax_cross_entropy",
                     "optimizer": "adam", "trainable": ["pair_*/*", "dense_1/*"]},
    }  # fmt: skip
    del content["network"]["input_shape"]
    path.write_text(json.dumps(content))
    first = tinynet.train(path, tmp_path / "run")
    resumed = tinynet.resume(tmp_path / "run", overrides={"training.epochs": 2})
    whole = tinynet.train(path, tmp_path / "whole", overrides={"training.epochs": 2})
    assert first.step < resumed.step == whole.step
    for address, array in whole.network.params.items():
        assert array.tobytes() == resumed.network.params[address].tobytes(), address
