"""Transfers that the rules do not allow: every tensor is listed with the option that helps."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tinynet.checkpoint.transfer import plan_transfer
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import CheckpointFormatError
from tinynet.network.network import Network

from .transfers import BODY, checkpoint_of, network, refusal, transferred


def test_everything_that_does_not_fit_is_listed_with_its_option() -> None:
    old = network(*BODY, {"type": "dense", "units": 3})
    new = network(*BODY, {"type": "dense", "units": 7, "name": "head"})
    assert refusal(old, new) == (
        "the checkpoint does not fit the network:\n"
        "  head/weight (5, 7) has no source in the checkpoint:"
        " --allow-new 'head/*' initializes it\n"
        "  head/bias (7,) has no source in the checkpoint:"
        " --allow-new 'head/*' initializes it\n"
        "  dense_2/weight (5, 3) of the checkpoint is not used:"
        " --allow-dropped 'dense_2/*' leaves it out\n"
        "  dense_2/bias (3,) of the checkpoint is not used:"
        " --allow-dropped 'dense_2/*' leaves it out"
    )


def test_each_rule_allows_only_its_own_action() -> None:
    old = network(*BODY, {"type": "dense", "units": 3})
    new = network(*BODY, {"type": "dense", "units": 7, "name": "head"})
    message = refusal(old, new, allow_new=("*",), overlap=("*",))
    assert "head" not in message
    assert message.count("--allow-dropped 'dense_2/*'") == 2
    message = refusal(old, new, allow_dropped=("*",), overlap=("*",))
    assert "dense_2" not in message
    assert message.count("--allow-new 'head/*'") == 2


def test_default_names_do_not_match_after_an_inserted_layer() -> None:
    """Matched by position, the new conv would silently get the weights of its successor."""
    conv = {"type": "conv2d", "filters": 2, "kernel_size": 1}
    shape = {"input_shape": [3, 3, 2]}
    old = network(conv, {"type": "relu"}, conv, **shape)
    new = network(conv, conv, {"type": "relu"}, conv, **shape)
    assert refusal(old, new) == (
        "the checkpoint does not fit the network:\n"
        "  conv2d_2/weight (1, 1, 2, 2) has no source in the checkpoint:"
        " --allow-new 'conv2d_2/*' initializes it\n"
        "  conv2d_2/bias (2,) has no source in the checkpoint:"
        " --allow-new 'conv2d_2/*' initializes it\n"
        "  conv2d_3/weight (1, 1, 2, 2) has no source in the checkpoint:"
        " --allow-new 'conv2d_3/*' initializes it\n"
        "  conv2d_3/bias (2,) has no source in the checkpoint:"
        " --allow-new 'conv2d_3/*' initializes it\n"
        "  conv2d_2/weight (1, 1, 2, 2) of the checkpoint is not used:"
        " --allow-dropped 'conv2d_2/*' leaves it out\n"
        "  conv2d_2/bias (2,) of the checkpoint is not used:"
        " --allow-dropped 'conv2d_2/*' leaves it out\n"
        "  conv2d_2, conv2d_3 cannot be matched with conv2d_2 of the checkpoint, because default"
        " names are only positions, and the networks differ from node 2 on (relu_1 in the"
        " checkpoint, conv2d_2 in the network); give the nodes the names that they have in the"
        " checkpoint, or add --map OLD=NEW"
    )


def test_default_names_do_not_match_after_a_changed_option() -> None:
    def net(use_bias: bool) -> Network:
        first = {"type": "dense", "units": 5, "use_bias": use_bias}
        return network(first, {"type": "dense", "units": 2})

    assert refusal(net(True), net(False)).splitlines()[-1] == (
        "  dense_1, dense_2 cannot be matched with dense_1, dense_2 of the checkpoint, because"
        " default names are only positions, and the networks differ from node 1 on (dense_1:"
        " use_bias true -> false); give the nodes the names that they have in the checkpoint, or"
        " add --map OLD=NEW"
    )
    pairs = {"dense_1": "dense_1", "dense_2": "dense_2"}
    mapped = TransferRules(map=pairs, allow_dropped=("dense_1/bias",))
    assert transferred(net(True), net(False), mapped).count("carried") == 3


def test_no_names_are_advised_where_all_shapes_differ() -> None:
    """The nodes have the names of the checkpoint already, and no pair of them would fit."""

    def net(units: int) -> Network:
        return network({"type": "dense", "units": units}, {"type": "dense", "units": 2})

    message = refusal(net(5), net(6))
    assert message.splitlines()[-1].startswith("  dense_2/bias (2,) of the checkpoint is not used")
    assert "--map" not in message


def test_names_are_advised_where_swapped_nodes_fit() -> None:
    def net(*units: int) -> Network:
        layers = ({"type": "dense", "units": size, "inputs": "input"} for size in units)
        return network(*layers, {"type": "concat", "inputs": ["dense_1", "dense_2"]})

    advice = refusal(net(5, 6), net(6, 5)).splitlines()[-1]
    assert advice.startswith("  dense_1, dense_2 cannot be matched with dense_1, dense_2 of")
    mapped = TransferRules(map={"dense_1": "dense_2", "dense_2": "dense_1"})
    assert transferred(net(5, 6), net(6, 5), mapped).count("carried") == 4


def test_default_names_match_only_with_the_same_inputs() -> None:
    """Two swapped branches have the same types in the same order."""

    def net(first: str, second: str) -> Network:
        return network(
            {"type": "relu", "name": "a"},
            {"type": "tanh", "name": "b", "inputs": "input"},
            {"type": "dense", "units": 2, "inputs": first},
            {"type": "dense", "units": 2, "inputs": second},
            {"type": "add", "inputs": ["dense_1", "dense_2"]},
        )

    advice = refusal(net("a", "b"), net("b", "a")).splitlines()[-1]
    assert "from node 3 on (dense_1: it follows other nodes)" in advice


def test_a_removed_name_is_suggested() -> None:
    old = network({"type": "dense", "units": 2, "name": "stem"})
    new = network({"type": "dense", "units": 2})
    assert refusal(old, new).splitlines()[-1] == (
        "  dense_1 cannot be matched with stem of the checkpoint, because default names are only"
        " positions; give the nodes the names that they have in the checkpoint, or add"
        " --map OLD=NEW"
    )


def test_one_name_with_two_types_does_not_match() -> None:
    old = network({"type": "layer_norm", "name": "norm"})
    new = network({"type": "batch_norm", "name": "norm"})
    assert refusal(old, new, allow_new=("*",), allow_dropped=("norm/gamma",)) == (
        "the checkpoint does not fit the network:\n"
        "  norm/beta (4,) of the checkpoint is not used: --allow-dropped 'norm/*' leaves it out\n"
        "  norm is of type tinynet-core:layer_norm in the checkpoint and of type"
        " tinynet-core:batch_norm here"
    )


def test_another_shape_is_refused_with_every_option() -> None:
    old = network({"type": "dense", "units": 3, "name": "head"})
    new = network({"type": "dense", "units": 5, "name": "head"})
    rest = (
        "of the checkpoint differ in shape: --overlap 'head/*' carries over the part that both"
        " have, --allow-new 'head/*' --allow-dropped 'head/*' initializes it"
    )
    assert refusal(old, new) == (
        "the checkpoint does not fit the network:\n"
        f"  head/weight (4, 5) and head/weight (4, 3) {rest}\n"
        f"  head/bias (5,) and head/bias (3,) {rest}"
    )


def test_another_number_of_axes_is_refused_despite_overlap() -> None:
    old = checkpoint_of(network({"type": "dense", "units": 3, "name": "head"}))
    bias = {"params/head/bias": np.zeros((3, 1), np.float32)}
    new = network({"type": "dense", "units": 3, "name": "head"})
    assert refusal(replace(old, tensors={**old.tensors, **bias}), new, overlap=("*",)) == (
        "the checkpoint does not fit the network:\n"
        "  head/bias (3,) and head/bias (3, 1) of the checkpoint have different numbers of axes:"
        " --allow-new 'head/*' --allow-dropped 'head/*' initializes it"
    )


def test_integers_are_not_taken_for_weights() -> None:
    old = checkpoint_of(network({"type": "dense", "units": 3}))
    bias = {"params/dense_1/bias": np.zeros(3, np.int64)}
    new = network({"type": "dense", "units": 3})
    assert refusal(replace(old, tensors={**old.tensors, **bias}), new, overlap=("*",)) == (
        "the checkpoint does not fit the network:\n"
        "  dense_1/bias (3,) and dense_1/bias (3,) of int64 of the checkpoint differ in dtype:"
        " a copy of it in float32 fits,"
        " --allow-new 'dense_1/*' --allow-dropped 'dense_1/*' initializes it"
    )


def test_a_tensor_without_a_node_is_not_used() -> None:
    old = checkpoint_of(network({"type": "relu"}))
    ghosts = {"params/ghost": np.zeros(2), "params/ghost/a/b": np.zeros(2)}
    message = refusal(replace(old, tensors=ghosts), network({"type": "dense", "units": 2}))
    assert message.splitlines()[3:] == [
        "  ghost (2,) of the checkpoint is not used: --allow-dropped 'ghost' leaves it out",
        "  ghost/a/b (2,) of the checkpoint is not used: --allow-dropped 'ghost/*' leaves it out",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {}},
        {"spec": {"network": {"layers": [{"type": "relu", "inputs": ["nobody"]}]}}},
        {"spec": {"network": {"layers": 3}}},
        {"types": {"layers:relu": "relu"}},
        {"types": {"layers:relu": {}}},
        {"types": []},
    ],
)
def test_a_checkpoint_without_a_valid_network_is_refused(changes: dict[str, Any]) -> None:
    net = network({"type": "relu"})
    with pytest.raises(CheckpointFormatError, match="spec does not describe a network"):
        plan_transfer(net, checkpoint_of(net, **changes))
