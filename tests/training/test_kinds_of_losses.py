"""Losses of several outputs, without a target, with an input as target, and over positions."""

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.engine import sharding
from tinynet.errors import DataError, PluginError, ShapeError, SpecError
from tinynet.loss import LossConfig

X = np.random.default_rng(0).standard_normal((48, 3))


class Plain:
    """The parts that the losses below share."""

    per_sample = True

    class Config(LossConfig):
        """No parameters."""

    def __init__(self, config):
        pass


class Size(Plain):
    """Half the sum of squares of an output, which has no target."""

    takes_target = False

    def forward(self, ctx, outputs, targets, weights=None):
        assert targets is None
        return 0.5 * float(np.sum(outputs**2)), outputs

    def backward(self, ctx, cache):
        return cache

    def predict(self, outputs):
        return outputs


class Difference(Plain):
    """Half the sum of squares of the difference of two outputs and a target."""

    output_count = 2

    def forward(self, ctx, outputs, targets, weights=None):
        left, right = outputs
        rest = left - right - targets
        return 0.5 * float(np.sum(rest**2)), rest

    def backward(self, ctx, cache):
        return cache, -cache


class MeanOfPositive(Plain):
    """Mean of the outputs where the target is positive, over all samples and positions."""

    counts_positions = True

    def forward(self, ctx, outputs, targets, weights=None):
        counts = (targets > 0).astype(outputs.dtype)
        return float((outputs * counts).sum()), counts

    def backward(self, ctx, cache):
        return cache

    def predict(self, outputs):
        return outputs

    def count(self, targets, weights):
        return np.count_nonzero(targets > 0)


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    classes = {"size": Size, "difference": Difference, "mean_of_positive": MeanOfPositive}
    entries = [entry for group in registry.GROUPS for entry in registry.default().entries(group)]
    entries += [
        registry.Entry("losses", name, "acme", "1.0", f"{__name__}:{cls.__name__}")
        for name, cls in classes.items()
    ]
    changed = registry.Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: changed)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(sharding, "SHARD_FLOPS", 10)
    monkeypatch.setattr(sharding, "MIN_FLOPS_PER_PARAM", 0)
    monkeypatch.setattr(sharding, "MIN_SHARD", 4)


def dense(name, **options):
    return {
        "type": "dense",
        "units": 3,
        "name": name,
        "inputs": "input",
        "use_bias": False,
        **options,
    }


def spec(loss, **changes):
    two = {
        "input_shape": [3],
        "dtype": "float64",
        "layers": [dense("left"), dense("right")],
        "outputs": ["left", "right"],
    }
    return {
        "tinynet": 1,
        "name": "losses",
        "network": two,
        "training": {
            "steps": 1,
            "batch_size": 48,
            "loss": loss,
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            **changes,
        },
    }


def step(loss, y=None, threads=1, **changes):
    """Return the loss and the change of both parameters in one step, with their values before."""
    trainer = tinynet.Trainer(spec(loss, **changes), threads=threads)
    params = trainer.network.params
    before = {name: array.copy() for name, array in params.items()}
    value = trainer.train_step(X, y)
    return value, {name: before[name] - params[name] for name in before}, before


def test_loss_without_a_target():
    value, change, before = step({"left": {"type": "size", "weight": 0.5}})
    left = X @ before["left/weight"]
    assert value == pytest.approx(0.25 * np.sum(left**2) / 48)
    np.testing.assert_allclose(change["left/weight"], X.T @ left * 0.5 / 48, rtol=1e-9)
    assert not change["right/weight"].any()


@pytest.mark.parametrize("threads", [1, 3])
def test_loss_of_several_outputs(threads, small_shards):
    y = np.random.default_rng(1).standard_normal((48, 3))
    loss = {"left+right": {"type": "difference"}, "left": {"type": "size"}}
    value, change, before = step(loss, y, threads)
    left, right = X @ before["left/weight"], X @ before["right/weight"]
    rest = left - right - y
    assert value == pytest.approx((np.sum(rest**2) + np.sum(left**2)) / 2 / 48)
    np.testing.assert_allclose(change["left/weight"], X.T @ (rest + left) / 48, rtol=1e-9)
    np.testing.assert_allclose(change["right/weight"], -X.T @ rest / 48, rtol=1e-9)


def test_input_as_target():
    value, change, before = step({"left": {"type": "mse", "target": "input"}})
    rest = X @ before["left/weight"] - X
    assert value == pytest.approx(np.mean(rest**2))
    np.testing.assert_allclose(change["left/weight"], X.T @ rest * 2 / 3 / 48, rtol=1e-9)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_mean_over_positions_does_not_depend_on_shards_and_batches(threads, small_shards):
    y = np.random.default_rng(1).standard_normal((48, 3))
    y[:20] = -1  # no position counts in the first shards
    loss = {"left": "mean_of_positive"}
    value, change, before = step(loss, y, threads)
    counts = (y > 0) / np.count_nonzero(y > 0)
    assert value == pytest.approx(np.sum(X @ before["left/weight"] * counts))
    np.testing.assert_allclose(change["left/weight"], X.T @ counts, rtol=1e-9)
    parts = step(loss, y, threads, batch_size=7, accumulate=7)
    assert parts[0] == pytest.approx(value)
    np.testing.assert_allclose(parts[1]["left/weight"], change["left/weight"], rtol=1e-9)


def test_mean_over_no_position_is_zero():
    value, change, _ = step({"left": "mean_of_positive"}, np.zeros((48, 3)))
    assert value == 0
    assert not change["left/weight"].any()


def data_spec(tmp_path, loss, **training):
    np.savez(tmp_path / "data.npz", x=X, y=np.maximum(X, 0)[:, ::-1])
    data = {"type": "npz", "path": "data.npz", "inputs": "x", "targets": "y"}
    network = spec(loss)["network"]
    return {
        **spec(loss, epochs=2, **training),
        "data": {**data, "split": {"validation": 0.25}},
        "network": network,
    }


@pytest.mark.parametrize(
    "loss",
    [
        {"left": {"type": "mse", "target": "input"}, "right": "mse"},
        {"left": "mean_of_positive"},
        {"left": "size"},
        {"left+right": "difference", "right": {"type": "mse", "target": "input"}},
    ],
    ids=["input", "positions", "no target", "several outputs"],
)
def test_run_evaluates_resumes_and_predicts(loss, tmp_path):
    declared = data_spec(tmp_path, loss)
    del declared["training"]["steps"]
    whole = tinynet.Trainer(declared, root=tmp_path)
    whole.check()
    figures = [event.figures for event in whole.run() if hasattr(event, "figures")]
    assert np.isfinite([*figures[-1].values()]).all()
    half = tinynet.Trainer(declared, root=tmp_path)
    for _ in zip(range(1), half.run(), strict=False):
        pass
    resumed = tinynet.Trainer(declared, root=tmp_path)
    resumed.load_state({n: a.copy() for n, a in half.state().items()}, half.progress)
    again = [event.figures for event in resumed.run() if hasattr(event, "figures")]
    assert again == figures
    for name, array in whole.network.params.items():
        np.testing.assert_array_equal(array, resumed.network.params[name])


def test_figures_have_the_names_of_the_losses(tmp_path):
    loss = {"left+right": "difference", "right": {"type": "mse", "target": "input"}}
    declared = data_spec(tmp_path, loss, metrics=[{"type": "mae", "output": "right"}])
    del declared["training"]["steps"]
    trainer = tinynet.Trainer(declared, root=tmp_path)
    figures = [event.figures for event in trainer.run() if hasattr(event, "figures")][-1]
    assert {"val/loss", "val/left+right/loss", "val/right/loss", "val/right/mae"} <= set(figures)


WRONG = {
    "one output too many": ({"left+right": "mse"}, "mse is a loss of one output, not of"),
    "one too few": ({"left": "difference"}, "difference is a loss of 2 outputs, joined by '+'"),
    "unknown": ({"left+rihgt": "difference"}, "no output 'rihgt'; did you mean 'right'?"),
    "twice": ({"left+left": "difference"}, "'left+left' names an output twice"),
    "no target": ({"left": {"type": "size", "target": "y"}}, "size takes no target; remove"),
}


@pytest.mark.parametrize(("loss", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_loss_is_refused(loss, message):
    with pytest.raises(SpecError) as caught:
        tinynet.Trainer(spec(loss))
    assert message in str(caught.value)


def test_target_of_a_loss_that_has_none_is_refused():
    with pytest.raises(ShapeError, match="no loss of the network has a target; pass y=None"):
        step({"left": "size"}, X)


def test_metric_without_a_target_is_refused():
    with pytest.raises(ShapeError, match="the loss of the output 'left' has no target"):
        step({"left": "size"}, metrics=["mae"])


def test_wrong_gradients_of_several_outputs_are_refused(monkeypatch):
    monkeypatch.setattr(Difference, "backward", lambda self, ctx, cache: cache)
    with pytest.raises(PluginError, match="backward must return a tuple of the gradients of 2"):
        step({"left+right": "difference"}, X)


def test_wrong_count_is_refused(monkeypatch):
    monkeypatch.setattr(MeanOfPositive, "count", lambda self, targets, weights: None)
    with pytest.raises(PluginError, match="count must return a number of at least 0"):
        step({"left": "mean_of_positive"}, X)


def test_a_metric_that_cannot_compare_a_joined_loss_names_it(make_trainer, tmp_path):
    np.savez(tmp_path / "pairs.npz", x=np.ones((20, 4)), y=np.arange(20) % 2)
    trainer = make_trainer(
        data={"type": "npz", "path": "pairs.npz"},
        layers=[{"type": "dense", "units": 3, "inputs": "input", "name": n} for n in ("a", "b")],
        network={"outputs": ["a", "b"]},
        loss={"a+b": {"type": "contrastive"}},
        metrics=[{"type": "mae", "output": "a"}],
    )
    with pytest.raises(DataError, match=r"\(it compares 'a' with the target of the loss 'a\+b'\)"):
        trainer.check()
