"""Trainers that train one run together, each in a process of its own: here, in a thread."""

import numpy as np
import pytest

from tests import fleet_runs
from tests.engine.test_shard_pass import Tally
from tests.fleet_runs import CLASSES, DROPOUT, OUT, SAMPLES, ScaledCenter, cut_small_batches
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import DivergedError
from tinynet.testing.fleets import in_threads
from tinynet.training.events import Evaluated, StepDone, Stopping
from tinynet.training.exchange import Requests
from tinynet.training.trainer import Trainer

IMAGES = [6, 6, 2]
SIZES = (2, 8)
"""Of eight processes, two and more have no shard."""

CONV = {**fleet_runs.CONV, "name": "c"}


class SeesShards(Tally):
    """A layer whose running statistic depends on the order of the shards."""

    def commit(self, cache):
        self.buffers["commits"][...] = 0.9 * self.buffers["commits"] + cache.mean()


JOBS = {
    "convolution, dropout": ([CONV, "relu", DROPOUT, *OUT], {}),
    "batch norm": ([CONV, "batch_norm", "relu", *OUT], {}),
    "a layer that runs on the whole batch": ([{"type": "scaled_center", "name": "s"}, *OUT], {}),
    "shared between such a layer and others": (
        [CONV, {"type": "scaled_center", "name": "s"}, {"shares": "s"}, "relu", *OUT],
        {"shards": 3},
    ),
    "statistics of each shard": (["sees_shards", CONV, "relu", *OUT], {"accumulate": 2}),
    "accumulated batches": ([CONV, "batch_norm", *OUT], {"accumulate": 3, "batch_size": 8}),
    "class weights, average": (
        [CONV, "batch_norm", *OUT],
        {"class_weights": "balanced", "average": {"type": "ema", "decay": 0.9}},
    ),
    "a rate that falls on plateaus": (
        [CONV, "relu", *OUT],
        {
            "optimizer": {"type": "sgd", "learning_rate": 3.0},
            "schedule": {"type": "reduce_on_plateau", "metric": "val/loss", "patience": 1},
        },
    ),
    "metrics of sums and of counts": (
        [CONV, "relu", *OUT],
        {"metrics": ["accuracy", "log_loss", "calibration_error"]},
    ),
}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch, register):
    cut_small_batches(monkeypatch)
    register("layers", "scaled_center", ScaledCenter)
    register("layers", "sees_shards", SeesShards)


def job(layers, **changes):
    return {
        "tinynet": 1,
        "name": "together",
        "data": {},
        "network": {"layers": layers},
        "training": {
            "epochs": 3,
            "batch_size": 24,
            "seed": 5,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
            "metrics": ["accuracy", "log_loss"],
            **changes,
        },
    }


def draw(samples, seed):
    rng = np.random.default_rng(seed)
    return rng.random((samples, *IMAGES), np.float32), rng.integers(CLASSES, size=samples)


def train(spec, group=None, threads=1):
    """Return the events of a run, and its state."""
    trainer = Trainer(
        spec, data=draw(SAMPLES, 0), validation=draw(50, 1), threads=threads, group=group
    )
    events = [
        (event.step, event.loss) if isinstance(event, StepDone) else dict(event.figures)
        for event in trainer.run()
        if isinstance(event, StepDone | Evaluated)
    ]
    return events, {name: array.tobytes() for name, array in trainer.state().items()}


@pytest.mark.parametrize(("layers", "changes"), JOBS.values(), ids=JOBS.keys())
def test_any_number_of_processes_gives_the_same_bits(layers, changes):
    """Otherwise a run could not be resumed on another number of machines."""
    assert_alike(job(layers, **changes))


def assert_alike(spec, sizes=SIZES):
    alone = train(spec)
    for size in sizes:
        results = in_threads(size, lambda fleet: train(spec, ProcessGroup(fleet)))
        for rank, result in enumerate(results):
            assert result == alone, f"process {rank} of {size}"


def test_shards_of_the_spec_are_added_in_pairs():
    """The other order of addition that a spec can ask for; here in a number that is odd, too."""
    layers = [CONV, "batch_norm", DROPOUT, "relu", *OUT]
    asked = job(layers, shards=7)
    assert_alike(asked, (2, 3, 5))
    assert train(asked, threads=3) == train(asked)
    assert train(asked)[1] != train(job(layers))[1]


def test_samples_are_mixed_with_those_of_other_processes():
    """A transform that mixes samples gets the whole batch in every process."""
    mixed = job([CONV, "relu", *OUT], metrics=[], loss="mse")
    mixed["data"] = {"transforms": [{"type": "one_hot", "on": "target"}, {"type": "mixup"}]}
    assert_alike(mixed)


def test_loss_that_looks_across_the_batch_gets_all_of_it(monkeypatch):
    """A loss without the promise per_sample, with weights, and metrics of its own rows."""
    monkeypatch.setattr("tinynet.builtin.losses.regression.MSE.per_sample", False, raising=False)
    regression = job([CONV, "relu", "flatten", {"type": "dense", "units": 1}])
    regression["training"] |= {"loss": "mse", "metrics": ["mae"]}
    rng = np.random.default_rng(3)
    data = rng.random((SAMPLES, *IMAGES)), rng.random((SAMPLES, 1)), rng.random(SAMPLES)

    def losses(group=None):
        trainer = Trainer(regression, data=data, threads=1, group=group)
        assert trainer.network.program.losses_need_batch
        return [event.loss for event in trainer.run() if isinstance(event, StepDone)]

    alone = losses()
    assert in_threads(3, lambda fleet: losses(ProcessGroup(fleet))) == [alone] * 3


def test_means_over_positions_divide_by_the_positions_of_all_processes():
    """Padded sequences: each process has another number of positions that count."""
    sequences = {
        "tinynet": 1,
        "name": "positions",
        "data": {},
        "network": {
            "input_shape": [5],
            "layers": [{"type": "embedding", "input_dim": 9, "output_dim": 4}, dense(CLASSES)],
        },
        "training": {
            "epochs": 2,
            "batch_size": 24,
            "accumulate": 2,
            "loss": {"type": "softmax_cross_entropy", "ignore_label": 0},
            "optimizer": "adam",
            "metrics": [{"type": "accuracy", "ignore_label": 0}, "perplexity"],
        },
    }
    rng = np.random.default_rng(4)
    data = rng.integers(9, size=(SAMPLES, 5)), rng.integers(CLASSES, size=(SAMPLES, 5))
    weights = rng.random((SAMPLES, 5))

    def run(group=None):
        trainer = Trainer(sequences, data=(*data, weights), threads=1, group=group)
        list(trainer.run())
        return {name: array.tobytes() for name, array in trainer.state().items()}

    alone = run()
    assert in_threads(4, lambda fleet: run(ProcessGroup(fleet))) == [alone] * 4


def dense(units):
    return {"type": "dense", "units": units}


@pytest.mark.parametrize("asks", [Requests(signal=15), Requests(stop=True)])
@pytest.mark.parametrize("at", [4, "evaluation"])
def test_request_of_one_process_stops_all_at_its_state(asks, at):
    """The step that learns of it changes nothing: the checkpoint is the one of that moment."""
    spec = job([CONV, "batch_norm", *OUT], epochs=5)

    def run(fleet):
        trainer = Trainer(
            spec,
            data=draw(SAMPLES, 0),
            validation=draw(50, 1),
            threads=1,
            group=ProcessGroup(fleet),
        )
        for event in trainer.run():
            is_due = event.step == at if isinstance(event, StepDone) else at == "evaluation"
            if is_due and fleet.rank == fleet.size - 1 and not isinstance(event, Stopping):
                trainer.request(asks)
        state = {name: array.tobytes() for name, array in trainer.state().items()}
        return event, trainer.step, state

    event, step, state = in_threads(3, run)[0]
    assert event == Stopping(asks)
    assert step == (4 if at == 4 else 3)
    assert all(result == (event, step, state) for result in in_threads(3, run))
    alone = Trainer(spec, data=draw(SAMPLES, 0), validation=draw(50, 1), threads=1)
    kind = StepDone if at == 4 else Evaluated
    next(done for done in alone.run() if isinstance(done, kind) and done.step == step)
    assert {name: array.tobytes() for name, array in alone.state().items()} == state


def test_request_to_save_is_known_to_all_after_the_step():
    spec = job([CONV, *OUT], epochs=2)

    def run(fleet):
        trainer = Trainer(spec, data=draw(SAMPLES, 0), threads=1, group=ProcessGroup(fleet))
        saves = []
        for event in trainer.run():
            if isinstance(event, StepDone):
                saves += [event.step] if trainer.agreed.save else []
                if event.step == 2 and fleet.rank == 0:
                    trainer.request(Requests(save=True))
        return saves

    assert in_threads(2, run) == [[3], [3]]


def test_divergence_has_the_reason_that_one_process_gives():
    """Process 0 looks at the whole batch; the others know that the loss is not finite."""
    spec = job([CONV, *OUT], epochs=1)
    x, y = draw(SAMPLES, 0)

    def run(group=None):
        trainer = Trainer(spec, data=(x, y), threads=1, group=group)
        trainer.network.params["c/weight"][...] = np.inf
        with pytest.raises(DivergedError) as caught:
            list(trainer.run())
        return str(caught.value)

    alone = run()
    assert "'c'" in alone
    first, *others = in_threads(3, lambda fleet: run(ProcessGroup(fleet)))
    assert first == alone
    assert set(others) == {"the loss is not finite at step 1"}


def test_step_by_hand_takes_the_whole_batch_in_every_process():
    spec = job([CONV, "batch_norm", *OUT])
    x, y = draw(24, 6)

    def step(group=None):
        trainer = Trainer(spec, data=draw(SAMPLES, 0), threads=1, group=group)
        return trainer.train_step(x, y), trainer.state()["params/c/weight"].tobytes()

    assert in_threads(3, lambda fleet: step(ProcessGroup(fleet))) == [step()] * 3
