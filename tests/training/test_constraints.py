"""Constraints of parameters, alone and in training."""

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.errors import ShapeError, SpecError
from tinynet.spec.training_spec import ConstraintSpec

DENSE = [{"type": "flatten"}, {"type": "dense", "units": 10}]
DRAW = np.random.default_rng(4)


def projected(param, name, **options):
    result = np.array(param, np.float64)
    registry.default().create(ConstraintSpec(type=name, **options)).project(result)
    return result


def norms(param):
    return np.sqrt(np.square(param).sum(axis=tuple(range(param.ndim - 1))))


@pytest.mark.parametrize("shape", [(7, 4), (3, 3, 2, 4)])
def test_norms_are_those_of_units_and_filters(shape):
    param = DRAW.normal(size=shape)
    before = norms(param)
    largest = float(np.median(before))
    found = norms(projected(param, "max_norm", max_value=largest))
    np.testing.assert_allclose(found, np.minimum(before, largest))
    np.testing.assert_allclose(norms(projected(param, "unit_norm")), 1)
    found = norms(projected(param, "min_max_norm", min_value=largest, max_value=9, rate=0.25))
    np.testing.assert_allclose(found, 0.25 * np.clip(before, largest, 9) + 0.75 * before)


def test_axis_and_vectors():
    param = DRAW.normal(size=(3, 5))
    np.testing.assert_allclose(norms(projected(param, "unit_norm", axis=1).T), 1)
    np.testing.assert_allclose(np.linalg.norm(projected([3, 4], "unit_norm")), 1)
    with pytest.raises(ShapeError, match=r"axis \[2\] does not exist in a parameter of shape"):
        projected(param, "unit_norm", axis=2)
    for axis in ([0, -2], [1, 0, 1]):
        with pytest.raises(ShapeError, match=r"names the same axis of a .* \(3, 5\) twice"):
            projected(param, "max_norm", axis=axis)


def test_zeros_and_signs():
    np.testing.assert_array_equal(projected(np.zeros((3, 2)), "unit_norm"), np.zeros((3, 2)))
    np.testing.assert_array_equal(projected([-1, 0, 2], "non_negative"), [0, 0, 2])


@pytest.mark.parametrize("threads", [1, 3])
def test_weights_keep_their_norm_in_training(make_trainer, threads):
    made = make_trainer(layers=DENSE, constraints=[{"type": "max_norm", "max_value": 0.5}])
    trainer = tinynet.Trainer(made.spec, threads=threads)
    list(made.run())
    list(trainer.run())
    weight = trainer.network.params["dense_1/weight"]
    assert norms(weight).max() <= 0.5 + 1e-12
    assert weight.tobytes() == made.network.params["dense_1/weight"].tobytes()


def test_frozen_parameters_stay_as_they_are(make_trainer):
    nodes = [DENSE[0], {**DENSE[1], "trainable": False}, {**DENSE[1], "name": "last"}]
    trainer = make_trainer(layers=nodes, constraints=["unit_norm"])
    before = trainer.network.params["dense_1/weight"].copy()
    trainer.train_step(np.ones((4, 8, 8, 1)), np.arange(4))
    np.testing.assert_array_equal(trainer.network.params["dense_1/weight"], before)
    np.testing.assert_allclose(norms(trainer.network.params["last/weight"]), 1)


def test_constraint_of_nothing_and_of_a_wrong_shape(make_trainer):
    with pytest.raises(SpecError, match="matches no parameter"):
        make_trainer(layers=DENSE, constraints=[{"params": "x/*", "type": "unit_norm"}])
    constraint = {"params": "*/bias", "type": "unit_norm", "axis": 1}
    trainer = make_trainer(layers=DENSE, constraints=[constraint])
    with pytest.raises(ShapeError, match="/training/constraints/0: 'dense_1/bias': axis"):
        trainer.check()
