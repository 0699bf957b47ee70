"""Sample weights of a dataset, in training and in evaluation."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.commands.check import check_spec
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import PluginError, SpecError
from tinynet.loss import LossConfig
from tinynet.training.events import Evaluated

SAMPLES = 12
DRAW = np.random.default_rng(7)
X = DRAW.normal(size=(SAMPLES, 3))
LABELS = np.arange(SAMPLES) % 2


class Weighed:
    """Twelve samples with weights."""

    weights: list[float]

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        self.inputs = {"input": Field((3,), "float64")}
        self.targets = {"target": Field((), "int64", ("a", "b"))}
        self.fingerprint = "weighed"

    def __len__(self):
        return SAMPLES

    def gather(self, indices):
        weights = None if self.weights is None else np.asarray(self.weights)[indices]
        return Batch({"input": X[indices]}, {"target": LABELS[indices]}, weights)


def spec(**training):
    return {
        "tinynet": 1,
        "name": "weighed",
        "data": {"type": "weighed", "split": {"validation": 4, "test": 4}},
        "network": {"dtype": "float64", "layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 1,
            "batch_size": 3,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 1e-12},
            "metrics": ["accuracy"],
            **training,
        },
    }


@pytest.fixture
def weigh(register, monkeypatch):
    """Give the samples of the dataset weights."""
    register("datasets", "weighed", Weighed)
    return lambda weights: monkeypatch.setattr(Weighed, "weights", weights, raising=False)


def each(trainer, split):
    """Return loss, hit and position in the dataset of each sample of a split."""
    indices = trainer.data.splits[split].indices
    network = trainer.network
    probabilities = network.predict(X[indices])
    own = probabilities[np.arange(len(indices)), LABELS[indices]]
    return -np.log(own), probabilities.argmax(axis=1) == LABELS[indices], indices


WEIGHTS = np.array([0, 0.5, 2, 1, 0, 3, 1, 0, 0.25, 0, 4, 0])


def test_losses_are_weighted_and_divided_by_the_number_of_samples(weigh, tmp_path):
    weigh(WEIGHTS)
    trainer = tinynet.Trainer(spec())
    (done,) = [event for event in trainer.run() if isinstance(event, Evaluated)]
    run = tinynet.train(spec(), tmp_path / "run")
    by_split = {
        "train": done.figures["train/loss"],
        "val": done.figures["val/loss"],
        "test": run.evaluate("test")["loss"],
    }
    for split, loss in by_split.items():
        losses, _, indices = each(trainer, split)
        assert loss == pytest.approx((losses * WEIGHTS[indices]).sum() / len(indices)), split
        assert loss != pytest.approx(losses.mean())


@pytest.mark.parametrize("split", ["train", "val"])
def test_metrics_ignore_samples_of_weight_0(weigh, split):
    weigh(WEIGHTS)
    trainer = tinynet.Trainer(spec())
    (done,) = [event for event in trainer.run() if isinstance(event, Evaluated)]
    _, hits, indices = each(trainer, split)
    counted = hits[WEIGHTS[indices] > 0]
    assert 0 < len(counted) < len(hits)
    assert done.figures[f"{split}/accuracy"] == pytest.approx(counted.mean())


def test_weights_of_train_step_may_be_a_list(weigh):
    weigh(None)
    trainer, twin = tinynet.Trainer(spec()), tinynet.Trainer(spec())
    weights = [1, 0.5, 0, 2]
    loss = trainer.train_step(X[:4], LABELS[:4], weights)
    assert loss == twin.train_step(X[:4], LABELS[:4], np.array(weights))


def test_metrics_ignore_a_batch_of_weight_0(weigh):
    weigh(None)
    rows = tinynet.Trainer(spec()).data.splits["val"].indices
    weights = np.ones(SAMPLES)
    weights[rows[:2]] = 0
    weigh(weights)
    trainer = tinynet.Trainer(spec(batch_size=2))
    (done,) = [event for event in trainer.run() if isinstance(event, Evaluated)]
    _, hits, _ = each(trainer, "val")
    assert done.figures["val/accuracy"] == hits[2:].mean()


def test_the_best_checkpoint_does_not_depend_on_samples_of_weight_0(weigh, tmp_path, monkeypatch):
    """Otherwise excluded noise would decide which network is kept."""
    training = {
        "epochs": 6,
        "optimizer": {"type": "sgd", "learning_rate": 0.5},
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
        "early_stopping": {"patience": 2},
    }
    weigh(None)
    indices = tinynet.Trainer(spec()).data.splits["val"].indices
    weights = np.ones(SAMPLES)
    weights[indices[:2]] = 0
    weigh(weights)
    clean = tinynet.train(spec(**training), tmp_path / "clean")
    noise = X.copy()
    noise[indices[:2]] *= -100
    monkeypatch.setitem(globals(), "X", noise)
    noisy = tinynet.train(spec(**training), tmp_path / "noisy")
    assert noisy.step == clean.step
    assert noisy.best.name == clean.best.name
    assert noisy.figures["val/loss"] == clean.figures["val/loss"]


@pytest.mark.parametrize(
    "weights",
    [np.ones((SAMPLES, 1)), [1.0] * 11 + [np.nan], ["1"] * SAMPLES, np.ones(SAMPLES, "M8[s]")],
)
def test_invalid_weights_are_an_error_before_training(weigh, weights):
    weigh(weights)
    with pytest.raises(PluginError, match=r"weighed .*: gather must return finite weights"):
        tinynet.Trainer(spec()).check()


class Unweighted:
    """Half the sum of squares of the outputs."""

    class Config(LossConfig):
        pass

    def __init__(self, config):
        pass

    def forward(self, ctx, outputs, targets):
        return float((outputs * outputs).sum() / 2), outputs

    def backward(self, ctx, cache):
        return cache.copy()

    def predict(self, outputs):
        return outputs


CANNOT = (
    "test-plugin:unweighted (version 1.0): its forward has no parameter 'weights', so this loss"
)
NO_CLASS_WEIGHTS = (
    f"/training/class_weights: {CANNOT} cannot use class_weights; remove them with --set"
    " training.class_weights=null, or use a loss that takes weights"
)
NO_SAMPLE_WEIGHTS = (
    f"/training/loss: {CANNOT} cannot use the weights of the samples; use a loss that takes"
    " weights, or samples without weights"
)


@pytest.fixture
def unweighted(register):
    """Return a spec with a loss without sample weights."""
    register("losses", "unweighted", Unweighted)
    return lambda **training: spec(loss="unweighted", metrics=[], **training)


def problems_of(call, *arguments):
    with pytest.raises(SpecError) as caught:
        call(*arguments)
    return [str(problem) for problem in caught.value.problems]


def test_loss_without_weights_trains_samples_without_weights(weigh, unweighted, tmp_path):
    weigh(None)
    assert tinynet.train(unweighted(), tmp_path / "run").finished


def test_loss_without_weights_is_refused_before_training(weigh, unweighted, tmp_path):
    weigh(WEIGHTS)
    assert problems_of(tinynet.Trainer(unweighted()).check) == [NO_SAMPLE_WEIGHTS]
    assert problems_of(tinynet.train, unweighted(), tmp_path / "run") == [NO_SAMPLE_WEIGHTS]
    assert not (tmp_path / "run").exists()


def test_both_kinds_of_weights_are_refused_at_once(weigh, unweighted):
    weigh(WEIGHTS)
    trainer = tinynet.Trainer(unweighted(class_weights="balanced"))
    assert problems_of(trainer.check) == [NO_CLASS_WEIGHTS, NO_SAMPLE_WEIGHTS]


def test_class_weights_are_refused_and_the_remedy_works(weigh, unweighted, tmp_path):
    weigh(None)
    declared = unweighted(class_weights={"a": 2.0})
    assert problems_of(tinynet.train, declared, tmp_path / "run") == [NO_CLASS_WEIGHTS]
    assert tinynet.train(
        declared, tmp_path / "run", overrides={"training.class_weights": None}
    ).finished


@pytest.mark.parametrize("read_data", [True, False])
def test_check_refuses_class_weights(weigh, unweighted, tmp_path, read_data):
    weigh(None)
    path = tmp_path / "spec.json"
    declared = unweighted(class_weights={"a": 2.0})
    declared["network"]["input_shape"] = [3]
    text = json.dumps(declared, indent=1)
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        check_spec(path, read_data=read_data)
    (problem,) = caught.value.problems
    line = text.partition('"class_weights"')[0].count("\n") + 1
    assert (problem.pointer, problem.line) == ("/training/class_weights", line)
    assert f"{problem.pointer}: {problem.message}" == NO_CLASS_WEIGHTS


def test_weights_of_train_step_are_refused(weigh, unweighted):
    weigh(None)
    trainer = tinynet.Trainer(unweighted())
    before = {name: array.copy() for name, array in trainer.state().items()}
    arguments = X[:4], LABELS[:4], np.ones(4)
    assert problems_of(trainer.train_step, *arguments) == [NO_SAMPLE_WEIGHTS]
    for name, array in trainer.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_evaluation_refuses_weights_that_are_new(weigh, unweighted, tmp_path):
    """The samples of a dataset may have got weights since the training."""
    weigh(None)
    run = tinynet.train(unweighted(), tmp_path / "run")
    weigh(WEIGHTS)
    assert problems_of(run.evaluate, "test") == [NO_SAMPLE_WEIGHTS]
