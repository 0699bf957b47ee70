"""The engine: equal bits for any number of threads, memory, errors and threads that end."""

import gc
import threading
import tracemalloc
from typing import ClassVar

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tinynet.engine import batch_pass as batch_pass_module
from tinynet.engine import sharding
from tinynet.engine import threads as threads_module
from tinynet.engine.engine import Engine
from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import DataError, TinynetError
from tinynet.kernels.memory import Workspace
from tinynet.layer import LayerConfig
from tinynet.loss import LossConfig
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer

BATCH = 48

TEXT = [
    {"type": "embedding", "input_dim": 20, "output_dim": 8, "name": "e"},
    {"type": "dense", "units": 16, "name": "d"},
    {"type": "layer_norm", "name": "n"},
    {"type": "gelu", "name": "g"},
    {"type": "dropout", "rate": 0.3, "name": "drop"},
    {"type": "add", "inputs": ["drop", "d"], "name": "residual"},
    {"shares": "n", "name": "n2"},
    {"type": "flatten"},
    {"type": "dense", "units": 4},
]
IMAGES = [
    {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "name": "c"},
    {"type": "relu", "name": "r"},
    {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "groups": 2},
    {"type": "dropout", "rate": 0.2, "name": "drop"},
    {"type": "add", "inputs": ["drop", "r"]},
    {"type": "max_pool2d", "pool_size": 2},
    {"type": "avg_pool2d", "pool_size": 2},
    {"type": "flatten"},
    {"type": "dense", "units": 4},
]
NORMED = [IMAGES[0], {"type": "batch_norm"}, *IMAGES[1:]]

JOBS = {
    "embedding, dropout, residual": ([6], TEXT),
    "convolution, pooling, residual": ([8, 8, 2], IMAGES),
    "batch norm": ([8, 8, 2], NORMED),
}


def make_trainer(input_shape, layers, threads):
    spec = {
        "tinynet": 1,
        "name": "engine",
        "network": {"input_shape": input_shape, "layers": layers},
        "training": {
            "steps": 200,
            "batch_size": BATCH,
            "seed": 7,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "clip_norm": 1.0},
            "metrics": ["accuracy"],
        },
    }
    return Trainer(load_spec(spec), threads=threads)


def draw(network, count, rng):
    shape = network.input_shapes["input"]
    indices = len(shape) == 1
    x = rng.integers(20, size=(count, *shape)) if indices else rng.random((count, *shape))
    return x, rng.integers(4, size=count)


def train(input_shape, layers, threads, steps=50, samples=BATCH):
    trainer = make_trainer(input_shape, layers, threads)
    rng = np.random.default_rng(1)
    losses = [trainer.train_step(*draw(trainer.network, samples, rng)) for _ in range(steps)]
    return losses, {name: array.tobytes() for name, array in trainer.state().items()}


def cut_always(monkeypatch):
    """Cut a batch into shards where layers look across it, with kernels on threads, too."""
    monkeypatch.setattr(type(choose_kernels()), "whole_if_exchanged", False, raising=False)


@pytest.fixture
def small_shards(monkeypatch):
    """Split a small batch into six shards, of at least eight samples each."""
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 1)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    cut_always(monkeypatch)


@pytest.mark.parametrize(("input_shape", "layers"), JOBS.values(), ids=JOBS.keys())
def test_any_number_of_threads_gives_the_same_bits(small_shards, input_shape, layers):
    """Otherwise a run could not be resumed on another machine."""
    trainer = make_trainer(input_shape, layers, 1)
    assert len(trainer.network.program.shard_slices(BATCH, training=True)) >= 4
    one = train(input_shape, layers, 1, steps=100)
    for threads in (2, 3, 4):
        assert train(input_shape, layers, threads, steps=100) == one, f"{threads} threads"


def test_shards_depend_on_the_network_alone(monkeypatch):
    """Shards that depended on the machine would change the bits."""
    for input_shape, layers in JOBS.values():
        sizes = set()
        for cores in (1, 2, 64):
            monkeypatch.setattr(threads_module, "available_cores", lambda cores=cores: cores)
            trainer = make_trainer(input_shape, layers, None)
            assert trainer._engine.threads == cores
            sizes.add(str(trainer.network.program.shard_slices(1000, training=True)))
        assert len(sizes) == 1


class Centered:
    """y = x - mean of the whole batch, without the promise `per_sample`."""

    sizes: ClassVar[list[int]] = []

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        Centered.sizes.append(len(x))
        return x - x.mean(axis=0), None

    def backward(self, ctx, cache, dy):
        return (dy - dy.mean(axis=0),), {}


def test_layer_without_per_sample_gets_the_whole_batch(register, small_shards):
    """A layer whose author ignores shards is slow, but correct."""
    register("layers", "centered", Centered)
    layers = [{"type": "dense", "units": 6}, {"type": "centered"}, {"type": "dense", "units": 4}]
    Centered.sizes.clear()
    one = train([3], layers, 1, steps=5)
    assert set(Centered.sizes) == {BATCH}
    assert train([3], layers, 3, steps=5) == one


class ScaledCenter(Centered):
    """The same with a learned factor."""

    def __init__(self, config, in_shapes, build):
        super().__init__(config, in_shapes, build)
        self.params = {"gain": build.param("gain", (), "ones")}

    def forward(self, ctx, x):
        centered, _ = super().forward(ctx, x)
        return centered * self.params["gain"], centered

    def backward(self, ctx, cache, dy):
        (dx,), _ = super().backward(ctx, cache, dy)
        return (dx * self.params["gain"],), {"gain": np.asarray((dy * cache).sum())}


@pytest.mark.parametrize(
    "first",
    [
        pytest.param([{"type": "dense", "units": 3}], id="after parameters"),
        pytest.param([], id="at the input"),
    ],
)
def test_whole_batch_layer_with_parameters_trains_in_shards(
    register, small_shards, monkeypatch, first
):
    register("layers", "scaled_centre", ScaledCenter)
    scaled = {"type": "scaled_centre", "name": "s"}
    layers = [*first, scaled, {"shares": "s"}, {"type": "dense", "units": 4}]
    network = Network({"layers": layers, "dtype": "float64"}, (3,), loss="mse")
    assert len(network.program.shard_slices(BATCH, training=True)) > 2
    x, y = np.random.default_rng(0).normal(size=(BATCH, 3)), np.ones((BATCH, 4))
    sharded = Engine(network.program, 2).train(x, {"output": y}, None, RandomKey())
    network.program._slices[BATCH, True] = (slice(0, BATCH),)
    whole = Engine(network.program, 2).train(x, {"output": y}, None, RandomKey())
    assert sharded.gradients.keys() == whole.gradients.keys() == network.trainable
    for address, gradient in whole.gradients.items():
        np.testing.assert_allclose(sharded.gradients[address], gradient, rtol=1e-9, atol=1e-12)


def test_whole_batch_layer_gets_it_in_prediction(register, small_shards):
    register("layers", "centered", Centered)
    network = Network({"layers": [{"type": "centered"}, {"type": "dense", "units": 4}]}, (3,))
    assert len(network.program.shard_slices(BATCH, training=False)) > 2
    Centered.sizes.clear()
    network.predict(np.ones((2 * BATCH + 1, 3)), batch_size=BATCH)
    assert Centered.sizes == [BATCH, BATCH, 1]


def test_shards_compute_what_one_pass_computes(register, monkeypatch):
    """Up to rounding, since sums are taken in another order; with batch norm, too."""
    register("layers", "centered", Centered)
    layers = [*NORMED[:4], {"type": "centered"}, *NORMED[4:]]
    outcomes = []
    cut_always(monkeypatch)
    for work in (1e12, 1):
        monkeypatch.setattr(sharding, "SHARD_FLOPS", work)
        monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
        network = Network(
            {"layers": without_dropout(layers), "dtype": "float64"},
            (8, 8, 2),
            loss="softmax_cross_entropy",
        )
        x, y = draw(network, BATCH, np.random.default_rng(0))
        result = Engine(network.program, 2).train(x, {"output": y}, None, RandomKey())
        result.commit()
        outcomes.append((len(result.shards), result, network.buffers))
    (pieces, one, buffers), (shards, many, others) = outcomes
    assert (pieces, shards) == (1, 6)
    assert many.loss == pytest.approx(one.loss, rel=1e-12)
    for address, gradient in one.gradients.items():
        np.testing.assert_allclose(many.gradients[address], gradient, rtol=1e-9, atol=1e-13)
    for address, buffer in buffers.items():
        np.testing.assert_allclose(others[address], buffer, rtol=1e-12)


def without_dropout(layers):
    """Return the layers without dropout, whose random stream depends on the shard."""
    return [{**n, "rate": 0.0} if n["type"] == "dropout" else n for n in layers]


class Ranked:
    """Distance of each output from the largest one in the batch: a loss across samples."""

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def forward(self, ctx, outputs, targets):
        assert len(outputs) == BATCH
        return float((outputs.max(axis=0) - outputs).sum()), outputs

    def backward(self, ctx, cache):
        at_largest = cache == cache.max(axis=0)
        return (at_largest * len(cache) - np.ones_like(cache)).astype(cache.dtype)

    def predict(self, outputs):
        return outputs


def test_loss_without_per_sample_gets_the_whole_batch(register, small_shards):
    register("losses", "ranked", Ranked)
    results = []
    for threads in (1, 3):
        network = Network({"layers": IMAGES}, (8, 8, 2), loss="ranked")
        engine, (x, _) = (
            Engine(network.program, threads),
            draw(network, BATCH, np.random.default_rng(0)),
        )
        y = {"output": np.zeros((BATCH, 4), np.float32)}
        evaluated = engine.evaluate(x, y)
        result = engine.train(x, y, None, RandomKey())
        results.append(
            (result.loss, evaluated.loss, [g.tobytes() for g in result.gradients.values()])
        )
        assert result.predictions["output"].shape == (BATCH, 4)
    assert results[0] == results[1]


# Memory -------------------------------------------------------------------------------------


class FreshMemory(Workspace):
    """A workspace that returns fresh memory of NaN: every byte is 0xFF."""

    def empty(self, shape, dtype):
        array = Workspace().empty(shape, dtype)
        array.view(np.uint8)[...] = 255
        return array

    def reset(self):
        pass


@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.parametrize("cut", [True, False], ids=["in shards", "whole"])
@pytest.mark.parametrize(("input_shape", "layers"), JOBS.values(), ids=JOBS.keys())
def test_reused_memory_does_not_change_results(
    request, monkeypatch, input_shape, layers, cut, batches
):
    """A workspace that is reused too early would silently change results."""
    if cut:
        request.getfixturevalue("small_shards")
    used_again = train(input_shape, layers, 2, steps=6, samples=batches * BATCH)
    monkeypatch.setattr(batch_pass_module, "Workspace", FreshMemory)
    assert train(input_shape, layers, 2, steps=6, samples=batches * BATCH) == used_again


def test_step_allocates_no_large_arrays():
    """Page faults cost as much as the arithmetic."""
    trainer = make_trainer([24, 24, 2], NORMED, 1)
    x, y = draw(trainer.network, BATCH, np.random.default_rng(0))
    x = x.astype(np.float32)
    trainer.train_step(x, y)
    tracemalloc.start()
    trainer.train_step(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    one_layers_output = BATCH * 24 * 24 * 4 * x.itemsize
    assert peak < one_layers_output / 2


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mse"])
def test_results_survive_the_next_batch(small_shards, loss):
    """Predictions may be the output of the network itself, in reused memory."""
    network = Network({"layers": IMAGES}, (8, 8, 2), loss=loss)
    engine, rng = Engine(network.program, 2), np.random.default_rng(0)

    def batch():
        x, labels = draw(network, BATCH, rng)
        return x, {"output": labels if loss != "mse" else rng.random((BATCH, 4))}

    results = [engine.evaluate(*batch()), engine.train(*batch(), None, RandomKey())]
    kept = [result.predictions["output"].copy() for result in results]
    engine.train(*batch(), None, RandomKey())
    engine.evaluate(*batch())
    for result, before in zip(results, kept, strict=True):
        np.testing.assert_array_equal(result.predictions["output"], before)


# Failure ------------------------------------------------------------------------------------


class Fragile:
    """y = x; raises for a sample whose first number is negative."""

    per_sample = True

    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        if (x[:, 0] < 0).any():
            raise DataError(f"sample {ctx.first_sample + int(np.argmax(x[:, 0] < 0))} is negative")
        np.linalg.svd(np.ones((200, 200)))  # so that it still runs when another shard has failed
        return x, None

    def backward(self, ctx, cache, dy):
        return (dy,), {}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("sample", [3, 31])
def test_engine_raises_the_error_of_a_shard_and_stays_usable(
    register, small_shards, threads, sample
):
    register("layers", "fragile", Fragile)
    layers = [{"type": "fragile"}, {"type": "dense", "units": 4}]
    trainer, twin = (make_trainer([3], layers, n) for n in (threads, 1))
    rng = np.random.default_rng(0)
    x, y = rng.random((BATCH, 3)), rng.integers(4, size=BATCH)
    spoilt = x.copy()
    spoilt[sample, 0] = -1
    before = {name: array.tobytes() for name, array in trainer.state().items()}
    for _ in range(threads + 2):
        with pytest.raises(DataError, match=f"sample {sample} is negative"):
            trainer.train_step(spoilt, y)
        with pytest.raises(DataError, match=f"sample {sample} is negative"):
            trainer._engine.evaluate(spoilt, {"output": y})
    assert {name: array.tobytes() for name, array in trainer.state().items()} == before
    assert trainer.train_step(x, y) == twin.train_step(x, y)


def test_no_thread_outlives_its_engine():
    before = set(threading.enumerate())
    trainer = make_trainer(*JOBS["convolution, pooling, residual"], 4)
    trainer.train_step(*draw(trainer.network, BATCH, np.random.default_rng(0)))
    workers = set(threading.enumerate()) - before
    assert len(workers) == 3
    del trainer
    gc.collect()
    for worker in workers:
        worker.join(timeout=30)
    assert not workers & set(threading.enumerate())


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


class Watch(Fragile):
    """y = x; records the number of BLAS threads."""

    within: ClassVar[list[list[int]]] = []

    def forward(self, ctx, x):
        Watch.within.append(blas_threads())
        return super().forward(ctx, x)


def test_blas_has_one_thread_during_a_step_only(register):
    before = blas_threads()
    if not before:
        pytest.skip("no BLAS that can be held")
    register("layers", "watch", Watch)
    Watch.within.clear()
    trainer = make_trainer([3], [{"type": "watch"}, {"type": "dense", "units": 4}], 2)
    x, y = np.ones((BATCH, 3)), np.zeros(BATCH, int)
    trainer.train_step(x, y)
    with pytest.raises(DataError):
        trainer.train_step(-x, y)
    assert {number for numbers in Watch.within for number in numbers} == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("threads", [0, -1, 100_000])
def test_invalid_number_of_threads_is_an_error(threads):
    network = Network({"layers": [{"type": "dense", "units": 2}]}, (3,), loss="mse")
    with pytest.raises(TinynetError, match=f"threads must be from 1 to 1024, not {threads}"):
        Engine(network.program, threads)
    with pytest.raises(TinynetError, match=f"threads must be from 1 to 1024, not {threads}"):
        network.predict(np.zeros((2, 3)), threads=threads)
