"""Nodes of a network: names, inputs, outputs and order of computation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.errors import SpecError
from tinynet.spec.graph import MAX_CYCLE, build_graph, is_input, outputs_of
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.places import MAX_COUNTED


def network(*layers, outputs=None):
    return NetworkSpec.model_validate({"layers": list(layers), "outputs": outputs})


def order(*layers):
    return [node.name for node in build_graph(network(*layers))]


def messages(*layers, outputs=None):
    with pytest.raises(SpecError) as caught:
        build_graph(network(*layers, outputs=outputs))
    return [str(problem) for problem in caught.value.problems]


def test_each_node_follows_the_one_before_it():
    graph = build_graph(network("relu", "relu", {"type": "add", "inputs": ["relu_2", "input"]}))
    assert [node.inputs for node in graph] == [("input",), ("relu_1",), ("relu_2", "input")]
    assert [node.pointer for node in graph] == [f"/network/layers/{i}" for i in range(3)]


def test_nodes_may_stand_in_any_order():
    b = {"type": "relu", "name": "b", "inputs": "a"}
    a = {"type": "relu", "name": "a", "inputs": "input"}
    assert order(b, a, {"type": "relu", "name": "c", "inputs": "b"}) == ["a", "b", "c"]


def test_the_owner_of_a_shared_layer_is_built_first():
    first = {"shares": "owner", "name": "first", "inputs": "input"}
    owner = {"type": "relu", "name": "owner", "inputs": "input"}
    assert order(first, owner, {"type": "add", "inputs": ["first", "owner"]}) == [
        "owner", "first", "add_1",
    ]  # fmt: skip


def test_a_node_may_take_the_same_output_twice():
    assert order("relu", {"type": "add", "inputs": ["relu_1", "relu_1"]}) == ["relu_1", "add_1"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("input", True), ("input:image", True), ("input:", False), ("inputs", False), ("", False)],
)
def test_names_of_inputs(name, expected):
    assert is_input(name) is expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [{"type": "relu", "name": "input"}],
            "/network/layers/0/name: 'input' is the network's input; give the node another name",
        ),
        (
            [{"type": "a/b"}],
            "/network/layers/0: 'a/b_1', made from the type, cannot be a name; give it a 'name':"
            " up to 100 ASCII letters, digits, '_', '-' or '.'; the first is a letter or a"
            " digit, and no '.' is last or beside another",
        ),
        (
            [{"type": "relu", "inputs": "input:"}],
            "/network/layers/0/inputs/0: there is no node 'input:'; did you mean 'input'?",
        ),
        (
            [{"type": "relu", "name": "a"}, {"shares": "a", "name": "b"}, {"shares": "b"}],
            "/network/layers/2/shares: 'b' has no layer of its own; share 'a', as it does",
        ),
        (
            [{"shares": "b", "name": "a"}, {"shares": "a", "name": "b"}],
            "/network/layers/0/shares: these nodes share each other's layer and none has its own"
            ": a -> b -> a",
        ),
        (
            [{"shares": "a", "name": "b"}, {"type": "relu", "name": "a"}],
            "/network/layers/0: the nodes form a cycle, each needed by the next: b -> a -> b",
        ),
        (
            [
                {"type": "relu", "name": "a", "inputs": "c"},
                {"type": "relu", "name": "b"},
                {"type": "relu", "name": "c"},
            ],
            "/network/layers/0: the nodes form a cycle, each needed by the next: a -> b -> c -> a",
        ),
        (
            ["relu", {"type": "relu", "inputs": "input"}],
            "/network/layers/0: the output of 'relu_1' goes nowhere: no node names it in 'inputs',"
            " and 'relu_2' is the network's output",
        ),
    ],
)
def test_an_invalid_graph_is_explained(layers, expected):
    assert messages(*layers) == [expected]


FORK = [
    {"type": "relu", "name": "a"},
    {"type": "relu", "name": "b", "inputs": "a"},
    {"type": "relu", "name": "c", "inputs": "a"},
]


@pytest.mark.parametrize(
    ("layers", "outputs", "expected"),
    [
        (FORK[:2], None, {"output": "b"}),
        (FORK[:2], "b", {"b": "b"}),
        (FORK, {"kind": "c", "area": "b"}, {"area": "b", "kind": "c"}),
        (FORK[:2], {"kind": "b", "hidden": "a", "b": "b"}, {"b": "b", "hidden": "a", "kind": "b"}),
    ],
)
def test_outputs_are_ordered_by_name(layers, outputs, expected):
    """An output may be an inner node, and a node may be several outputs."""
    spec = network(*layers, outputs=outputs)
    resolved = outputs_of(spec, build_graph(spec))
    assert list(resolved.items()) == list(expected.items())


def test_an_output_needs_no_other_use():
    assert messages(*FORK, outputs=["b"]) == [
        "/network/layers/2: the output of 'c' goes nowhere: no node names it in 'inputs', and"
        " network.outputs does not name it"
    ]
    build_graph(network(*FORK, outputs=["b", "c"]))


def test_every_output_without_a_node_is_reported():
    assert messages(*FORK, outputs={"kind": "bb", "area": "x/y", "ok": "c", "in": "input"}) == [
        "/network/outputs/kind: there is no node 'bb'; did you mean 'b'?",
        "/network/outputs/area: there is no node 'x/y'; available: a, b, c",
        "/network/outputs/in: there is no node 'input'; available: a, b, c",
    ]


def test_all_wrong_names_are_reported_at_once():
    assert (
        len(messages({"type": "relu", "inputs": ["x", "y"]}, {"type": "a/b"}, {"shares": "z"})) == 4
    )


def test_a_long_cycle_is_shortened():
    layers = [{"type": "relu", "inputs": f"relu_{(i + 1) % 50 + 1}"} for i in range(50)]
    (message,) = messages(*layers)
    assert message.count(" -> ") == MAX_CYCLE
    assert " -> ... -> " in message


DEEP = 10_000


def test_a_chain_may_have_ten_thousand_nodes():
    """The sort must not recurse."""
    forward = [{"type": "relu"}] * DEEP
    assert len(order(*forward)) == DEEP
    backward = [{"type": "relu", "inputs": f"relu_{i}"} for i in range(2, DEEP + 1)]
    assert len(order(*backward, {"type": "relu", "inputs": "input"})) == DEEP


def test_one_node_may_follow_ten_thousand():
    many = [{"type": "relu", "inputs": "input"}] * (DEEP - 1)
    names = [f"relu_{i}" for i in range(1, DEEP)]
    assert order(*many, {"type": "add", "inputs": names}) == [*names, "add_1"]


def test_the_number_of_reported_names_is_limited():
    many = [{"type": "relu", "inputs": f"rleu_{i}"} for i in range(DEEP)]
    assert len(messages(*many)) == MAX_COUNTED


@given(st.data())
def test_every_node_comes_after_its_inputs(data):
    """This holds for any graph, in any order of declaration."""
    count = data.draw(st.integers(1, 12))
    layers = []
    for index in range(count):
        sources = st.sampled_from(["input", *(f"n{i}" for i in range(index))])
        inputs = data.draw(st.lists(sources, min_size=1, max_size=3))
        layers.append({"type": "add", "name": f"n{index}", "inputs": inputs})
    used = {name for layer in layers for name in layer["inputs"]}
    loose = [layer["name"] for layer in layers if layer["name"] not in used]
    layers.append({"type": "add", "name": "end", "inputs": loose})
    shuffled = data.draw(st.permutations(layers))
    earlier = {"input"}
    for node in build_graph(network(*shuffled)):
        assert earlier.issuperset(node.inputs)
        earlier.add(node.name)
    assert len(earlier) == count + 2
