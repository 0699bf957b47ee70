"""Regularizers in training: penalties, their gradients, and the figure that reports them."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import DivergedError, PluginError, ShapeError, SpecError
from tinynet.regularizer import RegularizerConfig
from tinynet.training.events import Evaluated
from tinynet.training.regularization import declared_regularizers

DENSE = [{"type": "flatten"}, {"type": "dense", "units": 10}]
L2 = {"type": "l2", "factor": 0.05}
SGD = {"type": "sgd", "learning_rate": 0.1}


def regularized(make_trainer, regularizer=L2, **training):
    nodes = [DENSE[0], {**DENSE[1], "regularizer": regularizer}]
    return make_trainer(layers=nodes, **{"optimizer": SGD, **training})


def losses(trainer):
    return [event.loss for event in trainer.run() if hasattr(event, "loss")]


def figures(trainer):
    return [event.figures for event in trainer.run() if isinstance(event, Evaluated)]


def same_params(ours, theirs):
    for address, array in ours.network.params.items():
        np.testing.assert_allclose(array, theirs.network.params[address], rtol=1e-12, atol=1e-15)


def test_l2_is_half_the_weight_decay_of_sgd(make_trainer):
    group = {"params": "*/weight", "weight_decay": 0.1}
    decayed = make_trainer(layers=DENSE, optimizer={**SGD, "groups": [group]})
    penalized = regularized(make_trainer)
    np.testing.assert_allclose(losses(penalized), losses(decayed), rtol=1e-12)
    same_params(penalized, decayed)


def test_patterns_choose_as_the_key_of_a_node_does(make_trainer):
    by_node = regularized(make_trainer)
    by_default = make_trainer(layers=DENSE, optimizer=SGD, regularizers=[L2])
    by_pattern = make_trainer(
        layers=DENSE, optimizer=SGD, regularizers=[{"params": ["*", "!*/bias"], **L2}]
    )
    expected = losses(by_node)
    assert losses(by_default) == expected
    assert losses(by_pattern) == expected


def test_each_regularizer_of_a_parameter_adds(make_trainer):
    half = {"type": "l2", "factor": 0.025}
    added = regularized(make_trainer, half, regularizers=[half])
    once = regularized(make_trainer)
    np.testing.assert_allclose(losses(added), losses(once), rtol=1e-12)
    same_params(added, once)


def test_the_loss_is_that_of_the_data(make_trainer):
    plain, penalized = make_trainer(layers=DENSE, optimizer=SGD), regularized(make_trainer)
    x, y = np.zeros((4, 8, 8, 1)), np.arange(4)
    assert plain.train_step(x, y) == penalized.train_step(x, y)


def test_figure_is_the_mean_penalty(make_trainer):
    trainer = regularized(make_trainer, optimizer={**SGD, "learning_rate": 1e-300})
    penalty = 0.05 * np.square(trainer.network.params["dense_1/weight"]).sum()
    for found in figures(trainer):
        assert found["train/penalty"] == pytest.approx(penalty, rel=1e-12)
        assert "val/penalty" not in found


def test_no_figure_without_regularizers(make_trainer):
    assert all("train/penalty" not in found for found in figures(make_trainer(layers=DENSE)))


def test_clipping_includes_the_penalty(make_trainer):
    clipped = {**SGD, "learning_rate": 1.0, "clip_norm": 1e-3}
    trainer = regularized(make_trainer, {"type": "l2", "factor": 1e6}, optimizer=clipped)
    before = {name: array.copy() for name, array in trainer.network.params.items()}
    trainer.train_step(np.ones((4, 8, 8, 1)), np.arange(4))
    moved = sum(
        np.square(array - before[name]).sum() for name, array in trainer.network.params.items()
    )
    assert np.sqrt(moved) == pytest.approx(1e-3)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_bits_do_not_depend_on_threads(make_trainer, threads):
    orthogonal = {"type": "orthogonal", "factor": 0.1, "mode": "columns"}
    one = regularized(make_trainer, orthogonal)
    other = tinynet.Trainer(one.spec, threads=threads)
    assert losses(one) == losses(other)
    for name, array in one.state().items():
        assert array.tobytes() == other.state()[name].tobytes(), name


def test_saved_state_continues_with_the_same_figures(make_trainer):
    whole, first = regularized(make_trainer), regularized(make_trainer)
    events = first.run()
    for _ in range(3):
        next(events)
    second = regularized(make_trainer)
    second.load_state(first.state(), first.progress)
    assert figures(second) == figures(whole)


def test_frozen_and_tied_parameters(make_trainer):
    """A frozen parameter has no penalty, and a tied one has that of its owner alone."""
    nodes = [
        {"type": "flatten"},
        {"type": "dense", "units": 64, "name": "first", "trainable": False},
        {"type": "dense", "units": 64, "name": "second"},
        {"type": "dense", "units": 64, "shares": {"weight": "second/weight.T"}},
        {"type": "dense", "units": 10, "name": "last"},
    ]
    trainer = make_trainer(layers=nodes, regularizers=[L2])
    (declared,) = declared_regularizers(trainer.spec.training, trainer.network)
    assert declared.addresses == {"first/weight", "second/weight", "last/weight"}
    weights = [trainer.network.params[f"{name}/weight"] for name in ("second", "last")]
    penalty = 0.05 * sum(np.square(weight).sum() for weight in weights)
    assert figures(trainer)[0]["train/penalty"] <= penalty


def test_infinite_penalty_diverges_before_the_update(make_trainer):
    trainer = regularized(make_trainer, {"type": "l2", "factor": 1e300})
    weight = trainer.network.params["dense_1/weight"]
    weight *= 1e10
    before = weight.copy()
    with pytest.raises(DivergedError, match="penalty of 'dense_1/weight' is not finite at step 1"):
        trainer.train_step(np.zeros((4, 8, 8, 1)), np.arange(4))
    np.testing.assert_array_equal(weight, before)
    assert trainer.step == 0


@pytest.mark.parametrize(
    ("node", "training", "message"),
    [
        ({"type": "relu", "regularizer": "l2"}, {}, "'relu_1' has no weights of its own"),
        ("relu", {"regularizers": [{"params": "x/*", "type": "l2"}]}, "matches no parameter"),
    ],
)
def test_regularizer_of_nothing_is_refused(make_trainer, node, training, message):
    with pytest.raises(SpecError, match=message):
        make_trainer(layers=[*DENSE, node], **training)


def test_metric_cannot_take_the_name_of_the_figure(make_trainer):
    metric = {"type": "accuracy", "name": "penalty"}
    assert make_trainer(layers=DENSE, metrics=[metric])
    with pytest.raises(SpecError, match="is the figure of the regularizers"):
        regularized(make_trainer, metrics=[metric])


def test_parameter_of_a_wrong_shape_is_found_by_the_check(make_trainer):
    orthogonal = {"params": "*/bias", "type": "orthogonal"}
    trainer = make_trainer(layers=DENSE, regularizers=[orthogonal])
    with pytest.raises(ShapeError, match="/training/regularizers/0: 'dense_1/bias': orthogonal"):
        trainer.check()


class Wrong:
    Config = RegularizerConfig
    returned = staticmethod(lambda param: (0.0, param))

    def __init__(self, config):
        pass

    def value_and_gradient(self, param):
        return self.returned(param)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda param: None, "value_and_gradient raised TypeError"),
        (lambda param: ("1", param), "must return a number first; it returned '1'"),
        (lambda param: (1.0, param[0]), "must return a gradient of shape"),
    ],
)
def test_wrong_value_is_the_fault_of_the_plugin(
    make_trainer, register, monkeypatch, returned, message
):
    register("regularizers", "wrong", Wrong)
    monkeypatch.setattr(Wrong, "returned", staticmethod(returned))
    with pytest.raises(PluginError, match=message):
        regularized(make_trainer, "wrong").check()
