"""What fine-tuning takes over from a checkpoint: the plan, its refusals, and what is done."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.checkpoint.sections import DataFacts, LogMark
from tinynet.checkpoint.transfer import TransferRules, apply_transfer, plan_transfer
from tinynet.errors import CheckpointFormatError, CheckpointMismatchError
from tinynet.network.network import Network
from tinynet.training.progress import Progress

CORE = ("batch_norm", "conv2d", "dense", "embedding", "flatten", "layer_norm", "relu", "tanh")

BODY: tuple[dict[str, Any], ...] = (
    {"type": "dense", "units": 5},
    {"type": "batch_norm"},
    {"type": "relu"},
)


def network(*layers: dict[str, Any], seed: int = 0, **keys: Any) -> Network:
    return Network({"input_shape": [4], "layers": list(layers), **keys}, seed=seed)


def checkpoint_of(net: Network, **changes: Any) -> Checkpoint:
    """A checkpoint of a network, with its types and nothing else."""
    tensors = {f"params/{name}": array.copy() for name, array in net.params.items()}
    tensors |= {f"buffers/{name}": array.copy() for name, array in net.buffers.items()}
    tensors["slots/dense_1/weight/first_moment"] = np.ones(3, np.float32)
    made = Checkpoint(
        run_id="run",
        spec={"network": net.spec.model_dump(mode="json", exclude_none=True)},
        progress=Progress(),
        tensors=tensors,
        transforms={},
        data=DataFacts("/", {}, {}, {}),
        log=LogMark(0, ""),
        lineage=(),
        environment={},
        types={f"layers:{n}": TypeFacts(f"tinynet-core:{n}", "tinynet-core", "1") for n in CORE},
    )
    return replace(made, **changes)


def transferred(old: Network, new: Network, rules: TransferRules) -> str:
    checkpoint = checkpoint_of(old)
    plan = plan_transfer(new, checkpoint, rules)
    apply_transfer(plan, new, checkpoint)
    return "\n".join(plan.lines)


def refusal(old: Network | Checkpoint, new: Network, **rules: Any) -> str:
    checkpoint = old if isinstance(old, Checkpoint) else checkpoint_of(old)
    before = {name: array.copy() for name, array in new.params.items()}
    with pytest.raises(CheckpointMismatchError) as caught:
        plan_transfer(new, checkpoint, TransferRules(**rules))
    assert_same(new.params, before)
    return str(caught.value)


def assert_same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype
        assert array.tobytes() == theirs[name].tobytes(), name


# What is carried ------------------------------------------------------------------------------


def test_the_same_network_takes_over_every_bit() -> None:
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


def test_freezing_a_node_is_no_difference() -> None:
    """Default names must survive `"trainable": false`, or nobody could freeze a body."""
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


def test_a_node_that_is_not_installed_any_more_does_not_matter() -> None:
    """A body must be usable although the plugin of the old head is gone."""
    old = checkpoint_of(network(*BODY, {"type": "dense", "units": 3}, seed=1))
    old.spec["network"]["layers"][3] = {"type": "gone", "knob": 3}
    types = {**old.types, "layers:gone": TypeFacts("somebody:gone", "somebody", "1")}
    tensors = {name.replace("dense_2", "gone_1"): a for name, a in old.tensors.items()}
    new = network(*BODY, {"type": "dense", "units": 2}, seed=2)
    rules = TransferRules(allow_new=("dense_2/*",), allow_dropped=("gone_1/*",))
    plan = plan_transfer(new, replace(old, types=types, tensors=tensors), rules)
    assert plan.counts() == {"carried": 6, "overlapped": 0, "new": 2, "dropped": 2}


def test_changed_options_of_a_named_node_are_told() -> None:
    old = network({"type": "layer_norm", "name": "norm", "epsilon": 1e-3}, seed=1)
    new = network({"type": "layer_norm", "name": "norm"}, seed=2)
    plan = transferred(old, new, TransferRules())
    assert plan.splitlines()[-1] == "note        norm: epsilon 0.001 -> 1e-05"


@pytest.mark.parametrize(("before", "after"), [("float32", "float64"), ("float64", "float32")])
def test_another_dtype_is_converted_and_told(before: str, after: str) -> None:
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


# What is refused ------------------------------------------------------------------------------


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


def test_one_permission_is_not_the_other() -> None:
    old = network(*BODY, {"type": "dense", "units": 3})
    new = network(*BODY, {"type": "dense", "units": 7, "name": "head"})
    message = refusal(old, new, allow_new=("*",), overlap=("*",))
    assert "head" not in message
    assert message.count("--allow-dropped 'dense_2/*'") == 2
    message = refusal(old, new, allow_dropped=("*",), overlap=("*",))
    assert "dense_2" not in message
    assert message.count("--allow-new 'head/*'") == 2


def test_a_layer_put_between_is_not_taken_for_the_one_that_had_its_name() -> None:
    """With names by position the new conv would silently get the weights of its successor."""
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
        "  a default name is only a position, and the networks differ from node 2 on (relu_1 in"
        " the checkpoint, conv2d_2 here): to match conv2d_2, conv2d_3 with conv2d_2 of the"
        " checkpoint, give nodes the 'name' they have there, or add --map OLD=NEW"
    )


def test_a_changed_option_before_it_ends_the_trust_in_a_default_name() -> None:
    def net(units: int) -> Network:
        return network({"type": "dense", "units": units}, {"type": "dense", "units": 2})

    assert refusal(net(5), net(6)).splitlines()[-1] == (
        "  a default name is only a position, and the networks differ from node 1 on (dense_1:"
        " units 5 -> 6): to match dense_1, dense_2 with dense_1, dense_2 of the checkpoint, give"
        " nodes the 'name' they have there, or add --map OLD=NEW"
    )


def test_default_names_know_what_their_nodes_follow() -> None:
    """Two branches that change places have the same types in the same order."""

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


def test_a_name_that_was_taken_away_is_asked_for() -> None:
    old = network({"type": "dense", "units": 2, "name": "stem"})
    new = network({"type": "dense", "units": 2})
    assert refusal(old, new).splitlines()[-1] == (
        "  a default name is only a position: to match dense_1 with stem of the checkpoint, give"
        " nodes the 'name' they have there, or add --map OLD=NEW"
    )


def test_one_name_of_two_types_is_two_nodes() -> None:
    old = network({"type": "layer_norm", "name": "norm"})
    new = network({"type": "batch_norm", "name": "norm"})
    assert refusal(old, new, allow_new=("*",), allow_dropped=("norm/gamma",)) == (
        "the checkpoint does not fit the network:\n"
        "  norm/beta (4,) of the checkpoint is not used: --allow-dropped 'norm/*' leaves it out\n"
        "  norm is of type tinynet-core:layer_norm in the checkpoint and of type"
        " tinynet-core:batch_norm here"
    )


def test_another_shape_is_refused_with_the_rules_that_could_help() -> None:
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


def test_other_axes_are_refused_whatever_may_overlap() -> None:
    old = checkpoint_of(network({"type": "dense", "units": 3, "name": "head"}))
    bias = {"params/head/bias": np.zeros((3, 1), np.float32)}
    new = network({"type": "dense", "units": 3, "name": "head"})
    assert refusal(replace(old, tensors={**old.tensors, **bias}), new, overlap=("*",)) == (
        "the checkpoint does not fit the network:\n"
        "  head/bias (3,) and head/bias (3, 1) of the checkpoint differ in their axes:"
        " --allow-new 'head/*' --allow-dropped 'head/*' initializes it"
    )


def test_integers_are_not_taken_for_weights() -> None:
    old = checkpoint_of(network({"type": "dense", "units": 3}))
    bias = {"params/dense_1/bias": np.zeros(3, np.int64)}
    new = network({"type": "dense", "units": 3})
    assert refusal(replace(old, tensors={**old.tensors, **bias}), new, overlap=("*",)) == (
        "the checkpoint does not fit the network:\n"
        "  dense_1/bias (3,) and dense_1/bias (3,) of the checkpoint differ in dtype, float32 and"
        " int64:"
        " --allow-new 'dense_1/*' --allow-dropped 'dense_1/*' initializes it"
    )


def test_a_tensor_of_no_node_is_one_more_that_is_not_used() -> None:
    old = checkpoint_of(network({"type": "relu"}))
    ghosts = {"params/ghost": np.zeros(2), "params/ghost/a/b": np.zeros(2)}
    message = refusal(replace(old, tensors=ghosts), network({"type": "dense", "units": 2}))
    assert message.splitlines()[3:] == [
        "  ghost (2,) of the checkpoint is not used: --allow-dropped 'ghost/*' leaves it out",
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
def test_a_checkpoint_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    net = network({"type": "relu"})
    with pytest.raises(CheckpointFormatError, match="spec does not describe a network"):
        plan_transfer(net, checkpoint_of(net, **changes))


# Rules ----------------------------------------------------------------------------------------


def test_a_mapped_node_is_carried_whatever_it_is_called() -> None:
    old = network({"type": "dense", "units": 4}, {"type": "relu"}, seed=1)
    new = network({"type": "tanh"}, {"type": "dense", "units": 4, "name": "stem"}, seed=2)
    plan = transferred(old, new, TransferRules(map={"dense_1": "stem"}))
    assert plan == (
        "carried     stem/weight (4, 4), from dense_1/weight\n"
        "carried     stem/bias (4,), from dense_1/bias"
    )
    assert new.params["stem/weight"].tobytes() == old.params["dense_1/weight"].tobytes()


def test_mapping_can_make_two_nodes_change_places() -> None:
    def net(seed: int) -> Network:
        first, second = ({"type": "dense", "units": 4, "name": name} for name in "ab")
        return network(first, second, seed=seed)

    old, new = net(1), net(2)
    transferred(old, new, TransferRules(map={"a": "b", "b": "a"}))
    assert new.params["a/weight"].tobytes() == old.params["b/weight"].tobytes()
    assert new.params["b/weight"].tobytes() == old.params["a/weight"].tobytes()


def test_a_node_that_was_mapped_away_is_not_used_again_by_its_name() -> None:
    old = network({"type": "dense", "units": 4, "name": "a"})
    new = network(*({"type": "dense", "units": 4, "name": name} for name in "ab"))
    message = refusal(old, new, map={"a": "b"})
    assert "a/weight (4, 4) has no source" in message
    assert "b/weight" not in message


def unrolled(block: str, *layers: str) -> list[dict[str, Any]]:
    return [{"type": "dense", "units": 4, "name": f"{block}.{name}"} for name in layers]


def test_a_block_that_was_renamed_is_mapped_with_all_that_both_have() -> None:
    """A backbone is one line, not one for each of its layers."""
    old = network(*unrolled("stem", "a", "b"), *unrolled("stem2", "a"), seed=1)
    new = network(*unrolled("trunk", "a", "b", "c"), *unrolled("stem2", "a"), seed=2)
    rules = TransferRules(map={"stem": "trunk"}, allow_new=("trunk.c/*",))
    transferred(old, new, rules)
    for after, before in {"trunk.a": "stem.a", "trunk.b": "stem.b", "stem2.a": "stem2.a"}.items():
        same = new.params[f"{after}/weight"] == old.params[f"{before}/weight"]
        assert same.all()


def test_a_block_that_is_not_there_is_told_with_the_one_that_was_meant() -> None:
    old, new = network(*unrolled("stem", "a")), network(*unrolled("trunk", "b"))
    assert refusal(old, new, map={"stm": "trunk"}) == (
        "--map stm=trunk: no node with a layer of its own is called 'stm' in the checkpoint; did"
        " you mean 'stem'?\n  "
        "--map stm=trunk: 'trunk' is a block in the network, and no node of it is on both sides"
    )


def test_a_node_that_is_mapped_goes_before_its_block() -> None:
    old, new = network(*unrolled("stem", "a", "b"), seed=1), network(*unrolled("trunk", "a", "b"))
    rules = {"map": {"stem": "trunk", "stem.a": "trunk.b", "stem.b": "trunk.a"}}
    transferred(old, new, TransferRules(**rules))
    assert (new.params["trunk.b/weight"] == old.params["stem.a/weight"]).all()


def test_mapping_to_another_type_is_done_and_told() -> None:
    """A layer whose plugin was replaced by another one with the same parameters."""
    old = network({"type": "layer_norm"}, seed=1)
    new = network({"type": "batch_norm"}, seed=2)
    rules = TransferRules(map={"layer_norm_1": "batch_norm_1"}, allow_new=("*/running_*",))
    note = transferred(old, new, rules).splitlines()[-1]
    assert note.startswith(
        "note        batch_norm_1: of type tinynet-core:layer_norm -> of type"
        " tinynet-core:batch_norm, "
    )


def test_a_mapping_of_nodes_that_are_not_there_lists_every_mistake() -> None:
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
def test_a_layer_that_grows_or_shrinks_keeps_the_part_that_both_have(
    before: int, after: int
) -> None:
    old = network({"type": "dense", "units": before, "name": "head"}, seed=1)
    new = network({"type": "dense", "units": after, "name": "head"}, seed=2)
    fresh = new.params["head/weight"].copy()
    transferred(old, new, TransferRules(overlap=("head/*",)))
    both = min(before, after)
    weight = new.params["head/weight"]
    np.testing.assert_array_equal(weight[:, :both], old.params["head/weight"][:, :both])
    np.testing.assert_array_equal(weight[:, both:], fresh[:, both:])


def test_a_tensor_that_may_start_afresh_and_be_dropped_is_both() -> None:
    old = network({"type": "dense", "units": 3, "name": "head"}, seed=1)
    new = network({"type": "dense", "units": 5, "name": "head"}, seed=2)
    fresh = new.params["head/weight"].copy()
    rules = TransferRules(allow_new=("head/*",), allow_dropped=("head/*",))
    assert transferred(old, new, rules).splitlines()[:2] == [
        "new         head/weight (4, 5)",
        "new         head/bias (5,)",
    ]
    assert new.params["head/weight"].tobytes() == fresh.tobytes()


def test_what_fits_is_carried_although_it_may_start_afresh() -> None:
    """A wide pattern allows what would be refused; it throws nothing away."""
    old, new = network(*BODY, seed=1), network(*BODY, seed=2)
    transferred(old, new, TransferRules(allow_new=("*",), allow_dropped=("*",), overlap=("*",)))
    assert_same(new.params, old.params)
