"""Parameters of blocks: defaults, variables, scopes."""

from tinynet.spec.reading import load_spec

from .block_specs import DENSE, PAIR, TWO, nodes, refused, spec, units


def test_a_parameter_with_the_default_null_is_required():
    layers = [{"block": "pair", "units": 3}, {"block": "pair", "units": 5, "rate": 0.1}]
    result = nodes(*layers, blocks={"pair": PAIR})
    assert [(n.get("units"), n.get("rate")) for n in result] == [
        (3, None), (None, 0.5), (5, None), (None, 0.1),
    ]  # fmt: skip


def test_a_default_may_be_a_variable_which_a_parameter_may_hide():
    block = {"params": {"units": "$width", "width": 7}, "layers": [
        {"type": "dense", "units": "$units"}, {"type": "dense", "units": "$width"},
    ]}  # fmt: skip
    layers = [{"block": "block"}, {"block": "block", "width": "$width", "units": 2}]
    last = {"type": "dense", "units": "$width"}
    assert list(units(*layers, last, blocks={"block": block}, vars={"width": 9}).values()) == [
        9, 7, 2, 9, 9,
    ]  # fmt: skip


def test_a_block_has_no_access_to_parameters_of_its_container():
    outer = {"params": {"units": 3}, "layers": [{"block": "inner", "size": "$units"}]}
    inner = {"params": {"size": None}, "layers": [
        {"type": "dense", "units": "$size"}, {"type": "dense", "units": "$wide"},
    ]}  # fmt: skip
    blocks, variables = {"outer": outer, "inner": inner}, {"wide": 8}
    assert list(units({"block": "outer"}, blocks=blocks, vars=variables).values()) == [3, 8]
    inner["layers"][1]["units"] = "$units"
    message = refused(
        {"block": "outer"}, {"type": "dense", "units": "$wide"}, blocks=blocks, vars=variables
    )
    assert "there is no '$units' here" in message


def test_a_parameter_may_be_any_value_or_a_whole_node():
    block = {
        "params": {"start": {"type": "normal", "stddev": 0.1}, "activation": "relu", "last": None},
        "layers": [{**DENSE, "weight_initializer": "$start"}, "$activation", "$last"],
    }
    tail = {"type": "dense", "units": 2, "name": "tail"}
    instance = {"block": "block", "activation": {"type": "leaky_relu"}, "last": tail}
    result = nodes(instance, {"block": "block", "last": "relu"}, blocks={"block": block})
    assert [node["type"] for node in result] == [
        "dense", "leaky_relu", "dense", "dense", "relu", "relu",
    ]  # fmt: skip
    assert result[0]["weight_initializer"]["stddev"] == 0.1
    assert [node["name"] for node in result][1:3] == ["block_1.leaky_relu_1", "block_1.tail"]


def test_the_list_of_nodes_may_be_a_variable():
    content = spec(vars={"all": [{"block": "two", "repeat": 2}, "tanh"]}, blocks={"two": TWO})
    content["network"]["layers"] = "$all"
    result = load_spec(content).network.layers
    assert [node.name for node in result][-2:] == ["two_2.relu_1", "tanh_1"]


def test_the_name_of_a_block_may_be_a_variable():
    parts = {"vars": {"which": "two"}, "blocks": {"two": TWO, "pair": PAIR}}
    message = refused({"block": "$which"}, **parts)
    assert message == "/network/blocks/pair: nothing in the spec uses the block 'pair'"
    replaced = {"network.layers.1": "tanh"}
    layers = [{"block": "$which"}, {"block": "pair", "units": 3}]
    assert len(nodes(*layers, **parts, overrides=replaced)) == 3
