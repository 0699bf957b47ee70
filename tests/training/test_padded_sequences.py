"""Training on padded sequences: the mean over tokens depends on neither threads nor batches."""

import numpy as np
import pytest

import tinynet
from tinynet.engine import sharding
from tinynet.errors import ShapeError, SpecError
from tinynet.spec.reading import load_spec

SAMPLES, STEPS, CLASSES, PAD = 80, 7, 4, -100
CROSS = {"type": "softmax_cross_entropy"}

RNG = np.random.default_rng(3)
LENGTHS = RNG.integers(1, STEPS + 1, SAMPLES)
IS_TOKEN = np.arange(STEPS) < LENGTHS[:, None]
TOKENS = np.where(IS_TOKEN, RNG.integers(1, 9, (SAMPLES, STEPS)), 0)
LABELS = np.where(IS_TOKEN, TOKENS % CLASSES, PAD)
WEIGHTS = RNG.uniform(0.5, 2.0, (SAMPLES, STEPS)) * (RNG.random((SAMPLES, STEPS)) < 0.8)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 10)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 4)


@pytest.fixture
def run(tmp_path):
    """Train, and return the trainer with the figures of its last epoch."""

    def run(threads=1, labels=LABELS, loss=(("ignore_label", PAD),), **training):
        np.savez(tmp_path / "data.npz", x=TOKENS, y=labels, w=WEIGHTS)
        spec = {
            "tinynet": 1,
            "name": "tokens",
            "data": {
                "type": "npz",
                "path": "data.npz",
                "weights": "w",
                "target_type": "number",
                "split": {"validation": 16, "test": 0},
            },
            "network": {
                "dtype": "float64",
                "layers": [
                    {"type": "embedding", "input_dim": 9, "output_dim": 5},
                    {"type": "dense", "units": 6},
                    "tanh",
                    {"type": "dense", "units": CLASSES},
                ],
            },
            "training": {
                "epochs": 3,
                "batch_size": 32,
                "loss": {"type": "softmax_cross_entropy", **dict(loss)},
                "optimizer": {"type": "sgd", "learning_rate": 0.5},
                **training,
            },
        }
        trainer = tinynet.Trainer(spec, root=tmp_path, threads=threads)
        trainer.check()
        figures = [event.figures for event in trainer.run() if hasattr(event, "figures")]
        return trainer, figures[-1]

    return run


def losses_by_hand(trainer, split):
    """Return the loss of each token that counts in a split, times its weight."""
    rows = trainer.data.splits[split].indices
    labels, weights = LABELS[rows], WEIGHTS[rows]
    probabilities = trainer.network.predict(TOKENS[rows])
    counts = (labels != PAD) & (weights != 0)
    chosen = np.take_along_axis(probabilities, np.where(counts, labels, 0)[..., None], axis=-1)
    return -(weights * np.log(chosen[..., 0]))[counts]


def test_the_loss_is_the_mean_over_the_tokens_that_count(run):
    trainer, figures = run()
    losses = losses_by_hand(trainer, "val")
    assert 0 < len(losses) < 16 * STEPS
    assert figures["val/loss"] == pytest.approx(losses.mean(), rel=1e-12)


def test_any_number_of_threads_gives_the_same_bits(run):
    first, figures = run(threads=1)
    for threads in (2, 3, 4):
        other, again = run(threads=threads)
        assert again == figures
        for name, array in first.network.params.items():
            np.testing.assert_array_equal(array, other.network.params[name])


@pytest.mark.parametrize("changes", [{"batch_size": 8, "accumulate": 4}, {"batch_size": 64}])
def test_the_loss_does_not_depend_on_how_an_update_is_divided(run, changes):
    whole = run(batch_size=32) if "accumulate" in changes else run(batch_size=16, accumulate=4)
    parts = run(**changes)
    for name, figure in whole[1].items():
        assert parts[1][name] == pytest.approx(figure, rel=1e-12), name
    for name, array in whole[0].network.params.items():
        np.testing.assert_allclose(array, parts[0].network.params[name], rtol=1e-9, atol=1e-12)


def test_the_padding_is_never_seen(run):
    """Another label for padding, of a class or not, changes no bit."""
    first, figures = run()
    other, again = run(labels=np.where(IS_TOKEN, LABELS, 17), loss={"ignore_label": 17})
    assert again == figures
    for name, array in first.network.params.items():
        np.testing.assert_array_equal(array, other.network.params[name])


@pytest.fixture
def autoencoder(tmp_path):
    """Return a spec of a network with weights of steps, which one of its outputs lacks."""
    weights = WEIGHTS[:20].copy()
    weights[3] = 0
    np.savez(tmp_path / "data.npz", x=RNG.normal(size=(20, STEPS)), w=weights)
    return {
        "tinynet": 1,
        "name": "code",
        "data": {
            "type": "npz",
            "path": "data.npz",
            "targets": None,
            "weights": "w",
            "split": {"validation": 0, "test": 0},
        },
        "network": {
            "dtype": "float64",
            "layers": [
                {"type": "dense", "units": 2, "name": "code"},
                {"type": "dense", "units": STEPS, "name": "steps"},
            ],
            "outputs": ["code", "steps"],
        },
        "training": {
            "steps": 1,
            "loss": {
                "code": {"type": "activity_regularization", "l2": 1.0},
                "steps": {"type": "mse", "target": "input"},
            },
            "optimizer": "sgd",
        },
    }


def test_a_loss_without_the_positions_counts_each_sample_once(autoencoder, tmp_path):
    """A code of a sequence has no steps, but a sequence that counts nowhere has no code."""
    trainer = tinynet.Trainer(autoencoder, root=tmp_path)
    trainer.check()
    samples = trainer.data.batch("train", np.arange(20))
    codes = trainer.network.predict(samples.inputs)["code"]
    counts = samples.weights.any(axis=1)
    assert not counts.all()
    (_, done) = trainer.run()
    expected = np.square(codes[counts]).sum() / 20
    assert done.figures["train/code/loss"] == pytest.approx(expected, rel=1e-12)


def test_weights_of_positions_that_no_loss_has_are_refused(autoencoder, tmp_path):
    autoencoder["training"]["loss"].pop("steps")
    with pytest.raises(SpecError) as caught:
        tinynet.Trainer(autoencoder, root=tmp_path).check()
    (problem,) = caught.value.problems
    assert problem.pointer == "/data"
    assert problem.message == (
        "weights of shape (7,) for a sample fit no output with a loss, whose shape must begin with"
        " it (code: (2,)); give one weight for each sample, (samples,), or leave them out with"
        " --set data.weights=null"
    )
    overrides = {"data.weights": None}
    tinynet.Trainer(load_spec(autoencoder, overrides), root=tmp_path).check()


def test_weights_of_a_step_that_no_loss_has_are_refused(autoencoder, tmp_path):
    autoencoder["training"]["loss"].pop("steps")
    trainer = tinynet.Trainer(autoencoder, root=tmp_path)
    with pytest.raises(ShapeError, match=r"weights of shape \(7,\) for a sample fit no output"):
        trainer.train_step(RNG.normal(size=(4, STEPS)), weights=np.ones((4, STEPS)))


@pytest.mark.parametrize("steps", [STEPS, CLASSES])
def test_a_target_without_positions_beside_one_that_has_some(tmp_path, steps):
    """Also where the sequences are as long as there are classes of the other target."""
    rng = np.random.default_rng(1)
    weights = WEIGHTS[:40, :steps] * (np.arange(40) % 4 > 0)[:, None]
    kinds = rng.integers(0, CLASSES, 40)
    arrays = {"x": rng.normal(size=(40, steps)), "tags": LABELS[:40, :steps] % CLASSES}
    np.savez(tmp_path / "data.npz", **arrays, kind=kinds, w=weights)
    spec = {
        "tinynet": 1,
        "name": "kinds",
        "data": {
            "type": "npz",
            "path": "data.npz",
            "targets": {"tags": "tags", "kind": "kind"},
            "weights": "w",
            "split": {"validation": 0, "test": 0},
        },
        "network": {
            "layers": [
                {"type": "dense", "units": CLASSES, "name": "kind"},
                {"type": "dense", "units": steps * CLASSES, "inputs": "input"},
                {"type": "reshape", "target_shape": [steps, CLASSES], "name": "tags"},
            ],
            "outputs": ["kind", "tags"],
        },
        "training": {
            "steps": 1,
            "batch_size": 40,
            "loss": {"kind": CROSS, "tags": {**CROSS, "average_over": "positions"}},
            "optimizer": {"type": "sgd", "learning_rate": 1e-12},
            "metrics": [{"type": "accuracy", "output": output} for output in ("kind", "tags")],
        },
    }
    trainer = tinynet.Trainer(spec, root=tmp_path)
    trainer.check()
    samples = trainer.data.batch("train", np.arange(40))
    predicted = trainer.network.predict(samples.inputs)
    counts = samples.weights.any(axis=1)
    hits = {name: p.argmax(axis=-1) == samples.targets[name] for name, p in predicted.items()}
    chosen = np.take_along_axis(predicted["kind"], samples.targets["kind"][:, None], axis=1)
    (_, done) = trainer.run()
    expected = {
        "kind/loss": -np.log(chosen[counts]).sum() / 40,
        "kind/accuracy": hits["kind"][counts].mean(),
        "tags/accuracy": hits["tags"][samples.weights > 0].mean(),
    }
    for name, figure in expected.items():
        assert done.figures[f"train/{name}"] == pytest.approx(figure, rel=1e-5), name


def test_a_mean_over_samples_depends_on_the_lengths_of_sequences(run):
    _, by_token = run()
    _, by_sample = run(loss={"ignore_label": PAD, "average_over": "samples"})
    assert by_sample["val/loss"] != pytest.approx(by_token["val/loss"], rel=1e-3)
