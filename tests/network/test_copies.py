"""Pickled and copied networks: the same predictions, in arrays of their own."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

from tinynet.network.network import Network
from tinynet.training.trainer import Trainer

LAYERS = [
    {"type": "conv2d", "filters": 2, "kernel_size": 3, "name": "c"},
    "batch_norm",
    "relu",
    {"type": "conv2d", "filters": 2, "kernel_size": 3, "padding": "same", "name": "d"},
    {"shares": "d"},
    {"type": "dropout", "rate": 0.5, "trainable": False},
    "flatten",
    {"type": "dense", "units": 3},
]

SPEC = {
    "tinynet": 1,
    "name": "copied",
    "network": {"layers": LAYERS, "input_shape": [6, 6, 1]},
    "training": {
        "steps": 2,
        "batch_size": 4,
        "loss": "softmax_cross_entropy",
        "trainable": ["*", "!c/*"],
        "optimizer": "sgd",
    },
}

X, Y = np.random.default_rng(0).random((4, 6, 6, 1)), np.arange(4) % 3

COPIES = {
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture
def trainer():
    trainer = Trainer(SPEC)
    trainer.train_step(X, Y)
    trainer.network.predict(X)  # What prediction keeps must not be copied.
    return trainer


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_predicts_the_same(trainer, kind):
    network = trainer.network
    made = COPIES[kind](network)
    np.testing.assert_array_equal(made.predict(X), network.predict(X))
    assert made.trainable == network.trainable
    assert made.nodes.keys() == network.nodes.keys()
    assert made.losses[0].loss is not None


@pytest.mark.parametrize("kind", COPIES)
def test_the_parameters_of_a_copy_are_those_of_its_layers(trainer, kind):
    made = COPIES[kind](trainer.network)
    for name, node in made.nodes.items():
        assert node.layer is made.nodes[node.owner].layer
        for param, array in node.layer.params.items():
            assert made.params[f"{node.owner}/{param}"] is array, name
    before = made.predict(X)
    made.params["d/weight"][...] += 1
    assert not np.array_equal(made.predict(X), before)


@pytest.mark.parametrize("kind", ["pickle", "deepcopy"])
def test_training_of_the_original_does_not_change_the_copy(trainer, kind):
    made = COPIES[kind](trainer.network)
    before = made.predict(X)
    arrays = {name: array.copy() for name, array in trainer.network.params.items()}
    for array in {**made.params, **made.buffers}.values():
        assert not any(np.shares_memory(array, other) for other in arrays.values())
    trainer.train_step(X, Y)
    np.testing.assert_array_equal(made.predict(X), before)


def test_a_shallow_copy_shares_its_parameters(trainer):
    made = copy.copy(trainer.network)
    trainer.train_step(X, Y)
    np.testing.assert_array_equal(made.predict(X), trainer.network.predict(X))


def test_network_can_be_sent_to_a_worker_process(trainer):
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        predicted = pool.apply(trainer.network.predict, (X,))
    np.testing.assert_array_equal(predicted, trainer.network.predict(X))


def test_dry_network_can_be_copied():
    network = Network({"layers": LAYERS}, (6, 6, 1), dry=True)
    for make in COPIES.values():
        assert make(network).out_shapes == network.out_shapes
