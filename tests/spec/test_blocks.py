"""What blocks, repeated nodes and shared uses mean: the flat list of nodes that they stand for."""

import json

import pytest

import tinynet
from tinynet.errors import SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec, parse_network

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
    variables = {"vars": parts.pop("vars")} if "vars" in parts else {}
    return {
        "tinynet": 1,
        "name": "blocks",
        **variables,
        "network": {"input_shape": [4], **parts, "layers": list(layers)},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


def nodes(*layers, overrides=None, **parts):
    """The resolved nodes; a resolved spec means the same again, and can be built."""
    found = load_spec(spec(*layers, **parts), overrides)
    resolved = found.resolved()
    assert load_spec(resolved).resolved() == resolved
    Network(found.network, (4,), dry=True)
    return resolved["network"]["layers"]


def wiring(*layers, **parts):
    """``name < what it follows`` of every node, and ``= owner`` where it shares a layer."""
    return [
        f"{node['name']} < {' '.join(node['inputs'])}"
        + (f" = {node['shares']}" if "shares" in node else "")
        for node in nodes(*layers, **parts)
    ]


def units(*layers, **parts):
    return {node["name"]: node["units"] for node in nodes(*layers, **parts) if "units" in node}


def refused(*layers, overrides=None, **parts):
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*layers, **parts), overrides)
    return str(caught.value)


# Names and what feeds what.


def test_nodes_of_a_block_are_called_after_its_use():
    assert wiring({"block": "two"}, {"block": "two", "name": "last"}, blocks={"two": TWO}) == [
        "two_1.dense_1 < input",
        "two_1.relu_1 < two_1.dense_1",
        "last.dense_1 < two_1.relu_1",
        "last.relu_1 < last.dense_1",
    ]


def test_a_name_given_to_one_use_changes_no_other():
    """Or a checkpoint of the spec before would no longer fit."""
    uses = [{"block": "two"}, {"block": "two", "name": "x"}, {"block": "two"}]
    assert wiring(*uses, blocks={"two": TWO})[-1] == "two_3.relu_1 < two_3.dense_1"


def test_uses_are_counted_apart_from_layers():
    found = wiring({"block": "two"}, "relu", {"block": "two"}, blocks={"two": TWO})
    assert [line.partition(" ")[0] for line in found] == [
        "two_1.dense_1", "two_1.relu_1", "relu_1", "two_2.dense_1", "two_2.relu_1",
    ]  # fmt: skip


def test_the_first_of_a_repeated_node_follows_its_inputs_and_each_other_the_one_before():
    layers = ["relu", DENSE, {"type": "add", "inputs": ["relu_1", "dense_1"], "repeat": 1}, "tanh"]
    assert wiring(*layers)[2:] == ["add_1 < relu_1 dense_1", "tanh_1 < add_1"]
    layers = ["relu", {"type": "gelu", "inputs": "input", "repeat": 3}]
    both = {"type": "add", "inputs": ["relu_1", "gelu_3"]}
    assert wiring(*layers, both) == [
        "relu_1 < input", "gelu_1 < input", "gelu_2 < gelu_1", "gelu_3 < gelu_2",
        "add_1 < relu_1 gelu_3",
    ]  # fmt: skip


def test_a_repeated_use_is_one_use_after_the_other():
    use = {"block": "two", "name": "stage", "inputs": "relu_1", "repeat": 2}
    assert wiring("relu", use, "tanh", blocks={"two": TWO}) == [
        "relu_1 < input",
        "stage_1.dense_1 < relu_1",
        "stage_1.relu_1 < stage_1.dense_1",
        "stage_2.dense_1 < stage_1.relu_1",
        "stage_2.relu_1 < stage_2.dense_1",
        "tanh_1 < stage_2.relu_1",
    ]


def test_repeating_once_is_no_special_case():
    """`repeat` may be a variable, and what follows is addressed by name."""
    for repeat in (1, 2):
        follows = {"type": "relu", "inputs": f"stage_{repeat}"}
        found = wiring({"block": "two", "name": "stage", "repeat": repeat}, follows,
                       blocks={"two": TWO})  # fmt: skip
        assert found[-1] == f"relu_1 < stage_{repeat}.relu_1"


def test_the_repeat_of_a_node_within_a_block_may_be_its_parameter():
    blocks = {"deep": {"params": {"depth": 1}, "layers": [{"type": "relu", "repeat": "$depth"}]}}
    assert wiring({"block": "deep"}, {"block": "deep", "depth": 2}, blocks=blocks) == [
        "deep_1.relu_1 < input", "deep_2.relu_1 < deep_1.relu_1", "deep_2.relu_2 < deep_2.relu_1",
    ]  # fmt: skip


def test_a_block_has_as_many_inputs_as_it_names():
    uses = ["relu", "tanh", {"block": "merge", "inputs": ["relu_1", "tanh_1"]}, "gelu"]
    assert wiring(*uses, blocks={"merge": MERGE})[2:] == [
        "merge_1.dense_1 < tanh_1",
        "merge_1.add_1 < merge_1.dense_1 relu_1",
        "gelu_1 < merge_1.add_1",
    ]


def test_inputs_are_handed_down_through_blocks_within_blocks():
    outer = {
        "inputs": ["a", "b"],
        "layers": [{"block": "merge", "inputs": ["input:b", "input:a"]}, TWO["layers"][1]],
    }
    found = wiring("relu", "tanh", {"block": "outer", "inputs": ["relu_1", "tanh_1"]},
                   blocks={"outer": outer, "merge": MERGE})  # fmt: skip
    assert found[2:] == [
        "outer_1.merge_1.dense_1 < relu_1",
        "outer_1.merge_1.add_1 < outer_1.merge_1.dense_1 tanh_1",
        "outer_1.relu_1 < outer_1.merge_1.add_1",
    ]


def test_inputs_of_the_network_can_be_those_of_a_block():
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


def test_a_node_may_follow_a_node_within_a_use_and_the_use_itself():
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


def test_a_node_may_follow_a_use_that_stands_later():
    first = {"type": "relu", "name": "end", "inputs": "two_1"}
    last = {"block": "two", "inputs": "input"}
    assert wiring(first, last, blocks={"two": TWO})[0] == "end < two_1.relu_1"


def test_names_within_a_block_are_its_own():
    """Two blocks may use the same names, and neither sees the other's nor the network's."""
    own = {"layers": [{**DENSE, "name": "x"}, {"type": "relu", "inputs": "x"}]}
    layers = [{**DENSE, "name": "x"}, {"block": "own"}, {"type": "tanh", "inputs": "own_1.x"},
              {"type": "add", "inputs": ["tanh_1", "own_1", "x"]}]  # fmt: skip
    found = wiring(*layers, blocks={"own": own})
    assert found[2] == "own_1.relu_1 < own_1.x"
    assert found[-1] == "add_1 < tanh_1 own_1.relu_1 x"
    strange = {"layers": [{"type": "relu", "inputs": "x"}]}
    assert "there is no node 'x'" in refused(
        DENSE, {"block": "strange"}, blocks={"strange": strange}
    )


def test_an_output_may_be_a_use_or_a_node_within_one():
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


# Parameters.


def test_parameters_have_defaults_unless_they_are_null():
    uses = [{"block": "pair", "units": 3}, {"block": "pair", "units": 5, "rate": 0.1}]
    found = nodes(*uses, blocks={"pair": PAIR})
    assert [(n.get("units"), n.get("rate")) for n in found] == [
        (3, None), (None, 0.5), (5, None), (None, 0.1),
    ]  # fmt: skip


def test_a_default_may_be_a_variable_and_a_parameter_hides_the_variable_of_its_name():
    block = {"params": {"units": "$width", "width": 7}, "layers": [
        {"type": "dense", "units": "$units"}, {"type": "dense", "units": "$width"},
    ]}  # fmt: skip
    uses = [{"block": "block"}, {"block": "block", "width": "$width", "units": 2}]
    last = {"type": "dense", "units": "$width"}
    assert list(units(*uses, last, blocks={"block": block}, vars={"width": 9}).values()) == [
        9, 7, 2, 9, 9,
    ]  # fmt: skip


def test_a_block_within_a_block_knows_its_own_parameters_and_the_variables_alone():
    outer = {"params": {"units": 3}, "layers": [{"block": "inner", "size": "$units"}]}
    inner = {"params": {"size": None}, "layers": [
        {"type": "dense", "units": "$size"}, {"type": "dense", "units": "$wide"},
    ]}  # fmt: skip
    blocks, variables = {"outer": outer, "inner": inner}, {"wide": 8}
    assert list(units({"block": "outer"}, blocks=blocks, vars=variables).values()) == [3, 8]
    inner["layers"][1]["units"] = "$units"
    told = refused({"block": "outer"}, {"type": "dense", "units": "$wide"}, blocks=blocks,
                   vars=variables)  # fmt: skip
    assert "there is no '$units' here" in told


def test_a_parameter_may_be_any_value_and_a_whole_node():
    block = {
        "params": {"start": {"type": "normal", "stddev": 0.1}, "activation": "relu", "last": None},
        "layers": [{**DENSE, "weight_initializer": "$start"}, "$activation", "$last"],
    }
    tail = {"type": "dense", "units": 2, "name": "tail"}
    use = {"block": "block", "activation": {"type": "leaky_relu"}, "last": tail}
    found = nodes(use, {"block": "block", "last": "relu"}, blocks={"block": block})
    assert [node["type"] for node in found] == [
        "dense", "leaky_relu", "dense", "dense", "relu", "relu",
    ]  # fmt: skip
    assert found[0]["weight_initializer"]["stddev"] == 0.1
    assert [node["name"] for node in found][1:3] == ["block_1.leaky_relu_1", "block_1.tail"]


def test_the_list_of_nodes_may_be_a_variable():
    content = spec(vars={"all": [{"block": "two", "repeat": 2}, "tanh"]}, blocks={"two": TWO})
    content["network"]["layers"] = "$all"
    found = load_spec(content).network.layers
    assert [node.name for node in found][-2:] == ["two_2.relu_1", "tanh_1"]


# Freezing and sharing.


def test_a_use_that_is_not_trainable_has_no_node_that_is():
    outer = {"layers": [{"block": "two"}, {**DENSE, "trainable": True}]}
    uses = [{"block": "outer", "trainable": False}, {"block": "two"}]
    found = nodes(*uses, blocks={"outer": outer, "two": TWO})
    assert [node["trainable"] for node in found] == [False, False, False, True, True]


def test_whether_a_use_is_trainable_may_be_a_parameter():
    outer = {"params": {"learn": False}, "layers": [{"block": "two", "trainable": "$learn"}]}
    uses = [{"block": "outer"}, {"block": "outer", "learn": True}]
    found = nodes(*uses, blocks={"outer": outer, "two": TWO})
    assert [node["trainable"] for node in found] == [False, False, True, True]


def test_a_whole_use_can_be_shared_again_and_again():
    uses = [{"block": "two", "name": "a"}, {"shares": "a", "name": "b"}, {"shares": "b"}]
    assert wiring(*uses, blocks={"two": TWO})[2:] == [
        "b.dense_1 < a.relu_1 = a.dense_1",
        "b.relu_1 < b.dense_1 = a.relu_1",
        "shared_2.dense_1 < b.relu_1 = a.dense_1",
        "shared_2.relu_1 < shared_2.dense_1 = a.relu_1",
    ]


def test_a_shared_use_may_stand_before_the_one_that_owns_its_layers():
    uses = [{"shares": "a", "name": "b", "inputs": "input"},
            {"block": "two", "name": "a", "inputs": "input"},
            {"type": "add", "inputs": ["a", "b"]}]  # fmt: skip
    assert wiring(*uses, blocks={"two": TWO})[:2] == [
        "b.dense_1 < input = a.dense_1",
        "b.relu_1 < b.dense_1 = a.relu_1",
    ]


def test_a_shared_use_shares_what_is_within_blocks_within_it():
    outer = {"layers": [{"block": "two", "name": "x"}, {"shares": "x", "name": "y"}]}
    uses = [{"block": "outer", "name": "a"}, {"shares": "a", "name": "b", "repeat": 2}]
    found = wiring(*uses, blocks={"outer": outer, "two": TWO})
    assert found[2].endswith(" = a.x.dense_1")
    assert [line.partition(" = ")[2] for line in found[4:]] == ["a.x.dense_1", "a.x.relu_1"] * 4
    assert [line.partition(" ")[0] for line in found[8:10]] == ["b_2.x.dense_1", "b_2.x.relu_1"]


def test_a_shared_use_takes_inputs_of_its_own():
    uses = ["relu", "tanh", {"block": "merge", "inputs": ["relu_1", "tanh_1"], "name": "a"},
            {"shares": "a", "inputs": ["a", "relu_1"]}]  # fmt: skip
    assert wiring(*uses, blocks={"merge": MERGE})[4:] == [
        "shared_1.dense_1 < relu_1 = a.dense_1",
        "shared_1.add_1 < shared_1.dense_1 a.add_1 = a.add_1",
    ]


def test_a_node_within_a_use_can_be_shared():
    uses = [{"block": "two"}, {"shares": "two_1.dense_1", "name": "again"}]
    assert wiring(*uses, blocks={"two": TWO})[-1] == "again < two_1.relu_1 = two_1.dense_1"


def test_each_use_of_a_block_has_layers_of_its_own_that_are_shared_within_it():
    twice = {"layers": [{**DENSE, "name": "d"}, {"shares": "d"}]}
    assert wiring({"block": "twice", "repeat": 2}, blocks={"twice": twice}) == [
        "twice_1.d < input", "twice_1.shared_1 < twice_1.d = twice_1.d",
        "twice_2.d < twice_1.shared_1", "twice_2.shared_1 < twice_2.d = twice_2.d",
    ]  # fmt: skip


# Overrides, and everything together.


def test_overrides_edit_what_is_written():
    layers = [{"block": "pair", "units": "$width"}, {"block": "pair", "units": 5, "name": "last"}]
    parts = {"blocks": {"pair": PAIR}, "vars": {"width": 9}}
    expected = {"pair_1.dense_1": 9, "last.dense_1": 5}
    assert units(*layers, **parts) == expected
    for path, value, changed in (
        ("vars.width", 3, {"pair_1.dense_1": 3}),
        ("network.layers.last.units", 3, {"last.dense_1": 3}),
        ("network.layers.pair_1.units", 3, {"pair_1.dense_1": 3}),
        ("network.layers.1.units", "$width", {"last.dense_1": 9}),
        ("network.blocks.pair.layers.dense_1.units", 2, {"pair_1.dense_1": 2, "last.dense_1": 2}),
        ("network.layers.last.repeat", 2, {"last_1.dense_1": 5, "last_2.dense_1": 5}),
        ("network.blocks.pair.layers.dropout_1.repeat", 2, {}),
    ):
        rest = {} if path.endswith("last.repeat") else expected
        found = units(*layers, **parts, overrides={path: value})
        assert found == {"pair_1.dense_1": 9, **rest, **changed}, path


def test_a_name_in_an_override_means_what_it_means_in_the_network():
    """A node after one whose `repeat` is a variable must not be taken for another."""
    layers = [{"type": "relu", "repeat": "$depth"}, {"type": "relu"}, "$last"]
    variables = {"depth": 3, "last": {"type": "dense", "units": 2}}
    for name, expected in (
        ("relu_1", [False, False, False, True, True]),
        ("relu_4", [True, True, True, False, True]),
    ):
        overrides = {f"network.layers.{name}.trainable": False}
        found = nodes(*layers, vars=variables, overrides=overrides)
        assert [node["trainable"] for node in found] == expected
    deep = {"params": {"depth": 2}, "layers": [{"type": "relu", "repeat": "$depth"}, "relu"]}
    overrides = {"network.blocks.deep.layers.relu_3.trainable": False}
    found = nodes({"block": "deep"}, blocks={"deep": deep}, overrides=overrides)
    assert [node["trainable"] for node in found] == [True, True, False]


def test_a_mistake_in_an_override_of_a_block_names_the_override():
    told = refused({"block": "pair", "units": 3}, blocks={"pair": PAIR},
                   overrides={"network.layers.pair_1.units": 0})  # fmt: skip
    assert told == (
        "/network/layers/0/units: must be at least 1, not 0 (override network.layers.pair_1.units)"
        " (used as $units at /network/blocks/pair/layers/0/units)"
    )


def test_without_blocks_nothing_is_said_that_was_not_written():
    """Names and inputs that follow from the place are left out, so that places can change."""
    fields = [node.keys() for node in nodes("relu", {"type": "dense", "units": "$four"},
                                            vars={"four": 4})]  # fmt: skip
    assert [{"name", "inputs"} & keys for keys in fields] == [set(), set()]


def test_a_network_is_made_of_blocks_without_a_spec():
    network = Network({"blocks": {"two": TWO}, "layers": [{"block": "two", "repeat": 2}]}, (3,))
    assert list(network.params) == [
        "two_1.dense_1/weight", "two_1.dense_1/bias", "two_2.dense_1/weight", "two_2.dense_1/bias",
    ]  # fmt: skip


def test_ten_thousand_nodes_of_blocks_are_read():
    block = {"layers": [{"type": "relu", "repeat": 100}]}
    network = parse_network({"blocks": {"b": block}, "layers": [{"block": "b", "repeat": 100}]})
    assert len(network.layers) == 10_000
    assert network.layers[-1].name == "b_100.relu_100"


def test_a_run_of_blocks_goes_on_as_it_was(tmp_path):
    """A checkpoint keeps the unrolled spec; resuming must build the same network of it."""
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


def test_the_given_name_of_a_repeated_node_is_its_last_time_to_those_that_follow():
    """How many times may be a variable: what comes after must not have to count."""
    layers = [{"block": "two", "name": "branch", "repeat": "$depth"}, DENSE,
              {"type": "add", "inputs": ["branch", "dense_1"]}]  # fmt: skip
    for depth in (1, 3):
        found = wiring(*layers, vars={"depth": depth}, blocks={"two": TWO})
        assert found[-1] == f"add_1 < branch_{depth}.relu_1 dense_1"
    deep = {"layers": [{"type": "relu", "name": "act", "repeat": 2}, {"type": "tanh"},
                       {"type": "add", "inputs": ["act", "tanh_1"]}]}  # fmt: skip
    outputs = {"all": "act", "inner": "deep_1.act"}
    network = parse_network({"blocks": {"deep": deep}, "outputs": outputs, "layers": [
        {"block": "deep"}, {"type": "relu", "name": "act", "repeat": 2}]})  # fmt: skip
    assert network.outputs == {"all": "act_2", "inner": "deep_1.act_2"}


def test_an_input_of_the_network_that_is_not_there_is_told_where_it_is_handed_on(tmp_path):
    """Not in the block, which does not know what it is handed."""
    content = spec({"block": "outer", "inputs": "input:imag"},
                   blocks={"two": TWO, "outer": {"layers": [{"block": "two"}]}},
                   input_shape={"image": [4]})  # fmt: skip
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(content, indent=1))
    found = load_spec(path)
    with pytest.raises(SpecError) as caught:
        Network(found.network, dry=True)
    (problem,) = found.locate(caught.value).problems
    assert problem.pointer == "/network/layers/0/inputs"
    assert "input:imag" in path.read_text().splitlines()[problem.line - 1]


def test_of_a_long_chain_of_uses_the_nearest_are_named():
    blocks = {f"b{i}": {"layers": [{"block": f"b{i + 1}"}]} for i in range(9)}
    told = refused({"block": "b0"}, blocks={**blocks, "b9": {"layers": ["rleu"]}})
    assert told.count("used at") == 3
    assert told.endswith(", and 7 more levels)")


def test_a_block_whose_name_is_the_value_of_a_variable_is_used():
    parts = {"vars": {"which": "two"}, "blocks": {"two": TWO, "pair": PAIR}}
    told = refused({"block": "$which"}, **parts)
    assert told == "/network/blocks/pair: nothing in the spec uses the block 'pair'"
    replaced = {"network.layers.1": "tanh"}
    layers = [{"block": "$which"}, {"block": "pair", "units": 3}]
    assert len(nodes(*layers, **parts, overrides=replaced)) == 3
