"""Class weights in the training loss."""

import numpy as np
import pytest

from tinynet.errors import ShapeError, SpecError
from tinynet.training.class_weights import ClassWeights, class_weights

ROWS = [(1.0, 2.0, "x"), (2.0, 1.0, "y"), (0.5, 3.0, "y"), (0.1, 0.2, "y")] * 5
ALL = {"split": {"validation": 0, "test": 0}}
SMALL = [{"type": "dense", "units": 2}]


@pytest.fixture
def weighed(make_trainer, write_csv):
    """Return the loss of one step over all rows with class weights, and the trainer."""

    def step(class_weights, transforms=()):
        data = {**write_csv(ROWS), **ALL, "transforms": list(transforms)}
        parts = {"data": data, "layers": SMALL, "batch_size": 20, "steps": 1}
        trainer = make_trainer(**parts, class_weights=class_weights)
        trainer.check()
        (first, *_) = trainer.run()
        return first.loss, trainer

    return step


@pytest.fixture
def by_hand(make_trainer, write_csv):
    """Run the same step with a weight for each sample."""

    def step(weights):
        data = {**write_csv(ROWS), **ALL}
        trainer = make_trainer(data=data, layers=SMALL, batch_size=20, steps=1)
        batch = trainer.data.batch("train", trainer.data.order(0), epoch=0)
        targets = batch.targets["target"]
        loss = trainer.train_step(batch.inputs, targets, np.array(weights)[targets])
        return loss, trainer

    return step


@pytest.mark.parametrize(
    ("class_weights", "weights"),
    [
        ({"x": 3.0}, [3, 1]),
        ({"y": 0.0, "x": 0.5}, [0.5, 0]),
        ("balanced", [20 / (2 * 5), 20 / (2 * 15)]),
    ],
)
@pytest.mark.parametrize("transforms", [[], [{"type": "one_hot", "on": "target"}]])
def test_class_weights_weigh_the_samples_of_a_class(
    weighed, by_hand, class_weights, weights, transforms
):
    loss, trainer = weighed(class_weights, transforms)
    expected, twin = by_hand(weights)
    assert loss == pytest.approx(expected, rel=1e-12)
    for name, array in trainer.network.params.items():
        np.testing.assert_allclose(array, twin.network.params[name], rtol=1e-12, atol=1e-15)


def test_class_weights_and_sample_weights_multiply(make_trainer, write_csv):
    rows = [(*row, 0.5 + (index % 3)) for index, row in enumerate(ROWS)]
    data = {**write_csv(rows, "a,b,kind,w"), **ALL, "weights": "w"}
    parts = {"data": data, "layers": SMALL, "batch_size": 20, "steps": 1}
    trainer = make_trainer(**parts, class_weights={"x": 4.0})
    (first, *_) = trainer.run()
    twin = make_trainer(**parts)
    batch = twin.data.batch("train", np.arange(20))
    targets = batch.targets["target"]
    weights = batch.weights * np.where(targets == 0, 4.0, 1.0)
    assert first.loss == pytest.approx(twin.train_step(batch.inputs, targets, weights), rel=1e-12)


def test_class_weights_do_not_change_validation_figures(make_trainer, write_csv):
    """The training loss is weighted; validation counts every sample once."""
    split = {"split": {"validation": 8, "test": 0, "stratify": True}}
    figures = {}
    for declared in (None, {"x": 0.0, "y": 1e-9}):
        data = {**write_csv(ROWS), **split}
        trainer = make_trainer(
            data=data,
            layers=SMALL,
            epochs=1,
            metrics=["accuracy"],
            optimizer={"type": "sgd", "learning_rate": 1e-12},
            **({} if declared is None else {"class_weights": declared}),
        )
        (*_, done) = trainer.run()
        figures[declared is None] = done.figures
    assert figures[False]["train/loss"] < 1e-8 < figures[True]["train/loss"]
    for name in ("val/loss", "val/accuracy", "train/accuracy"):
        assert figures[False][name] == pytest.approx(figures[True][name], rel=1e-6)


TAGS = np.random.default_rng(4).integers(0, 2, (20, 3))
TAG_WEIGHTS = np.array([0.5, 3.0])


@pytest.fixture
def tagged(make_trainer, tmp_path):
    """A trainer of sequences with two classes, and arrays of its data by name."""

    def make(weights=None, transforms=(), **training):
        x = np.random.default_rng(5).normal(size=(20, 3, 2))
        arrays = {"x": x, "y": TAGS} | ({} if weights is None else {"w": weights})
        np.savez(tmp_path / "tags.npz", **arrays)
        names = {} if weights is None else {"weights": "w"}
        data = {"type": "npz", "path": "tags.npz", **names, **ALL, "transforms": list(transforms)}
        parts = {"data": data, "layers": SMALL, "batch_size": 20, "steps": 1}
        return make_trainer(**parts | training), x

    return make


@pytest.mark.parametrize("transforms", [[], [{"type": "one_hot", "on": "target"}]])
@pytest.mark.parametrize("weights", [None, np.arange(20) % 3 / 2, np.arange(60).reshape(20, 3)])
def test_class_weights_weigh_each_position_of_a_sequence(tagged, transforms, weights):
    trainer, x = tagged(weights, transforms, class_weights={"0": 0.5, "1": 3.0})
    trainer.check()
    (first, *_) = trainer.run()
    own = np.ones((20, 1)) if weights is None else weights.reshape(20, -1)
    twin, _ = tagged()
    order = twin.data.order(0)
    expected = twin.train_step(x[order], TAGS[order], (own * TAG_WEIGHTS[TAGS])[order])
    assert first.loss == pytest.approx(expected, rel=1e-12)
    for name, array in trainer.network.params.items():
        np.testing.assert_allclose(array, twin.network.params[name], rtol=1e-12, atol=1e-15)


def test_a_class_of_weight_0_is_no_position_of_the_mean(tagged):
    loss = {"type": "softmax_cross_entropy", "average_over": "positions"}
    trainer, x = tagged(loss=loss, class_weights={"0": 0.0})
    (first, *_) = trainer.run()
    twin, _ = tagged(loss={"type": "softmax_cross_entropy", "ignore_label": 0})
    order = twin.data.order(0)
    assert first.loss == pytest.approx(twin.train_step(x[order], TAGS[order]), rel=1e-12)


def test_balanced_classes_are_counted_in_the_training_split(make_trainer, write_csv):
    split = {"validation": 4, "test": 4, "stratify": True}
    data = {**write_csv([(0.0, 0.0, "x")] * 30 + [(0.0, 0.0, "y")] * 10), "split": split}
    trainer = make_trainer(data=data, layers=SMALL, batch_size=32, class_weights="balanced")
    weights = class_weights("balanced", trainer.network.losses, trainer.data, {"output": "target"})
    np.testing.assert_array_equal(weights.values, [32 / (2 * 24), 32 / (2 * 8)])


@pytest.mark.parametrize("weights", ["balanced", {"a": 3.0}])
def test_class_weights_of_a_vocabulary(make_trainer, tmp_path, weights):
    """The classes of a text are known once its vocabulary is."""
    (tmp_path / "text.txt").write_text("aaabbc" * 4)
    layers = [{"type": "embedding", "input_dim": 4, "output_dim": 3}, {"type": "dense", "units": 4}]
    transform = {"type": "vocabulary", "on": ["input", "target"]}
    data = {"type": "text", "path": "text.txt", "length": 6, **ALL, "transforms": [transform]}
    parts = {"data": data, "layers": layers, "steps": 1}
    trainer = make_trainer(**parts, class_weights=weights)
    trainer.check()
    (first, *_) = trainer.run()
    batch = trainer.data.batch("train", np.arange(3))
    labels = batch.targets["target"]
    counts = np.bincount(labels.reshape(-1), minlength=4)
    expected = np.array([1, 3.0, 1, 1])
    if weights == "balanced":
        expected = counts.sum() / (4 * np.maximum(counts, 1))
    twin = make_trainer(**parts)
    loss = twin.train_step(batch.inputs, labels, expected[labels])
    assert first.loss == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("weights", ["balanced", {"1": 3.0}])
def test_class_weights_beside_a_label_that_is_no_class(make_trainer, tmp_path, weights):
    """Such labels make the targets numbers, and the units of the output their classes."""
    x = np.random.default_rng(5).normal(size=(20, 3, 2))
    padded = np.where(np.arange(3) < np.arange(20)[:, None] % 4, TAGS, -100)
    np.savez(tmp_path / "tags.npz", x=x, y=padded)
    data = {"type": "npz", "path": "tags.npz", **ALL, "target_type": "number"}
    loss = {"type": "softmax_cross_entropy", "ignore_label": -100}
    parts = {"data": data, "layers": SMALL, "batch_size": 20, "steps": 1, "loss": loss}
    trainer = make_trainer(**parts, class_weights=weights)
    trainer.check()
    (first, *_) = trainer.run()
    counts = np.bincount(padded[padded >= 0])
    by_class = counts.sum() / (2 * counts) if weights == "balanced" else np.array([1.0, 3.0])
    twin = make_trainer(**parts)
    order = twin.data.order(0)
    own = np.where(padded >= 0, by_class[TAGS], 1.0)[order]
    assert first.loss == pytest.approx(twin.train_step(x[order], padded[order], own), rel=1e-12)
    wrong = make_trainer(**parts, class_weights={"-100": 2.0})
    with pytest.raises(SpecError, match=r"'-100' is not a class of 'target'; available: 0, 1"):
        wrong.check()


def test_class_weights_of_labels_without_a_position_are_refused(tagged):
    """The labels of ctc have no time steps of their own."""
    layers = [{"type": "conv1d_transpose", "filters": 4, "kernel_size": 2, "strides": 2}]
    trainer, _ = tagged(loss="ctc", layers=layers, class_weights="balanced")
    with pytest.raises(SpecError, match=r"positions \(3,\), which an output of shape \(6, 4\)"):
        trainer.check()


def test_class_weights_without_a_target_are_refused(tagged):
    trainer, _ = tagged(
        loss={"type": "activity_regularization", "l2": 1.0}, class_weights="balanced"
    )
    with pytest.raises(SpecError, match="class weights need a loss with a target, and there is no"):
        trainer.check()


def test_class_weights_of_an_input_that_is_the_target_are_refused(tagged):
    loss = {"type": "mse", "target": "input"}
    trainer, _ = tagged(loss=loss, class_weights="balanced")
    with pytest.raises(SpecError, match="the target 'input' holds numbers; use --set"):
        trainer.check()


BAD_WEIGHTS = {
    "an unknown class": ({"z": 2.0}, "kind", "'z' is not a class of 'target'"),
    "nothing left to learn": ({"x": 0.0, "y": 0.0}, "kind", "every class has the weight 0"),
    "numbers": ("balanced", "a", "holds numbers; use --set training.class_weights=null"),
}


@pytest.mark.parametrize(
    ("class_weights", "target", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS
)
def test_wrong_class_weights_are_an_error_before_training(
    make_trainer, write_csv, class_weights, target, message
):
    data = {**write_csv(ROWS), **ALL, "target": target}
    if target == "a":
        data |= {"features": ["b"], "type": "csv"}
    loss = "mse" if target == "a" else "softmax_cross_entropy"
    units = [{"type": "dense", "units": 1 if target == "a" else 2}]
    trainer = make_trainer(data=data, layers=units, loss=loss, class_weights=class_weights)
    with pytest.raises(SpecError, match=message) as caught:
        trainer.check()
    assert caught.value.problems[0].pointer == "/training/class_weights"


@pytest.mark.parametrize("loss", ["dice", "tversky", {"type": "ssim", "filter_size": 2}])
def test_a_loss_without_weights_of_positions_names_class_weights(make_trainer, tmp_path, loss):
    """The weights have the positions of the masks, which the spec does not mention."""
    draw = np.random.default_rng(5)
    x, masks = draw.normal(size=(20, 3, 2, 1)), draw.integers(0, 2, (20, 3, 2))
    layers = [{"type": "dense", "units": 1}]
    for own in (None, np.ones(20), np.ones((20, 3, 2))):
        arrays = {"x": x, "y": masks} | ({} if own is None else {"w": own})
        np.savez(tmp_path / "masks.npz", **arrays)
        names = {} if own is None else {"weights": "w"}
        data = {"type": "npz", "path": "masks.npz", **names, **ALL}
        parts = {"data": data, "layers": layers, "batch_size": 4, "steps": 1, "loss": loss}
        trainer = make_trainer(**parts, class_weights="balanced")
        with pytest.raises(ShapeError) as refused:
            trainer.check()
        if own is not None and own.ndim > 1:
            assert "/training/loss: " in str(refused.value)
            assert "the positions of each sample, or leave the weights out" in str(refused.value)
            continue
        assert "/training/class_weights: class weights of a target with positions have the" in str(
            refused.value
        )
        assert str(refused.value).endswith("use --set training.class_weights=null")
        make_trainer(**parts).check()


def test_the_weight_of_a_sample_does_not_depend_on_the_others():
    """Or a run would have other bits in another number of processes."""
    rng = np.random.default_rng(0)
    weights = ClassWeights("output", rng.random(17), labels=False)
    target = rng.random((31, 17))
    whole = weights.multiply({"output": target}, None)
    for row in range(31):
        (alone,) = weights.multiply({"output": target[row : row + 1]}, None)
        assert alone == whole[row]
