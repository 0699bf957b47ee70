"""Predictions equal the outputs of a pass in evaluation mode."""

import threading

import numpy as np
import pytest

from tinynet.engine import inference, sharding
from tinynet.network.network import Network

IMAGES = [
    {"type": "conv2d", "filters": 6, "kernel_size": 3, "padding": "same", "name": "c"},
    {"type": "batch_norm", "name": "n"},
    "relu",
    {"type": "conv2d", "filters": 6, "kernel_size": 1, "use_bias": False, "name": "c2"},
    {"type": "batch_norm", "scale": False, "center": False, "name": "n2"},
    {"type": "add", "inputs": ["n2", "n"], "name": "sum"},
    "flatten",
    {"type": "dense", "units": 5, "name": "d"},
    {"type": "batch_norm", "name": "n3"},
    {"type": "dropout", "rate": 0.4},
    {"type": "dense", "units": 4},
]
SHAPE = (6, 6, 2)


def network(layers=IMAGES, **keys):
    """A network with trained running statistics."""
    made = Network({"layers": layers, "dtype": "float64", **keys}, SHAPE)
    rng = np.random.default_rng(0)
    for array in (*made.params.values(), *made.buffers.values()):
        array += rng.uniform(0.1, 0.5, array.shape)
    return made


def batch(count, dtype=np.float64):
    return np.random.default_rng(1).standard_normal((count, *SHAPE)).astype(dtype)


def folded(net):
    """Return the names folded into each step, by the step's name."""
    return {
        step.name: [node.name for node in step.folded] for step in net._inference._folded._steps
    }


@pytest.fixture(params=[0, inference.FOLD_FROM], ids=["folded", "separate"])
def plan(request, monkeypatch):
    """Both ways to compute a network with layers that can be folded."""
    monkeypatch.setattr(inference, "FOLD_FROM", request.param)


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_predictions_equal_a_pass_in_evaluation(count, plan, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    net, x = network(), batch(count)
    expected = net.forward(x).outputs["output"] if count else np.empty((0, 4))
    np.testing.assert_allclose(net.predict(x), expected, rtol=1e-10, atol=1e-12)


def test_batch_norm_is_folded_into_the_layer_before_it():
    assert folded(network()) == {
        "n": ["n"],
        "relu_1": [],
        "n2": ["n2"],
        "sum": [],
        "flatten_1": [],
        "n3": ["n3"],
        "dropout_1": [],
        "dense_2": [],
    }


@pytest.mark.parametrize(
    ("layers", "outputs"),
    [
        ([IMAGES[0], IMAGES[1], {"type": "add", "inputs": ["c", "n"]}], None),
        ([IMAGES[0], IMAGES[1]], ["c", "n"]),
        (["relu", {"type": "batch_norm", "name": "n"}], None),
    ],
    ids=["read by another", "an output", "no layer that can"],
)
def test_batch_norm_is_not_folded_in_other_graphs(layers, outputs):
    net, x = network(layers, **({"outputs": outputs} if outputs else {})), batch(5)
    assert not any(folded(net).values())
    expected = net.forward(x).outputs
    for name, output in net.predict_outputs(x).items():
        np.testing.assert_array_equal(output, expected[name])


def test_predictions_use_the_current_parameters(plan):
    """Predictions are also made between the steps of a training."""
    net, x = network(), batch(3)
    before = net.predict(x)
    for array in (*net.params.values(), *net.buffers.values()):
        array *= 1.25
    after = net.predict(x)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, net.forward(x).outputs["output"], rtol=1e-10)


def test_prediction_does_not_change_the_network(plan):
    net, x = network(), batch(3)
    held = {name: array.copy() for name, array in {**net.params, **net.buffers}.items()}
    original = x.copy()
    net.predict(x)
    np.testing.assert_array_equal(x, original)
    for name, array in {**net.params, **net.buffers}.items():
        np.testing.assert_array_equal(array, held[name])


def test_any_number_of_threads_gives_the_same_bits(plan, monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    net, x = network(dtype="float32"), batch(60, np.float32)
    one = net.predict(x, threads=1)
    for threads in (2, 3, 4):
        assert net.predict(x, threads=threads).tobytes() == one.tobytes()


def test_several_threads_may_predict_with_one_network(plan):
    """A server has one network and many requests."""
    net = network()
    inputs = [batch(n) for n in (1, 2, 3, 4)]
    expected = [net.predict(x) for x in inputs]
    wrong = []

    def ask(number):
        for _ in range(50):
            if net.predict(inputs[number]).tobytes() != expected[number].tobytes():
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_predictions_survive_the_next_call():
    net = network(["relu"])
    first = net.predict(batch(4))
    kept = first.copy()
    net.predict(-batch(4))
    np.testing.assert_array_equal(first, kept)
