"""Layers that use parameters of other layers: tied weights."""

import copy

import numpy as np
import pytest

import tinynet
from tinynet.engine import sharding
from tinynet.errors import ShapeError, SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec

EMBEDDING = {"type": "embedding", "input_dim": 7, "output_dim": 4}
LOGITS = {"type": "dense", "units": 7, "shares": {"weight": "embedding_1/weight.T"}}
TOKENS = np.random.default_rng(0).integers(0, 7, (40, 5))
NEXT = np.random.default_rng(1).integers(0, 7, (40, 5))


def spec(*layers, dtype="float64", training=None, **network):
    return {
        "tinynet": 1,
        "name": "tied",
        "network": {"input_shape": [5], "dtype": dtype, "layers": list(layers), **network},
        "training": {
            "steps": 1,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            "batch_size": 40,
            **(training or {}),
        },
    }


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("threads", [1, 3])
def test_gradients_of_both_uses_add_up(threads, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 10)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    trainer = tinynet.Trainer(spec(EMBEDDING, LOGITS), threads=threads)
    network = trainer.network
    assert set(network.params) == {"embedding_1/weight", "dense_1/bias"}
    weight = network.params["embedding_1/weight"]
    before = weight.copy()
    embedded = before[TOKENS]
    d_logits = (softmax(embedded @ before.T) - np.eye(7)[NEXT]) / 200
    expected = np.einsum("ntv,ntc->vc", d_logits, embedded)
    np.add.at(expected, TOKENS, d_logits @ before)
    trainer.train_step(TOKENS, NEXT)
    np.testing.assert_allclose(before - weight, expected, rtol=1e-9, atol=1e-15)


def test_only_the_transposed_use_trains_the_weight():
    first = {**EMBEDDING, "trainable": False}
    trainer = tinynet.Trainer(spec(first, LOGITS))
    assert trainer.network.trainable == {"dense_1/bias"}
    frozen = tinynet.Trainer(spec(EMBEDDING, LOGITS, training={"trainable": "dense_1/bias"}))
    assert frozen.network.trainable == {"dense_1/bias"}
    for one in (trainer, frozen):
        before = one.network.params["embedding_1/weight"].copy()
        one.train_step(TOKENS, NEXT)
        np.testing.assert_array_equal(one.network.params["embedding_1/weight"], before)


def test_predictions_follow_the_other_layer():
    network = Network(spec(EMBEDDING, LOGITS)["network"])
    network.params["embedding_1/weight"][...] = np.arange(28).reshape(7, 4)
    weight = network.params["embedding_1/weight"]
    np.testing.assert_allclose(network.predict(TOKENS), weight[TOKENS] @ weight.T)
    again = copy.deepcopy(network)
    again.params["embedding_1/weight"][...] += 1
    np.testing.assert_allclose(again.predict(TOKENS), (weight + 1)[TOKENS] @ (weight + 1).T)


def test_shared_weight_without_a_transpose():
    first = {"type": "dense", "units": 5, "name": "first"}
    second = {"type": "dense", "units": 5, "shares": {"weight": "first/weight"}}
    network = Network(spec(first, second)["network"])
    assert set(network.params) == {"first/weight", "first/bias", "dense_2/bias"}
    x = np.random.default_rng(0).standard_normal((3, 5))
    weight = network.params["first/weight"]
    np.testing.assert_allclose(network.predict(x), x @ weight @ weight)


def test_node_may_share_a_layer_that_shares_a_weight():
    layers = (EMBEDDING, LOGITS, {"type": "dense", "units": 4}, {"shares": "dense_1", "name": "b"})
    network = Network(spec(*layers)["network"])
    assert network.nodes["b"].address("weight") == "embedding_1/weight"
    assert set(network.params) == {
        "embedding_1/weight", "dense_1/bias", "dense_2/weight", "dense_2/bias"
    }  # fmt: skip


def test_weights_are_shared_within_each_instance_of_a_block():
    block = {
        "layers": [
            {"type": "dense", "units": 3, "name": "down"},
            {"type": "dense", "units": 5, "name": "up", "shares": {"weight": "down/weight.T"}},
        ]
    }
    instances = ({"block": "auto", "repeat": 2}, {"shares": "auto_1", "name": "again"})
    loaded = load_spec(spec(*instances, blocks={"auto": block}))
    assert load_spec(loaded.resolved()).resolved() == loaded.resolved()
    network = Network(loaded.network)
    for name, owner in (("auto_1", "auto_1"), ("auto_2", "auto_2"), ("again", "auto_1")):
        assert network.nodes[f"{name}.up"].address("weight") == f"{owner}.down/weight"


def test_resumed_run_has_the_same_bits():
    whole, half = (tinynet.Trainer(spec(EMBEDDING, LOGITS, dtype="float32")) for _ in range(2))
    for trainer in (whole, half):
        trainer.train_step(TOKENS, NEXT)
    resumed = tinynet.Trainer(spec(EMBEDDING, LOGITS, dtype="float32"))
    resumed.load_state(half.state(), half.progress)
    for trainer in (whole, resumed):
        trainer.train_step(TOKENS, NEXT)
    for name, array in whole.network.params.items():
        np.testing.assert_array_equal(array, resumed.network.params[name])


WRONG = {
    "node": ({"weight": "embeding_1/weight"}, SpecError, "there is no node 'embeding_1'; did you"),
    "itself": ({"weight": "dense_1/weight"}, SpecError, "there is no node 'dense_1'"),
    "param": ({"weight": "embedding_1/wieght"}, SpecError, "has no parameter 'wieght'; did you"),
    "own param": ({"wieght": "embedding_1/weight"}, ShapeError, "it has no parameter 'wieght'"),
    "transpose": (
        {"weight": "embedding_1/weight"},
        ShapeError,
        "share 'embedding_1/weight.T', its",
    ),
    "shape": ({"bias": "embedding_1/weight"}, ShapeError, "bias has the shape (7,) here, but"),
    "form": ({"weight": "embedding_1"}, SpecError, 'such as {"weight": "embedding_1/weight"}'),
    "empty": ({}, SpecError, "a node, or an object of parameters of other nodes, is expected"),
    "number": (3, SpecError, "a node, or an object of parameters of other nodes, is expected"),
}


@pytest.mark.parametrize(("shares", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_sharing_is_refused(shares, error, message):
    with pytest.raises(error) as caught:
        tinynet.Trainer(spec(EMBEDDING, {**LOGITS, "shares": shares}))
    assert message in str(caught.value)
    assert "/network/layers/1" in str(caught.value)


def test_own_type_is_required():
    with pytest.raises(SpecError, match="/network/layers/1: 'type' is required"):
        tinynet.Trainer(spec(EMBEDDING, {"shares": LOGITS["shares"], "units": 7}))


def test_weight_of_a_shared_layer_is_that_of_its_owner():
    shared = {"shares": "embedding_1", "name": "c", "inputs": "input"}
    added = {"type": "add", "inputs": ["embedding_1", "c"]}
    logits = {**LOGITS, "shares": {"weight": "c/weight.T"}}
    network = Network(spec(EMBEDDING, shared, added, logits)["network"])
    assert network.nodes["dense_1"].address("weight") == "embedding_1/weight"
    assert set(network.params) == {"embedding_1/weight", "dense_1/bias"}


def test_instances_of_a_block_share_a_weight_outside_of_it():
    head = {"layers": [{**LOGITS, "name": "logits"}, {"type": "dense", "units": 4}]}
    outer = {"layers": [{"block": "head"}, {"block": "head"}]}
    layers = (EMBEDDING, {"block": "outer"}, {"shares": "outer_1", "name": "again"})
    loaded = load_spec(spec(*layers, blocks={"head": head, "outer": outer}))
    assert load_spec(loaded.resolved()).resolved() == loaded.resolved()
    network = Network(loaded.network)
    heads = [name for name in network.nodes if name.endswith(".logits")]
    assert len(heads) == 4
    assert {network.nodes[name].address("weight") for name in heads} == {"embedding_1/weight"}


def test_misspelled_node_outside_of_the_block_is_suggested():
    block = {"layers": [{**LOGITS, "shares": {"weight": "embeding_1/weight.T"}}]}
    with pytest.raises(SpecError, match="'embeding_1'; did you mean 'embedding_1'"):
        load_spec(spec(EMBEDDING, {"block": "head"}, blocks={"head": block}))


def test_node_of_the_block_comes_before_one_outside_of_it():
    block = {
        "layers": [
            {**EMBEDDING, "name": "table"},
            {**LOGITS, "shares": {"weight": "table/weight.T"}},
        ]
    }
    layers = ({**EMBEDDING, "name": "table"}, {"block": "model", "inputs": "input"})
    outputs = {"first": "table", "second": "model_1"}
    training = {"loss": {"second": "softmax_cross_entropy"}}
    parts = {"blocks": {"model": block}, "outputs": outputs}
    loaded = load_spec(spec(*layers, training=training, **parts))
    network = Network(loaded.network)
    assert network.nodes["model_1.dense_1"].address("weight") == "model_1.table/weight"


@pytest.mark.parametrize(
    ("address", "original"),
    [
        ("dense_1/weight.T", "embedding_1/weight"),
        ("dense_1/weight", "embedding_1/weight.T"),
    ],
)
def test_original_is_named_where_a_shared_weight_is_shared_again(address, original):
    again = {"type": "dense", "units": 4, "shares": {"weight": address}}
    with pytest.raises(SpecError, match=f"is itself shared; name the original: '{original}'"):
        Network(spec(EMBEDDING, LOGITS, again)["network"])
