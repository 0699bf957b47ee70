"""Transfers between networks that share parameters otherwise, and pairs of single parameters."""

from typing import Any

import pytest

from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec

from .transfers import network, refusal, transferred

EMBEDDING = {"type": "embedding", "input_dim": 7, "output_dim": 4}
LOGITS = {"type": "dense", "units": 7}
LAST = {"type": "dense", "units": 2}


def words(*, tied: bool, seed: int = 0, named: bool = False) -> Network:
    """Return a model of words whose last layer but one may use the embedding's weight."""
    first, second = ({"name": "e"}, {"name": "d"}) if named else ({}, {})
    shares = {"shares": {"weight": f"{'e' if named else 'embedding_1'}/weight.T"}} if tied else {}
    return network({**EMBEDDING, **first}, {**LOGITS, **second, **shares}, LAST, seed=seed)


@pytest.mark.parametrize("named", [False, True])
def test_untied_weight_starts_with_the_values_of_the_tied_one(named: bool) -> None:
    e, d = ("e", "d") if named else ("embedding_1", "dense_1")
    old = words(tied=True, seed=1, named=named)
    new = words(tied=False, seed=2, named=named)
    message = refusal(old, new)
    assert message == (
        "the checkpoint does not fit the network:\n"
        f"  {d}/weight (4, 7) has no source in the checkpoint: --allow-new '{d}/*' initializes it\n"
        f"  in the checkpoint, {e}/weight.T is shared in place of {d}/weight:"
        f" --map {e}/weight.T={d}/weight starts with its values"
    )
    plan = transferred(old, new, TransferRules(map={f"{e}/weight.T": f"{d}/weight"}))
    assert f"carried     {d}/weight (4, 7), from {e}/weight.T" in plan
    assert (new.params[f"{d}/weight"] == old.params[f"{e}/weight"].T).all()
    for name, array in old.params.items():
        assert (new.params[name] == array).all(), name


@pytest.mark.parametrize("named", [False, True])
def test_weight_that_is_tied_here_is_named_with_the_other(named: bool) -> None:
    e, d = ("e", "d") if named else ("embedding_1", "dense_1")
    old = words(tied=False, seed=1, named=named)
    new = words(tied=True, seed=2, named=named)
    assert refusal(old, new).splitlines()[1:] == [
        f"  {d}/weight (4, 7) of the checkpoint is not used: --allow-dropped '{d}/*' leaves it out",
        f"  here, {e}/weight.T is shared in place of {d}/weight",
    ]
    plan = transferred(old, new, TransferRules(allow_dropped=(f"{d}/*",)))
    assert plan.endswith(f"note        {d}: weight (its own) -> {e}/weight.T")
    rules = TransferRules(map={f"{d}/weight.T": f"{e}/weight"}, allow_dropped=(f"{e}/*",))
    transferred(old, new, rules)
    assert (new.params[f"{e}/weight"] == old.params[f"{d}/weight"].T).all()


def triple(*, tied: bool, seed: int) -> Network:
    """Return a network with three layers of one weight, or of their own."""
    nodes = [{"type": "dense", "units": 4, "name": name} for name in "abc"]
    for node in nodes[1:]:
        node |= {"shares": {"weight": "a/weight"}} if tied else {}
    return network(*nodes, seed=seed)


def test_weight_tied_in_two_places_is_untied_in_one_step() -> None:
    old, new = triple(tied=True, seed=1), triple(tied=False, seed=2)
    message = refusal(old, new)
    for name in "bc":
        assert f"--map a/weight={name}/weight starts with its values" in message
    transferred(old, new, TransferRules(map={"a/weight": ["b/weight", "c/weight"]}))
    for name in "abc":
        assert (new.params[f"{name}/weight"] == old.params["a/weight"]).all()
        assert (new.params[f"{name}/bias"] == old.params[f"{name}/bias"]).all()


def test_several_nodes_start_from_one() -> None:
    old = network({"type": "dense", "units": 4, "name": "a"}, {"shares": "a"}, seed=1)
    new = triple(tied=False, seed=2)
    transferred(old, new, TransferRules(map={"a": ("a", "b", "c")}))
    for name in "abc":
        assert (new.params[f"{name}/weight"] == old.params["a/weight"]).all()


def test_several_blocks_start_from_one() -> None:
    old, new = repeated("body", 1, 1), repeated("part", 3, 2)
    transferred(old, new, TransferRules(map={"body_1": ["part_1", "part_2", "part_3"]}))
    for index in (1, 2, 3):
        before = old.params["body_1.fc/weight"]
        assert (new.params[f"part_{index}.fc/weight"] == before).all()


def test_named_node_within_a_mapped_block_goes_only_where_it_is_mapped() -> None:
    old, new = repeated("body", 2, 1), repeated("part", 2, 2)
    rules = TransferRules(map={"body_1.fc": "part_2.fc", "body": "part", "body_2.fc": "part_1.fc"})
    transferred(old, new, rules)
    assert (new.params["part_1.fc/weight"] == old.params["body_2.fc/weight"]).all()
    assert (new.params["part_2.fc/weight"] == old.params["body_1.fc/weight"]).all()


def test_source_of_another_target_may_be_replaced_without_being_dropped() -> None:
    old = network({"type": "dense", "units": 3, "name": "a"}, seed=1)
    new = network(
        {"type": "dense", "units": 4, "name": "a"}, {"type": "dense", "units": 3, "name": "b"}
    )
    pairs = {"a/weight": "b/weight", "a/bias": "b/bias"}
    transferred(old, new, TransferRules(map=pairs, allow_new=("a/*",)))
    assert (new.params["b/weight"] == old.params["a/weight"]).all()


def test_node_that_no_longer_shares_a_layer_takes_its_parameters() -> None:
    def net(second: dict[str, Any], seed: int) -> Network:
        return network(
            {"type": "dense", "units": 4, "name": "a"}, {**second, "name": "b"}, seed=seed
        )

    old, new = net({"shares": "a"}, 1), net({"type": "dense", "units": 4}, 2)
    message = refusal(old, new)
    for name in ("weight", "bias"):
        assert f"--map a/{name}=b/{name} starts with its values" in message
    pairs = {f"a/{name}": f"b/{name}" for name in ("weight", "bias")}
    transferred(old, new, TransferRules(map=pairs))
    for node in "ab":
        assert (new.params[f"{node}/weight"] == old.params["a/weight"]).all()
    assert "here, a/weight is shared in place of b/weight" in refusal(new, old)


def test_values_are_not_offered_where_they_do_not_fit() -> None:
    old = words(tied=True, named=True)
    wider = {"type": "dense", "units": 9, "name": "d"}
    new = network({**EMBEDDING, "name": "e"}, wider, {**LAST, "name": "last"})
    message = refusal(old, new, allow_new=("last/*",), allow_dropped=("dense_2/*",))
    assert message.endswith("in the checkpoint, e/weight.T is shared in place of d/weight")


def test_parameter_with_a_pair_leaves_the_match_of_its_node() -> None:
    old = network({"type": "dense", "units": 4, "name": "a"}, seed=1)
    new = network({"type": "dense", "units": 4, "name": "a"}, LOGITS | {"units": 4}, seed=2)
    rules = TransferRules(map={"a/weight.T": "dense_2/weight", "a/bias": "dense_2/bias"})
    transferred(old, new, rules)
    assert (new.params["a/weight"] == old.params["a/weight"]).all()
    assert (new.params["dense_2/weight"] == old.params["a/weight"].T).all()


WRONG = {
    "parameter": (
        {"embedding_1/wieght": "dense_1/weight"},
        "--map: the checkpoint has no parameter 'embedding_1/wieght'; did you mean"
        " 'embedding_1/weight'?",
    ),
    "target": (
        {"embedding_1/weight": "dense_1/wieght"},
        "--map: the network has no parameter 'dense_1/wieght'; did you mean 'dense_1/weight'?",
    ),
    "transposed target": (
        {"embedding_1/weight": "dense_1/weight.T"},
        "transpose the source: --map embedding_1/weight.T=dense_1/weight",
    ),
    "one target twice": (
        {"embedding_1/weight": "dense_1/weight", "embedding_1/weight.T": "dense_1/weight"},
        "--map: two arrays are mapped to 'dense_1/weight'; keep one of the two",
    ),
    "one target twice from one": (
        {"embedding_1/weight.T": ["dense_1/weight", "dense_1/weight"]},
        "--map: two arrays are mapped to 'dense_1/weight'; keep one of the two",
    ),
    "one node twice": (
        {"dense_1": "dense_2", "dense_2": ["dense_2"]},
        "--map dense_2=dense_2: 'dense_2' can take over one node only",
    ),
    "node to parameter": (
        {"embedding_1": "dense_1/weight"},
        "--map embedding_1=dense_1/weight: 'embedding_1' is a node and 'dense_1/weight' a"
        " parameter; map a node to a node, or a parameter to a parameter",
    ),
    "shape": (
        {"embedding_1/weight": "dense_1/weight"},
        "differ in shape: --map 'embedding_1/weight.T=dense_1/weight' takes its transpose,"
        " --overlap 'dense_1/*' carries over the part that both have, leave out --map"
        " 'embedding_1/weight=dense_1/weight'",
    ),
}


@pytest.mark.parametrize(("pairs", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_pair_of_parameters_is_refused(pairs: dict[str, Any], message: str) -> None:
    old, new = words(tied=True), words(tied=False)
    assert message in refusal(old, new, map=pairs, allow_new=("*",), allow_dropped=("*",))


def repeated(name: str | None, count: int, seed: int, units: int = 4) -> Network:
    block = {"layers": [{"type": "dense", "units": units, "name": "fc"}, {"type": "relu"}]}
    stage = {"block": "stage", "repeat": count, **({} if name is None else {"name": name})}
    spec = {
        "tinynet": 1,
        "name": "repeated",
        "network": {"input_shape": [4], "blocks": {"stage": block}, "layers": [stage]},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }
    return Network(load_spec(spec).network, seed=seed)


@pytest.mark.parametrize("name", [None, "body"])
def test_repeated_block_maps_all_of_its_repeats(name: str | None) -> None:
    old, new = repeated(name, 3, 1), repeated("part", 4, 2)
    rules = TransferRules(map={name or "stage": "part"}, allow_new=("part_4.*",))
    plan = transferred(old, new, rules)
    assert plan.count("carried") == 6
    for index in (1, 2, 3):
        before = old.params[f"{name or 'stage'}_{index}.fc/weight"]
        assert (new.params[f"part_{index}.fc/weight"] == before).all()


def test_repeats_are_listed_if_the_other_name_has_none() -> None:
    message = refusal(
        repeated("body", 3, 1), network({**LAST, "name": "part"}), map={"body": "part"}
    )
    assert message == (
        "--map body=part: 'body' stands for body_1, body_2, body_3 in the checkpoint; map one of"
        " them"
    )
