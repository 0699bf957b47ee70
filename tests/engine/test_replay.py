"""Replayed passes give the bits of ordinary ones, whatever the network, and are left where not."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.layers.dense import Dense
from tinynet.engine import inference
from tinynet.engine.chain import Chain
from tinynet.engine.shard_pass import RandomKey, ShardPass
from tinynet.errors import DataError, PluginError
from tinynet.kernels import elementwise
from tinynet.kernels.memory import MOST_KEPT, Workspace
from tinynet.kernels.recording import RecordedCalls
from tinynet.layer import LayerConfig
from tinynet.layer.inherited import is_replayable
from tinynet.network.network import Network
from tinynet.testing.recording_kernels import PlainKernels, RecordingKernels

CONV = {"type": "conv2d", "filters": 3, "kernel_size": 3}
LAYERS = [
    {**CONV, "name": "c"},
    {"type": "relu"},
    {"type": "max_pool2d"},
    {"type": "flatten"},
    {"type": "dropout", "rate": 0.3, "name": "r"},
    {"type": "dense", "name": "d", "units": 5},
    {"type": "relu"},
    {"type": "dense", "name": "e", "units": 3},
]


def trainer(kernels, layers=LAYERS, *, threads=2, **more):
    training = {
        "epochs": 1,
        "batch_size": 12,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        **more,
    }
    network = {"input_shape": [8, 8, 2], "layers": layers}
    spec = {"tinynet": 1, "name": "replayed", "network": network, "training": training}
    return tinynet.Trainer(spec, threads=threads, kernels=kernels)


def batch(step, samples=12):
    rng = np.random.default_rng(step)
    return rng.normal(size=(samples, 8, 8, 2)).astype("f"), rng.integers(0, 3, samples)


SIZES = [12, 12, 5, 12, 12, 12, 5, 12, 5, 5, 5, 12]


def trained(kernels, layers=LAYERS, **more):
    """Return losses and final state of steps over batches of two sizes."""
    made = trainer(kernels, layers, **more)
    losses = [made.train_step(*batch(step, size)) for step, size in enumerate(SIZES)]
    return losses, {name: array.tobytes() for name, array in made.state().items()}


@pytest.fixture
def replays(monkeypatch):
    """Return the number of times that recorded calls were made again, in a list."""
    counts = [0]
    original = RecordedCalls.run

    def run(calls):
        counts[0] += 1
        original(calls)

    monkeypatch.setattr(RecordedCalls, "run", run)
    return counts


RESIDUAL = [
    {**CONV, "padding": "same", "name": "a"},
    {**CONV, "padding": "same", "name": "b"},
    {**CONV, "padding": "same", "name": "c"},
    {"type": "add", "inputs": ["c", "a"]},
    {"type": "flatten"},
    {"type": "dense", "units": 3},
]
WIDENED = [*RESIDUAL[:3], {"type": "concat", "inputs": ["c", "a"]}, *RESIDUAL[4:]]
SHARED = [
    {**CONV, "padding": "same", "name": "a", "filters": 2},
    {"type": "relu"},
    {"shares": "a"},
    {"type": "flatten"},
    {"type": "dense", "units": 3},
]
NORMED = [
    {**CONV, "name": "a"},
    {"type": "batch_norm"},
    {"type": "relu"},
    {**CONV, "name": "b"},
    {"type": "tanh"},
    {"type": "max_pool2d"},
    {"type": "flatten"},
    {"type": "layer_norm"},
    {"type": "dense", "units": 3},
]


def test_layers_of_kernels_alone_form_a_chain():
    program = trainer(RecordingKernels()).network.program
    (chain,) = program.operations
    assert isinstance(chain.node.layer, Chain)
    assert chain.node.name == "e"
    assert set(chain.node.layer.params) == {
        *("c/weight", "c/bias", "d/weight", "d/bias", "e/weight", "e/bias")
    }


def test_layers_of_other_kinds_end_a_chain_and_so_do_their_inputs():
    for layers, names in (
        (RESIDUAL, ["dense_1"]),
        (WIDENED, ["a", "c", "concat_1", "dense_1"]),
        (SHARED, ["a", "dense_1"]),
        (NORMED, ["a", "batch_norm_1", "b", "tanh_1", "dense_1"]),
    ):
        program = trainer(RecordingKernels(), layers).network.program
        assert [op.node.name for op in program.operations] == names


@pytest.mark.parametrize(
    "layers", [LAYERS, RESIDUAL, SHARED, NORMED], ids=["chain", "branches", "shared", "batch_norm"]
)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"shards": 3},
        {"batch_size": 4},
        {"trainable": ["[!ac]*"], "average": {"type": "ema", "decay": 0.8}},
    ],
    ids=["one shard", "shards", "accumulation", "frozen"],
)
def test_replayed_training_has_the_same_bits(replays, layers, more):
    if "trainable" in more and layers is SHARED:
        pytest.skip("nothing else is trainable")
    assert trained(RecordingKernels(), layers, **more) == trained(PlainKernels(), layers, **more)
    assert replays[0]


def test_a_network_of_one_chain_is_replayed_with_its_loss(replays, monkeypatch):
    """Python takes longer between the parts of a small step than the kernels do."""
    made, plain = trainer(RecordingKernels()), trainer(PlainKernels())
    for step in range(5):
        assert made.train_step(*batch(step)) == plain.train_step(*batch(step))
    expected, before = plain.train_step(*batch(5)), replays[0]
    monkeypatch.setattr(ShardPass, "__init__", None)
    assert made.train_step(*batch(5)) == expected
    assert replays[0] == before + 1


@pytest.mark.parametrize("weights", [None, np.arange(12) % 3 + 0.5])
@pytest.mark.parametrize("targets", [np.int64, np.uint8, np.float32, "rows"])
def test_any_targets_and_weights_have_the_same_bits(targets, weights):
    made, plain = trainer(RecordingKernels()), trainer(PlainKernels())
    for step in range(6):
        x, y = batch(step)
        y = np.eye(3, dtype="f")[y] if targets == "rows" else y.astype(targets)
        assert made.train_step(x, y, weights) == plain.train_step(x, y, weights)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_a_squared_error_has_the_same_bits(replays, monkeypatch, units, dtype):
    layers = [*LAYERS[:-1], {"type": "dense", "name": "e", "units": units}]
    made, plain = (trainer(k(), layers, loss="mse") for k in (RecordingKernels, PlainKernels))
    for step in range(6):
        x, y = batch(step)[0], (9 * batch(step)[0][:, 0, 0, :units]).astype(dtype)
        if step == 5 and units == 1 and dtype is not np.int64:  # replayed with the chain
            monkeypatch.setattr(ShardPass, "run_last_stage", None)
        replayed = made.train_step(x, y)
        monkeypatch.undo() if step == 5 else None
        assert replayed == plain.train_step(x, y)


def test_a_bad_label_in_a_replayed_step_is_an_error(replays):
    """A kernel that is called again does not look at its arguments: it would write elsewhere."""
    made = trainer(RecordingKernels())
    loss = made.network.losses[0].name
    for step in range(6):
        made.train_step(*batch(step))
    x, y = batch(6)
    y[4] = 3
    with pytest.raises(DataError, match="not an integer label from 0 to 2"):
        made.train_step(x, y)
    with pytest.raises(PluginError, match="forward raised IndexError"):
        made._engine.train(x, {loss: y}, None, RandomKey())


def test_evaluation_has_the_same_bits(replays):
    made, plain = trainer(RecordingKernels()), trainer(PlainKernels())
    (loss,) = made.network.losses
    for step in range(8):
        x, y = batch(step)
        replayed, expected = (t._engine.evaluate(x, {loss.name: y}) for t in (made, plain))
        assert replayed.loss == expected.loss
        np.testing.assert_array_equal(
            replayed.predictions["output"], expected.predictions["output"]
        )
    assert replays[0]


def test_prediction_has_the_same_bits(replays):
    made, plain = trainer(RecordingKernels()), trainer(PlainKernels())
    for step, size in enumerate(SIZES):
        x, _ = batch(step, size)
        replayed, expected = (t.network.predict(x) for t in (made, plain))
        assert replayed.tobytes() == expected.tobytes()
    assert replays[0]


def test_batches_of_many_sizes_keep_memory_for_a_few():
    """The memory of a process that gets batches of any size would grow with each of them."""
    made, plain, counts = trainer(RecordingKernels()), trainer(PlainKernels()), []
    for size in range(1, 3 * MOST_KEPT):
        for step in range(4):
            x, y = batch(step, size)
            assert made.train_step(x, y) == plain.train_step(x, y)
        counts.append([_kept_arrays(each._engine._workspaces) for each in (made, plain)])
    assert np.all(counts[-1] <= np.max(counts[: 2 * MOST_KEPT], axis=0))


def _kept_arrays(workspaces):
    replays = [replay for workspace in workspaces for replay in workspace.kept.values()]
    return sum([len(each.arrays) for each in (*workspaces, *replays)])


def test_a_second_pass_before_the_backward_of_the_first_changes_nothing():
    """Two passes that share a workspace must not share the recorded arrays."""
    made, workspace, key = trainer(RecordingKernels()), Workspace(), RandomKey()
    program = made.network.program

    def forward(step):
        x = {"input": batch(step)[0]}
        pass_ = ShardPass(program, x, training=True, key=key, workspace=workspace)
        pass_.forward()
        return pass_

    dy = {"output": np.ones((12, 3), "f")}
    for step in range(6):
        workspace.reset()
        forward(step).backward(dy)
    workspace.reset()
    first, second = forward(6), forward(7)
    workspace_of_its_own = ShardPass(
        program, {"input": batch(6)[0]}, training=True, key=key, workspace=Workspace()
    )
    workspace_of_its_own.forward()
    second.backward(dy)
    gradients, expected = first.backward(dy), workspace_of_its_own.backward(dy)
    for name, gradient in expected.items():
        np.testing.assert_array_equal(gradients[name], gradient)


class AddsOne:
    """A layer that computes in NumPy, although it promises to call kernels alone."""

    Config = LayerConfig
    per_sample = replayable = True

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {}

    def forward(self, ctx, x):
        return x + 1, None

    def backward(self, ctx, cache, dy):
        return (dy,), {}


def test_a_layer_that_breaks_its_promise_is_not_replayed(register, replays):
    """Otherwise it would return what it computed in the recorded step, in every later one."""
    register("layers", "adds_one", AddsOne)
    layers = [LAYERS[0], {"type": "adds_one"}, *LAYERS[2:]]
    assert trained(RecordingKernels(), layers) == trained(PlainKernels(), layers)
    before = replays[0]
    assert trained(RecordingKernels(), layers)
    assert replays[0] - before < len(SIZES)


class OldKernels(RecordingKernels):
    """Kernels one of which is computed by NumPy, as one that is newer than they are would be."""

    recording = RecordedCalls
    scale = staticmethod(elementwise.scale)


def test_a_kernel_that_is_not_recorded_is_found_with_equal_samples():
    """Else an array that it computed once would be used in all steps."""
    layers = [layer for layer in LAYERS if layer["type"] != "dropout"]
    made, plain = trainer(OldKernels(), layers), trainer(PlainKernels(), layers)
    for each in (made, plain):
        each.rate_at = lambda *_: 0.0
        for _ in range(4):
            each.train_step(*batch(0))
        del each.rate_at
    for step in range(3):
        assert made.train_step(*batch(step)) == plain.train_step(*batch(step))


class Clips(Dense):
    """A layer whose class calls kernels alone, with a step of its own that mostly does nothing."""

    def forward(self, ctx, x):
        y, cache = super().forward(ctx, x)
        np.minimum(y, 1e3, out=y)
        return y, cache


def test_a_subclass_with_methods_of_its_own_promises_nothing(register):
    """A comparison of one pass would not find what it does in rare cases."""
    register("layers", "clips", Clips)
    layers = [*LAYERS[:5], {"type": "clips", "units": 5}, *LAYERS[6:]]
    results = []
    for kernels in (RecordingKernels(), PlainKernels()):
        made = trainer(kernels, layers)
        scales = [np.float32(s) for s in (1, 1, 1, 1, 1, 1e5, 1)]
        results.append(
            [made.train_step(batch(i)[0] * s, batch(i)[1]) for i, s in enumerate(scales)]
        )
    assert results[0] == results[1]


class Slotted:
    """A layer whose objects have no dictionary of attributes."""

    __slots__ = ()
    replayable = True


def test_a_class_with_slots_can_promise_to_be_replayed():
    assert is_replayable(Slotted())


class Fails(AddsOne):
    """A layer that raises an exception in some of its passes."""

    replayable = True
    passes = 0

    def forward(self, ctx, x):
        Fails.passes += 1
        if Fails.passes == 3:
            raise KeyboardInterrupt
        return x, None


def test_an_interrupt_of_the_recorded_pass_leaves_nothing_behind(register):
    register("layers", "fails", Fails)
    layers = [LAYERS[0], {"type": "fails"}, *LAYERS[2:]]
    made, losses = trainer(RecordingKernels(), layers, threads=1), []
    Fails.passes = 0
    for step in (0, 1, 2, 2, 3, 4, 5):
        try:
            losses.append(made.train_step(*batch(step)))
        except KeyboardInterrupt:
            assert step == 2
    plain = trainer(PlainKernels(), [*layers[:1], *layers[2:]])
    assert losses == [plain.train_step(*batch(step)) for step in range(6)]


def test_replayed_predictions_use_the_current_parameters(replays):
    made, plain = trainer(RecordingKernels()), trainer(PlainKernels())
    for step in range(8):
        x, labels = batch(step)
        for threads in (1, 2):
            expected = plain.network.predict(x, threads=threads)
            replayed = made.network.predict(x, threads=threads)
            np.testing.assert_array_equal(replayed, expected)
        for each in (made, plain):
            each.train_step(x, labels)
            each.network.params["d/weight"][0] *= 2
    assert replays[0]


def test_replayed_predictions_need_no_numeric_context(replays, monkeypatch):
    """Entering one takes as long as the kernels of a small network."""
    network = Network({"input_shape": [8, 8, 2], "layers": LAYERS}, kernels=RecordingKernels())
    (x, _), (other, _) = batch(0), batch(1)
    for _ in range(5):
        first = network.predict(x)
    kept = first.copy()
    monkeypatch.setattr(inference, "in_numeric_context", None)
    second = network.predict(other)
    np.testing.assert_array_equal(first, kept)
    monkeypatch.undo()
    plain = Network({"input_shape": [8, 8, 2], "layers": LAYERS}, kernels=PlainKernels())
    np.testing.assert_array_equal(second, plain.predict(other))


def test_batch_norm_is_replayed_in_predictions(replays):
    """In training it exchanges moments between shards, in predictions it only calls a kernel."""
    made, plain = trainer(RecordingKernels(), NORMED), trainer(PlainKernels(), NORMED)
    for step in range(8):
        x, labels = batch(step)
        predicted, expected = (each.network.predict(x) for each in (made, plain))
        np.testing.assert_array_equal(predicted, expected)
        assert [each.train_step(x, labels) for each in (made, plain)]
    names = [step.name for step in made.network._inference._separate._steps]
    assert names == ["b", "tanh_1", "dense_1"]
    assert replays[0]
