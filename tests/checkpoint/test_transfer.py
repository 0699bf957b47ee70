"""Fine-tuning: the tensors that a network takes from a checkpoint, and the rules."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.checkpoint.transfer import plan_transfer
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import CheckpointMismatchError
from tinynet.network.network import Network

from .transfers import BODY, assert_same, checkpoint_of, network, refusal, transferred


def test_the_same_network_takes_every_bit() -> None:
    old = network(*BODY, {"type": "dense", "units": 3}, seed=1)
    old.buffers["batch_norm_1/running_mean"][...] = np.arange(5)
    new = network(*BODY, {"type": "dense", "units": 3}, seed=2)
    plan = transferred(old, new, TransferRules())
    assert_same(new.params, old.params)
    assert_same(new.buffers, old.buffers)
    assert plan == "\n".join(
        [
            "carried     dense_1/weight (4, 5)",
            "carried     dense_1/bias (5,)",
            "carried     batch_norm_1/gamma (5,)",
            "carried     batch_norm_1/beta (5,)",
            "carried     dense_2/weight (5, 3)",
            "carried     dense_2/bias (3,)",
            "carried     batch_norm_1/running_mean (5,)",
            "carried     batch_norm_1/running_var (5,)",
        ]
    )


def test_freezing_a_node_keeps_its_match() -> None:
    """Default names must match despite `"trainable": false`."""
    old = network(*BODY, seed=1)
    new = network(*({**node, "trainable": False} for node in BODY), seed=2)
    transferred(old, new, TransferRules())
    assert_same(new.params, old.params)


def test_layers_before_a_new_head_keep_their_default_names() -> None:
    old = network(*BODY, {"type": "dense", "units": 3}, seed=1)
    new = network(*BODY, {"type": "dense", "units": 7, "name": "head"}, seed=2)
    head = new.params["head/weight"].copy()
    plan = transferred(old, new, TransferRules(allow_new=("head/*",), allow_dropped=("dense_2/*",)))
    assert plan.splitlines()[4:6] == [
        "new         head/weight (5, 7)",
        "new         head/bias (7,)",
    ]
    assert plan.splitlines()[-2:] == [
        "dropped     dense_2/weight (5, 3)",
        "dropped     dense_2/bias (3,)",
    ]
    assert new.params["head/weight"].tobytes() == head.tobytes()
    assert new.params["dense_1/weight"].tobytes() == old.params["dense_1/weight"].tobytes()


def test_a_named_node_is_found_wherever_it_stands() -> None:
    old = network({"type": "dense", "units": 4, "name": "stem"}, {"type": "relu"}, seed=1)
    new = network({"type": "tanh"}, {"type": "dense", "units": 4, "name": "stem"}, seed=2)
    transferred(old, new, TransferRules())
    assert_same(new.params, old.params)


def test_a_shared_layer_is_carried_once_under_its_owner() -> None:
    layers: tuple[dict[str, Any], ...] = (
        {"type": "dense", "units": 4, "name": "twin"},
        {"type": "relu"},
        {"shares": "twin"},
        {"type": "dense", "units": 2},
    )
    old, new = network(*layers, seed=1), network(*layers, seed=2)
    plan = transferred(old, new, TransferRules())
    assert_same(new.params, old.params)
    assert plan.count("twin/weight") == 1


def test_a_dropped_node_need_not_be_installed() -> None:
    """A body must be usable without the plugin of the old head."""
    old = checkpoint_of(network(*BODY, {"type": "dense", "units": 3}, seed=1))
    old.spec["network"]["layers"][3] = {"type": "gone", "knob": 3}
    types = {**old.types, "layers:gone": TypeFacts("somebody:gone", "somebody", "1")}
    tensors = {name.replace("dense_2", "gone_1"): a for name, a in old.tensors.items()}
    new = network(*BODY, {"type": "dense", "units": 2}, seed=2)
    rules = TransferRules(allow_new=("dense_2/*",), allow_dropped=("gone_1/*",))
    plan = plan_transfer(new, replace(old, types=types, tensors=tensors), rules)
    assert plan.counts() == {"carried": 6, "overlapped": 0, "new": 2, "dropped": 2}


def test_changed_options_of_a_named_node_are_noted() -> None:
    old = network({"type": "layer_norm", "name": "norm", "epsilon": 1e-3}, seed=1)
    new = network({"type": "layer_norm", "name": "norm"}, seed=2)
    plan = transferred(old, new, TransferRules())
    assert plan.splitlines()[-1] == "note        norm: epsilon 0.001 -> 1e-05"


@pytest.mark.parametrize(("before", "after"), [("float32", "float64"), ("float64", "float32")])
def test_another_dtype_is_converted_and_listed(before: str, after: str) -> None:
    old = network({"type": "dense", "units": 2}, seed=1, dtype=before)
    new = network({"type": "dense", "units": 2}, seed=2, dtype=after)
    plan = transferred(old, new, TransferRules())
    assert plan.splitlines()[0] == f"carried     dense_1/weight (4, 2), {before} -> {after}"
    weight = new.params["dense_1/weight"]
    assert weight.dtype == after
    np.testing.assert_array_equal(weight, old.params["dense_1/weight"].astype(after))


def test_a_value_that_the_dtype_cannot_hold_changes_nothing() -> None:
    old = network({"type": "dense", "units": 2}, seed=1, dtype="float64")
    old.params["dense_1/bias"][1] = 1e300
    new = network({"type": "dense", "units": 2}, seed=2)
    before = {name: array.copy() for name, array in new.params.items()}
    with pytest.raises(CheckpointMismatchError) as caught:
        transferred(old, new, TransferRules())
    assert str(caught.value) == (
        "dense_1/bias holds values that are too large for float32; set"
        ' "dtype": "float64" in the network'
    )
    assert_same(new.params, before)


# Rules ----------------------------------------------------------------------------------------


def test_a_mapped_node_is_carried_under_any_name() -> None:
    old = network({"type": "dense", "units": 4}, {"type": "relu"}, seed=1)
    new = network({"type": "tanh"}, {"type": "dense", "units": 4, "name": "stem"}, seed=2)
    plan = transferred(old, new, TransferRules(map={"dense_1": "stem"}))
    assert plan == (
        "carried     stem/weight (4, 4), from dense_1/weight\n"
        "carried     stem/bias (4,), from dense_1/bias"
    )
    assert new.params["stem/weight"].tobytes() == old.params["dense_1/weight"].tobytes()


def test_a_map_can_swap_two_nodes() -> None:
    def net(seed: int) -> Network:
        first, second = ({"type": "dense", "units": 4, "name": name} for name in "ab")
        return network(first, second, seed=seed)

    old, new = net(1), net(2)
    transferred(old, new, TransferRules(map={"a": "b", "b": "a"}))
    assert new.params["a/weight"].tobytes() == old.params["b/weight"].tobytes()
    assert new.params["b/weight"].tobytes() == old.params["a/weight"].tobytes()


def test_a_mapped_node_does_not_also_match_by_name() -> None:
    old = network({"type": "dense", "units": 4, "name": "a"})
    new = network(*({"type": "dense", "units": 4, "name": name} for name in "ab"))
    message = refusal(old, new, map={"a": "b"})
    assert "a/weight (4, 4) has no source" in message
    assert "b/weight" not in message


def unrolled(block: str, *layers: str) -> list[dict[str, Any]]:
    return [{"type": "dense", "units": 4, "name": f"{block}.{name}"} for name in layers]


def test_a_mapped_block_maps_its_common_nodes() -> None:
    """A backbone needs one option, not one for each layer."""
    old = network(*unrolled("stem", "a", "b"), *unrolled("stem2", "a"), seed=1)
    new = network(*unrolled("trunk", "a", "b", "c"), *unrolled("stem2", "a"), seed=2)
    rules = TransferRules(map={"stem": "trunk"}, allow_new=("trunk.c/*",))
    transferred(old, new, rules)
    for after, before in {"trunk.a": "stem.a", "trunk.b": "stem.b", "stem2.a": "stem2.a"}.items():
        same = new.params[f"{after}/weight"] == old.params[f"{before}/weight"]
        assert same.all()


def test_an_unknown_block_is_reported_with_a_suggestion() -> None:
    old, new = network(*unrolled("stem", "a")), network(*unrolled("trunk", "b"))
    assert refusal(old, new, map={"stm": "trunk"}) == (
        "--map stm=trunk: no node with a layer of its own is called 'stm' in the checkpoint; did"
        " you mean 'stem'?\n  "
        "--map stm=trunk: 'trunk' is a block in the network, but the two have no node in common"
    )


def test_a_mapped_node_has_priority_over_its_block() -> None:
    old, new = network(*unrolled("stem", "a", "b"), seed=1), network(*unrolled("trunk", "a", "b"))
    rules = {"map": {"stem": "trunk", "stem.a": "trunk.b", "stem.b": "trunk.a"}}
    transferred(old, new, TransferRules(**rules))
    assert (new.params["trunk.b/weight"] == old.params["stem.a/weight"]).all()


def test_a_map_to_another_type_is_carried_and_noted() -> None:
    """A plugin may be replaced by another with the same parameters."""
    old = network({"type": "layer_norm"}, seed=1)
    new = network({"type": "batch_norm"}, seed=2)
    rules = TransferRules(map={"layer_norm_1": "batch_norm_1"}, allow_new=("*/running_*",))
    note = transferred(old, new, rules).splitlines()[-1]
    assert note.startswith(
        "note        batch_norm_1: of type tinynet-core:layer_norm -> of type"
        " tinynet-core:batch_norm, "
    )


def test_a_map_of_unknown_nodes_lists_every_mistake() -> None:
    old = network({"type": "dense", "units": 4}, {"shares": "dense_1"}, {"type": "relu"})
    new = network({"type": "dense", "units": 4, "name": "stem"})
    renamed = {"dense_2": "stem", "dense_1": "stm", "shared_1": "stem"}
    assert refusal(old, new, map=renamed) == (
        "--map dense_2=stem: no node with a layer of its own is called 'dense_2' in the"
        " checkpoint; did you mean 'dense_1'?\n  "
        "--map dense_2=stem: 'stem' can take over one node only\n  "
        "--map dense_1=stm: no node with a layer of its own is called 'stm' in the network; did"
        " you mean 'stem'?\n  "
        "--map shared_1=stem: no node with a layer of its own is called 'shared_1' in the"
        " checkpoint; available: dense_1, relu_1\n  "
        "--map shared_1=stem: 'stem' can take over one node only"
    )


def test_a_vocabulary_that_grows_keeps_its_words() -> None:
    def net(words: int, seed: int) -> Network:
        return network(
            {"type": "embedding", "input_dim": words, "output_dim": 3, "name": "words"},
            {"type": "flatten"},
            {"type": "dense", "units": 2},
            seed=seed,
        )

    old, new = net(6, 1), net(9, 2)
    fresh = new.params["words/weight"].copy()
    rules = TransferRules(map={"dense_1": "dense_1"}, overlap=("words/weight",))
    plan = transferred(old, new, rules)
    assert plan.splitlines()[0] == (
        "overlapped  words/weight (9, 3), [:6, :3] of it from words/weight (6, 3)"
    )
    weight = new.params["words/weight"]
    assert weight[:6].tobytes() == old.params["words/weight"].tobytes()
    assert weight[6:].tobytes() == fresh[6:].tobytes()


@given(before=st.integers(1, 4), after=st.integers(1, 4))
def test_a_resized_layer_keeps_the_common_part(before: int, after: int) -> None:
    old = network({"type": "dense", "units": before, "name": "head"}, seed=1)
    new = network({"type": "dense", "units": after, "name": "head"}, seed=2)
    fresh = new.params["head/weight"].copy()
    transferred(old, new, TransferRules(overlap=("head/*",)))
    both = min(before, after)
    weight = new.params["head/weight"]
    np.testing.assert_array_equal(weight[:, :both], old.params["head/weight"][:, :both])
    np.testing.assert_array_equal(weight[:, both:], fresh[:, both:])


def test_a_tensor_that_does_not_fit_may_be_dropped_and_new() -> None:
    old = network({"type": "dense", "units": 3, "name": "head"}, seed=1)
    new = network({"type": "dense", "units": 5, "name": "head"}, seed=2)
    fresh = new.params["head/weight"].copy()
    rules = TransferRules(allow_new=("head/*",), allow_dropped=("head/*",))
    assert transferred(old, new, rules).splitlines()[:2] == [
        "new         head/weight (4, 5)",
        "new         head/bias (5,)",
    ]
    assert new.params["head/weight"].tobytes() == fresh.tobytes()


def test_a_tensor_that_fits_is_carried_even_if_it_may_be_new() -> None:
    """A wide pattern only allows; it does not discard tensors that fit."""
    old, new = network(*BODY, seed=1), network(*BODY, seed=2)
    transferred(old, new, TransferRules(allow_new=("*",), allow_dropped=("*",), overlap=("*",)))
    assert_same(new.params, old.params)
