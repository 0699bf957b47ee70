"""`training.trainable` and frozen layers."""

import numpy as np
import pytest

from tinynet.errors import SpecError, UsageError
from tinynet.network.address_patterns import matching_addresses
from tinynet.network.freezing import POINTER
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec

ADDRESSES = ["conv2d_1/weight", "conv2d_1/bias", "conv2d_2/weight", "head/weight", "head/bias"]

LAYERS = [
    {"type": "dense", "units": 3, "name": "a"},
    {"type": "batch_norm", "name": "n"},
    {"type": "dense", "units": 3, "name": "b"},
]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*"], ADDRESSES),
        (["head/*"], ["head/weight", "head/bias"]),
        (["*/bias", "conv2d_2/weight"], ["conv2d_1/bias", "conv2d_2/weight", "head/bias"]),
        (["*", "!conv2d_*"], ["head/weight", "head/bias"]),
        (["*", "!*/weight", "head/*"], ["conv2d_1/bias", "head/weight", "head/bias"]),
        (["conv2d_?/weight"], ["conv2d_1/weight", "conv2d_2/weight"]),
        (["*", "!*"], []),
    ],
)
def test_the_last_pattern_that_matches_decides(patterns, expected):
    assert matching_addresses(ADDRESSES, patterns, POINTER) == set(expected)


def test_all_patterns_without_effect_are_reported():
    """A pattern that matches nothing would freeze parameters by mistake."""
    wrong = ["!head/*", "haed/*", "*", "head/wieght", "head"]
    with pytest.raises(SpecError) as caught:
        matching_addresses(ADDRESSES, wrong, POINTER)
    assert [str(problem) for problem in caught.value.problems] == [
        "/training/trainable/0: '!head/*' excludes parameters, but none is chosen before it; begin"
        " with '*' to choose all",
        "/training/trainable/1: 'haed/*' matches no parameter; did you mean 'head/*'?",
        "/training/trainable/3: 'head/wieght' matches no parameter; did you mean 'head/weight'?",
        "/training/trainable/4: 'head' matches no parameter; did you mean 'head/*'?",
    ]


def network(trainable, layers=LAYERS):
    spec = {"layers": layers}
    return Network(spec, (3,), seed=1, dtype="float64", loss="mse", trainable=trainable)


def gradients(net):
    x = np.random.default_rng(0).random((5, 3))
    passing = net.forward(x, training=True)
    grads = passing.backward({"output": np.ones((5, 3))})
    passing.commit()
    return grads


def test_only_chosen_parameters_get_gradients():
    every = gradients(network(None))
    some = network(["*", "!b/weight"])
    grads = gradients(some)
    assert grads.keys() == some.trainable == every.keys() - {"b/weight"}
    for address, gradient in grads.items():
        np.testing.assert_array_equal(gradient, every[address])


@pytest.mark.parametrize(
    ("trainable", "moves"),
    [(["*"], True), (["n/gamma", "a/*"], True), (["a/*", "b/*"], False)],
)
def test_running_statistics_freeze_with_the_parameters(trainable, moves):
    """Fine-tuning the last layers would otherwise change what batch_norm has learned."""
    net = network(trainable)
    gradients(net)
    assert net.buffers["n/running_mean"].any() == moves


def test_a_layer_without_parameters_is_not_frozen_by_patterns():
    layers = [{"type": "dropout", "rate": 0.5}, {"type": "dense", "units": 3}]
    net = network(["dense_1/bias"], layers)
    x = np.ones((4, 3))
    assert (net.forward(x, training=True).outputs["output"] != net.predict(x)).any()


def test_patterns_train_no_layer_that_the_spec_freezes():
    layers = [{**LAYERS[0], "trainable": False}, *LAYERS[1:]]
    assert network(["*"], layers).trainable == {"n/gamma", "n/beta", "b/weight", "b/bias"}
    assert network(["a/*", "b/bias"], layers).trainable == {"b/bias"}


def test_shared_layer_has_the_addresses_of_its_owner():
    layers = [LAYERS[0], {"type": "tanh"}, {"shares": "a", "name": "again"}]
    assert network(["a/weight"], layers).trainable == {"a/weight"}
    with pytest.raises(SpecError, match=r"'again/\*' matches no parameter"):
        network(["again/*"], layers)


FROZEN = {"trainable": False}


def test_frozen_teacher_computes_as_in_evaluation():
    """Otherwise its outputs and its running statistics change at each step."""
    teacher = [
        {"type": "dense", "units": 3, "name": "a", **FROZEN},
        {"type": "batch_norm", "name": "n", **FROZEN},
        {"type": "dropout", "rate": 0.5, "name": "d", **FROZEN},
    ]
    net = network(None, [*teacher, {"type": "dense", "units": 3, "name": "b"}])
    net.buffers["n/running_mean"][...] = 0.25
    x = np.random.default_rng(0).random((5, 3))
    training, evaluation = ({}, {})
    for outputs, mode in ((training, True), (evaluation, False)):
        net.forward(x, training=mode, observe=lambda node, y, f=outputs: f.update({node.name: +y}))
    for name in "and":
        np.testing.assert_array_equal(training[name], evaluation[name])
    grads = gradients(net)
    assert grads.keys() == net.trainable == {"b/weight", "b/bias"}
    assert (net.buffers["n/running_mean"] == 0.25).all()


def test_gradients_pass_through_a_frozen_layer():
    layers = [LAYERS[0], {"type": "dropout", "rate": 0.5, **FROZEN}, LAYERS[2]]
    without = gradients(network(None, [LAYERS[0], LAYERS[2]]))
    for address, gradient in gradients(network(None, layers)).items():
        np.testing.assert_array_equal(gradient, without[address])


def test_a_frozen_block_freezes_layers_without_parameters():
    block = {"layers": [{"type": "dense", "units": 3}, {"type": "dropout", "rate": 0.5}]}
    spec = {
        "tinynet": 1,
        "name": "t",
        "network": {
            "blocks": {"teacher": block},
            "input_shape": [3],
            "layers": [{"block": "teacher", **FROZEN}, {"type": "dense", "units": 2}],
        },
        "training": {
            "steps": 1,
            "batch_size": 4,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
        },
    }
    net = Network(load_spec(spec).network)
    assert [node.eval_mode for node in net.nodes.values()] == [True, True, False]


def test_patterns_do_not_stop_dropout():
    layers = [LAYERS[0], {"type": "dropout", "rate": 0.5, "name": "d"}, LAYERS[2]]
    outputs = {}
    network(["b/*"], layers).forward(
        np.ones((50, 3)), training=True, observe=lambda node, y: outputs.update({node.name: +y})
    )
    assert (outputs["d"] == 0).any()


@pytest.mark.parametrize("patterns", ["a/*", 3, [3]])
def test_trainable_of_a_network_must_be_a_list_of_strings(patterns):
    """Each character of a string would be taken for a pattern."""
    with pytest.raises(UsageError, match=r"^Network\(\): trainable=.* must be a list of strings"):
        Network({"input_shape": [3], "layers": LAYERS}, trainable=patterns)
