"""Passes of one shard: gradients, contexts, caches, frozen layers and memory."""

import gc
import weakref
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import TinynetError
from tinynet.layer import LayerConfig
from tinynet.network.network import Network

WIDTH = 3


def dense(name, inputs=None, **more):
    node = {"type": "dense", "units": WIDTH, "name": name, **more}
    return node if inputs is None else {**node, "inputs": inputs}


def join(type_name, name, *inputs):
    return {"type": type_name, "name": name, "inputs": list(inputs)}


def network(*layers, input_shape=(WIDTH,), dtype="float64", **options):
    return Network({"layers": list(layers)}, input_shape, dtype=dtype, seed=1, **options)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def gradients(net, x, dy):
    return net.forward(x, training=True).backward({"output": dy})


def slopes(net, x, dy, epsilon=1e-6):
    """Return the gradients of sum(output * dy) by central differences."""
    by_address = {}
    for address in net.trainable:
        flat = net.params[address].reshape(-1)
        by_address[address] = np.empty_like(net.params[address])
        for index, value in enumerate(flat.copy()):
            ends = []
            for end in (value + epsilon, value - epsilon):
                flat[index] = end
                ends.append(float(np.vdot(net.forward(x, training=True).outputs["output"], dy)))
            flat[index] = value
            by_address[address].reshape(-1)[index] = (ends[0] - ends[1]) / (2 * epsilon)
    return by_address


def assert_gradients_right(net, batch=2):
    shapes = net.input_shapes
    x = {name: draw(batch, *shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}
    dy = draw(batch, *net.out_shapes["output"], seed=99)
    dy.flags.writeable = False
    for array in x.values():
        array.flags.writeable = False
    grads, right = gradients(net, x, dy), slopes(net, x, dy)
    assert grads.keys() == right.keys() == net.trainable
    for address, gradient in right.items():
        np.testing.assert_allclose(grads[address], gradient, rtol=1e-6, atol=1e-7, err_msg=address)


# Gradients ----------------------------------------------------------------------------------

GRAPHS = {
    "a chain": [dense("a"), dense("b")],
    "two consumers": [dense("a"), dense("b", "a"), dense("c", "a"), join("add", "d", "b", "c")],
    "three consumers": [
        dense("a"),
        join("add", "b", "a", "a"),
        join("multiply", "c", "a", "b"),
        join("concat", "d", "a", "b", "c"),
    ],
    "a node added to itself": [dense("a"), join("add", "b", "a", "a")],
    "a node times itself": [dense("a"), join("multiply", "b", "a", "a", "a")],
    "dy handed on as it is, to several": [
        dense("a"),
        dense("b", "input"),
        join("add", "c", "a", "b"),
        join("add", "d", "c", "a"),
        join("add", "e", "d", "b", "d"),
    ],
    "the input read twice": [dense("a"), join("multiply", "b", "input", "a")],
    "a layer at two places": [
        dense("a"),
        {"type": "tanh"},
        {"shares": "a", "name": "again"},
    ],
    "a layer at three places, met again": [
        dense("a"),
        {"shares": "a", "name": "b"},
        {"shares": "a", "name": "c", "inputs": "a"},
        join("multiply", "d", "b", "c"),
    ],
    "normalized at two places": [
        {"type": "batch_norm", "name": "a"},
        dense("b"),
        {"shares": "a", "name": "c"},
    ],
    "two inputs": [
        dense("a", "input:left"),
        dense("b", "input:right"),
        join("multiply", "c", "a", "b"),
    ],
}


@pytest.mark.parametrize("layers", GRAPHS.values(), ids=GRAPHS.keys())
def test_gradients_are_those_of_finite_differences(layers):
    assert_gradients_right(network(*layers), batch=3)


@st.composite
def random_graphs(draw):
    """Draw nodes that read any earlier ones; `add` joins those that no node reads."""
    names, layers, owners = ["input"], [], []
    for index in range(draw(st.integers(1, 6))):
        name = f"n{index}"
        kind = draw(st.sampled_from(["dense", "dense", "tanh", "add", "multiply", "shares"]))
        count = draw(st.integers(2, 3)) if kind in ("add", "multiply") else 1
        inputs = [draw(st.sampled_from(names)) for _ in range(count)]
        if kind == "shares" and owners:
            layers.append({"shares": draw(st.sampled_from(owners)), "name": name, "inputs": inputs})
        elif kind in ("dense", "shares"):
            layers.append(dense(name, inputs, trainable=draw(st.booleans())))
            owners.append(name)
        else:
            layers.append(join(kind, name, *inputs))
        names.append(name)
    used = {source for layer in layers for source in layer["inputs"]}
    ends = [name for name in names if name not in used]
    return [*layers, join("concat", "end", *ends, names[-1])]


@settings(deadline=None, max_examples=60)
@given(random_graphs())
def test_gradients_are_right_in_any_graph(layers):
    assert_gradients_right(network(*layers))


def test_gradient_shared_by_two_branches_is_not_changed_in_place():
    """`add` returns dy itself for both inputs; summing into it would corrupt the other."""
    layers = [
        dense("a"),
        dense("b", "input"),
        join("add", "c", "a", "b"),
        join("add", "d", "c", "a"),
    ]
    net, x, dy = network(*layers), draw(4, WIDTH), draw(4, WIDTH, seed=5)
    grads = gradients(net, x, dy)
    np.testing.assert_allclose(grads["a/weight"], x.T @ (2 * dy), rtol=1e-12)
    np.testing.assert_allclose(grads["b/weight"], x.T @ dy, rtol=1e-12)


# What is computed ---------------------------------------------------------------------------

calls = []
"""(node, needs, training, keep) of each forward pass of a `Spy`."""


class Spy:
    """y = x * gain; records the gradients it must return."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", self.out_shape, "ones")}

    def forward(self, ctx, x):
        calls.append((ctx.node, ctx.needs, ctx.training, ctx.keep))
        return x * self.params["gain"], x

    def backward(self, ctx, cache, dy):
        grads = {"gain": (dy * cache).sum(axis=0)} if ctx.needs_param("gain") else {}
        return (dy * self.params["gain"] if ctx.needs_input() else None,), grads


@pytest.fixture
def spy(register):
    calls.clear()
    register("layers", "spy", Spy)


def test_layers_compute_needed_gradients_only(spy):
    """A first layer that computed its input's gradient would take twice the time."""
    net = network(
        {"type": "spy", "name": "frozen", "trainable": False},
        {"type": "spy", "name": "first"},
        {"type": "spy", "name": "middle", "trainable": False},
        {"type": "spy", "name": "last"},
    )
    grads = gradients(net, draw(2, WIDTH), draw(2, WIDTH))
    needed = {node: (needs.inputs, set(needs.params), keep) for node, needs, _, keep in calls}
    assert needed == {
        "frozen": ((False,), set(), False),
        "first": ((False,), {"gain"}, True),
        "middle": ((True,), set(), True),
        "last": ((True,), {"gain"}, True),
    }
    assert grads.keys() == {"first/gain", "last/gain"} == net.trainable


def test_frozen_layers_have_no_cache_and_no_backward(spy):
    net = network({"type": "spy", "trainable": False}, {"type": "tanh"})
    assert gradients(net, draw(2, WIDTH), draw(2, WIDTH)) == {}
    assert not calls[0][3]


def test_evaluation_keeps_nothing(spy):
    net = network({"type": "spy"})
    net.forward(draw(2, WIDTH))
    net.predict(draw(2, WIDTH))
    assert [(training, keep) for _, _, training, keep in calls] == [(False, False)] * 2


def test_frozen_batch_norm_uses_and_keeps_its_statistics():
    """Fine-tuning on small batches would destroy what a frozen batch_norm has learned."""
    net = network(dense("a"), {"type": "batch_norm", "name": "n", "trainable": False}, dense("b"))
    net.buffers["n/running_mean"][...] = [1, 2, 3]
    net.buffers["n/running_var"][...] = [4, 5, 6]
    x = draw(5, WIDTH)
    before = {name: array.copy() for name, array in net.buffers.items()}
    passing = net.forward(x, training=True)
    np.testing.assert_array_equal(passing.outputs["output"], net.forward(x).outputs["output"])
    passing.backward({"output": draw(5, WIDTH)})
    passing.commit()
    for name, array in before.items():
        np.testing.assert_array_equal(net.buffers[name], array)
    assert "n/gamma" not in net.trainable
    assert_gradients_right(net)


def test_batch_norm_commits_once_for_each_node():
    net = network({"type": "batch_norm", "name": "n"}, {"shares": "n", "name": "again"})
    x = draw(6, WIDTH) + 3
    passing = net.forward(x, training=True)
    passing.backward({"output": draw(6, WIDTH)})
    assert not net.buffers["n/running_mean"].any(), "nothing moves before the commit"
    passing.commit()
    passing.commit()
    first = 0.1 * x.mean(axis=0)
    np.testing.assert_allclose(net.buffers["n/running_mean"], 0.9 * first, atol=1e-12)


class Tally:
    """y = x; counts its commits, and is per sample."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", (), "ones")}
        self.buffers = {"commits": build.buffer("commits", (), "zeros")}

    def forward(self, ctx, x):
        return x * self.params["gain"], x

    def backward(self, ctx, cache, dy):
        return (dy * self.params["gain"],), {"gain": (dy * cache).sum()}

    def commit(self, cache):
        self.buffers["commits"] += 1


def test_frozen_layer_never_commits(register):
    """A layer's own code cannot change its frozen statistics."""
    register("layers", "tally", Tally)
    net = network(
        {"type": "tally", "trainable": False, "name": "a"}, {"type": "tally", "name": "b"}
    )
    passing = net.forward(draw(2, WIDTH), training=True)
    passing.commit()
    net.forward(draw(2, WIDTH)).commit()
    assert (net.buffers["a/commits"], net.buffers["b/commits"]) == (0, 1)


class Moving:
    """y = x; commits the batch's mean from a cache that it makes only if it must."""

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}
        self.buffers = {"mean": build.buffer("mean", self.out_shape, "zeros")}

    def forward(self, ctx, x):
        return x - self.buffers["mean"], x.mean(axis=0) if ctx.keep else None

    def backward(self, ctx, cache, dy):
        return (dy,), {}

    def commit(self, cache):
        self.buffers["mean"][...] = cache


def test_commit_gets_a_cache_without_a_backward(register):
    """Running statistics of the network's input: no backward follows, but a commit."""
    register("layers", "moving", Moving)
    net = network({"type": "moving", "name": "m"}, dense("a"))
    x = draw(4, WIDTH)
    passing = net.forward(x, training=True)
    passing.backward({"output": draw(4, WIDTH)})
    passing.commit()
    np.testing.assert_allclose(net.buffers["m/mean"], x.mean(axis=0))


class Leaky:
    """y = x; its cache can be watched by a weak reference."""

    per_sample = True

    class Config(LayerConfig):
        pass

    class Cache:
        pass

    caches: ClassVar[list[weakref.ref]] = []
    alive: ClassVar[list[int]] = []

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {"gain": build.param("gain", (), "ones")}

    def forward(self, ctx, x):
        cache = self.Cache()
        Leaky.caches.append(weakref.ref(cache))
        return x * self.params["gain"], cache

    def backward(self, ctx, cache, dy):
        Leaky.alive.append(sum(ref() is not None for ref in Leaky.caches))
        return (dy,), {"gain": dy.sum()}


def test_backward_frees_each_cache_after_use(register):
    """Otherwise all caches and all gradients are in memory at once."""
    register("layers", "leaky", Leaky)
    Leaky.caches.clear()
    Leaky.alive.clear()
    net = network(*[{"type": "leaky"}] * 4)
    gc.disable()
    try:
        net.forward(draw(2, WIDTH), training=True).backward({"output": draw(2, WIDTH)})
    finally:
        gc.enable()
    assert Leaky.alive == [4, 3, 2, 1]


class Probe(Spy):
    """y = x * gain; records which earlier outputs are alive."""

    outputs: ClassVar[list[weakref.ref]] = []
    alive: ClassVar[list[list[bool]]] = []

    def forward(self, ctx, x):
        Probe.alive.append([ref() is not None for ref in Probe.outputs])
        y = x * self.params["gain"]
        Probe.outputs.append(weakref.ref(y))
        return y, None


def test_values_are_freed_after_their_last_reader(register):
    register("layers", "probe", Probe)
    Probe.outputs.clear()
    Probe.alive.clear()
    network(*[{"type": "probe"}] * 4).predict(draw(2, WIDTH))
    assert Probe.alive == [[], [True], [False, True], [False, False, True]]


def test_backward_without_a_training_pass_is_an_error():
    net = network(dense("a"))
    passing = net.forward(draw(2, WIDTH), training=True)
    passing.backward({"output": draw(2, WIDTH)})
    for late in (passing, net.forward(draw(2, WIDTH))):
        with pytest.raises(TinynetError, match="once"):
            late.backward({"output": draw(2, WIDTH)})


# Random streams -----------------------------------------------------------------------------


def test_dropout_depends_on_the_key_alone():
    net = network({"type": "dropout", "rate": 0.5}, input_shape=(1000,))
    x = np.ones((2, 1000))

    def output(**key):
        return net.forward(x, training=True, key=RandomKey(1, **key)).outputs["output"]

    same = output(step=3)
    np.testing.assert_array_equal(output(step=3), same)
    for other in ({"step": 4}, {"step": 3, "micro_batch": 1}):
        assert not np.array_equal(output(**other), same)
    later = net.forward(x, training=True, key=RandomKey(1, step=3), first_sample=8).outputs[
        "output"
    ]
    assert not np.array_equal(later, same)
    np.testing.assert_array_equal(net.forward(x).outputs["output"], x)
