"""Recording changes no bit of the training, and leaves nothing behind."""

import itertools

import pytest

from tests.trace_checks import assert_valid
from tinynet.events import StepDone
from tinynet.profiling.places import (
    BETWEEN_LAYERS,
    COMMIT,
    GRADIENT_SUM,
    METRICS,
    PARAMETRIZATIONS,
    REGULARIZERS,
    SAMPLES,
    STATISTICS,
    UPDATE,
)
from tinynet.profiling.profiler import REPLAY_WARM_UP, WARM_UP, Profiler
from tinynet.profiling.summary import profile_of
from tinynet.profiling.trace import trace
from tinynet.testing.recording_kernels import PlainKernels, RecordingKernels
from tinynet.training.trainer import Trainer

SPEC = {
    "tinynet": 1,
    "name": "recorded",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 4, "kernel_size": 3},
            "batch_norm",
            "relu",
            {"type": "dropout", "rate": 0.2},
            "flatten",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 5,
        "batch_size": 20,
        "shards": 4,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "metrics": ["accuracy"],
        "average": {"type": "ema", "decay": 0.9},
        "lookahead": {},
        "log_statistics_every_steps": 1,
    },
}


def trained(count, threads=1, steps=None, kernels=None):
    """Return a trained trainer and its profiler, which records `count` steps; None for none."""
    trainer = Trainer(SPEC, threads=threads, kernels=kernels or PlainKernels())
    profiler = None if count is None else Profiler(trainer, count)

    def train():
        events = trainer.run()
        done = (event for event in events if isinstance(event, StepDone))
        for _ in itertools.islice(done, steps):
            pass
        events.close()

    if profiler is None:
        train()
    else:
        with profiler.active():
            train()
        profiler.complete()
    return trainer, profiler


def bits(trainer):
    return {name: array.tobytes() for name, array in trainer.state().items()}


@pytest.fixture(scope="module", params=[1, 2], ids=["one thread", "two threads"])
def recorded(request):
    return trained(6, threads=request.param)


def test_a_recorded_run_computes_the_same_bits(recorded):
    plain, _ = trained(None)
    assert bits(recorded[0]) == bits(plain)


def test_each_part_of_a_step_has_a_row_and_the_rows_add_up(recorded):
    """A part that was renamed would silently become part of another row."""
    profile = profile_of(recorded[1])
    rows = {row.name: row for row in profile.rows}
    assert sum(row.total for row in profile.rows) == pytest.approx(profile.typical.mean)
    nodes = {"conv2d_1", "batch_norm_1, relu_1", "dropout_1", "flatten_1", "dense_1"}
    sections = {
        BETWEEN_LAYERS, GRADIENT_SUM, REGULARIZERS, UPDATE, COMMIT, METRICS, SAMPLES, STATISTICS,
        PARAMETRIZATIONS,
    }  # fmt: skip
    assert nodes | sections | {"loss"} <= rows.keys()
    for name in nodes - {"flatten_1"}:
        assert rows[name].forward > 0
        assert rows[name].backward > 0
        assert 0 < rows[name].kernels <= rows[name].total
    assert 0 < rows[UPDATE].kernels < rows[UPDATE].total
    assert rows["conv2d_1"].output == (6, 6, 4)
    assert rows["batch_norm_1, relu_1"].type == "batch_norm+relu"


def test_memory_counts_the_outputs_of_all_shards(recorded):
    trainer, profiler = recorded
    profile = profile_of(profiler)
    rows = {row.name: row for row in profile.rows}
    itemsize = trainer.network.dtype.itemsize
    assert rows["conv2d_1"].bytes >= 20 * 6 * 6 * 4 * itemsize
    assert rows["flatten_1"].bytes == 0
    assert profile.memory.parameters >= sum(a.nbytes for a in trainer.network.params.values())
    assert profile.memory.optimizer >= 2 * profile.memory.parameters - 1000
    assert profile.memory.peak > 10**7
    assert profile.memory.workspaces > 0


def test_as_many_steps_are_recorded_as_were_asked_for(recorded):
    own = recorded[1].recordings[0]
    assert (len(own.steps), len(own.plain)) == (6, 6)
    numbers = sorted(step.number for step in (*own.steps, *own.plain))
    assert numbers == list(range(WARM_UP + 1, WARM_UP + 13))


def test_nothing_stays_replaced_after_the_recording(recorded):
    trainer, _ = recorded
    engine = trainer._engine
    for owner in (trainer, engine, trainer._update, trainer._loader, engine._pool):
        assert not {"run", "load", "gather", "compute", "complete", "apply"} & vars(owner).keys()
    assert engine._program is trainer.network.program


def test_a_recording_that_is_cut_short_has_the_steps_until_then():
    _, profiler = trained(10, steps=WARM_UP + 5)
    profile = profile_of(profiler)
    assert 1 <= profile.recorded.count <= 4
    assert profile.first == WARM_UP + 1


def test_a_run_of_the_first_steps_alone_has_no_profile():
    _, profiler = trained(10, steps=WARM_UP)
    assert profile_of(profiler) is None


def test_each_event_of_a_trace_lies_in_the_one_around_it(recorded):
    """Perfetto and Chrome draw events of a thread that overlap wrongly, or not at all."""
    trainer, profiler = recorded
    written = trace("recorded", profiler.recordings)
    assert_valid(written)
    events = [event for event in written["traceEvents"] if event["ph"] == "X"]
    assert len({event["tid"] for event in events}) >= trainer._engine.threads
    steps = [event for event in events if event["cat"] == "step"]
    assert len(steps) == 12
    layer = next(event for event in events if event["name"] == "conv2d_1 forward")
    assert layer["args"] == {"type": "tinynet-core:conv2d", "shape": [5, 8, 8, 1]}


@pytest.fixture(scope="module")
def replayed():
    return trained(6, kernels=RecordingKernels())


def test_a_recorded_run_with_replayed_layers_computes_the_same_bits(replayed):
    plain, _ = trained(None, kernels=RecordingKernels())
    assert bits(replayed[0]) == bits(plain)


def test_a_chain_has_the_time_of_its_replay(replayed):
    """A step that is recorded without its replays is not the step whose time is asked for."""
    profile = profile_of(replayed[1])
    rows = {row.name: row for row in profile.rows}
    chain = rows["dropout_1 ... dense_1"]
    assert chain.kind == "chain"
    assert 0 < chain.kernels < chain.total
    assert chain.bytes == sum(row.bytes for row in profile.rows if row.kind == "layer")
    layers = [row.name for row in profile.rows if row.kind == "layer"]
    assert layers == ["dropout_1", "flatten_1", "dense_1"]
    assert rows["dense_1"].forward > 0
    counted = sum(row.total for row in profile.rows if row.kind != "layer")
    assert counted == pytest.approx(profile.typical.mean)
    assert (profile.recorded.count, profile.plain.count, profile.layers.count) == (6, 6, 3)
    assert profile.first == WARM_UP + REPLAY_WARM_UP + 1


def test_the_trace_names_replays_and_the_steps_without_them(replayed):
    written = trace("replayed", replayed[1].recordings)
    assert_valid(written)
    names = [event["name"] for event in written["traceEvents"]]
    assert "replay" in names
    assert sum("(layers called one by one)" in name for name in names) == 3
