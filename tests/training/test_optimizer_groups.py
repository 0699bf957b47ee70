"""Options of the optimizer for some parameters."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

X = np.random.default_rng(0).standard_normal((8, 3))
Y = np.random.default_rng(1).standard_normal((8, 2))


def spec(groups, **optimizer):
    return {
        "tinynet": 1,
        "name": "groups",
        "network": {
            "input_shape": [3],
            "dtype": "float64",
            "layers": [{"type": "dense", "units": 4}, {"type": "dense", "units": 2}],
        },
        "training": {
            "steps": 3,
            "loss": "mse",
            "optimizer": {
                "type": "sgd",
                "learning_rate": 0.1,
                "weight_decay": 0.5,
                "groups": groups,
                **optimizer,
            },
        },
    }


def gradients(trainer):
    """Return the gradient of every parameter, without weight decay."""
    twin = tinynet.Trainer(spec([{"params": "*", "weight_decay": 0}], learning_rate=1.0))
    for name, array in trainer.network.params.items():
        twin.network.params[name][...] = array
    before = {name: array.copy() for name, array in twin.network.params.items()}
    twin.train_step(X, Y)
    return {name: before[name] - array for name, array in twin.network.params.items()}


def test_options_of_a_group():
    trainer = tinynet.Trainer(
        spec([{"params": "*/bias", "weight_decay": 0}, {"params": "dense_2/*", "rate_factor": 0.5}])
    )
    params = trainer.network.params
    for name in ("dense_1/bias", "dense_2/bias"):
        params[name][...] = 1.0
    gradient, before = gradients(trainer), {name: a.copy() for name, a in params.items()}
    trainer.train_step(X, Y)
    # The bias of dense_2 is in both groups: the last one decides about all of its options.
    rate, decay = {"dense_2/weight": 0.05, "dense_2/bias": 0.05}, {"dense_1/bias": 0.0}
    for name, array in params.items():
        change = rate.get(name, 0.1) * (gradient[name] + decay.get(name, 0.5) * before[name])
        np.testing.assert_allclose(before[name] - array, change, rtol=1e-9, atol=1e-15)


def test_empty_list_is_no_groups():
    assert load_spec(spec([])).resolved() == load_spec(spec(None)).resolved()


def test_state_follows_the_options_of_the_group():
    trainer = tinynet.Trainer(spec([{"params": "dense_1/*", "momentum": 0.9}]))
    slots = {name for name in trainer.state() if "velocity" in name}
    assert len(slots) == 2
    assert all("dense_1" in name for name in slots)


def test_resolved_spec_has_the_groups():
    groups = [{"params": ["*/bias"], "rate_factor": 1.0, "weight_decay": 0.0}]
    resolved = load_spec(spec([{"params": "*/bias", "weight_decay": 0}])).resolved()
    assert resolved["training"]["optimizer"]["groups"] == groups
    assert load_spec(resolved).resolved() == resolved


@pytest.mark.parametrize("kind", ["adam", "sgd", "rmsprop"])
def test_group_without_changes_changes_no_bit(kind):
    optimizer = {"type": kind, "weight_decay": 0.1}
    plain = tinynet.Trainer(
        {**spec(None), "training": {**spec(None)["training"], "optimizer": optimizer}}
    )
    grouped = tinynet.Trainer(
        spec([{"params": "*/weight"}], **optimizer, learning_rate=plain.learning_rate)
    )
    for trainer in (plain, grouped):
        for _ in range(3):
            trainer.train_step(X, Y)
    for name, array in plain.network.params.items():
        np.testing.assert_array_equal(array, grouped.network.params[name])


WRONG = {
    "pattern": ([{"params": "*/bais"}], "/groups/0/params/0: '*/bais' matches no parameter"),
    "option": ([{"params": "*/bias", "weigth_decay": 0}], "did you mean 'weight_decay'?"),
    "unlike any": (
        [{"params": "*/bias", "zz": 0}],
        "unknown key 'zz'; available: momentum, nesterov, params, rate_factor, weight_decay",
    ),
    "unlike any of a group": ([{"params": "*/bias", "clip_nrm": 1}], "'clip_nrm'; available: mom"),
    "value": ([{"params": "*/bias", "weight_decay": -1}], "/groups/0/weight_decay:"),
    "learning rate": ([{"params": "*/bias", "learning_rate": 1}], 'use "rate_factor"'),
    "clip": ([{"params": "*/bias", "clip_norm": 1.0}], "is the same for all parameters; remove"),
    "clip value": ([{"params": "*/bias", "clip_value": 1.0}], "is the same for all parameters; re"),
    "no params": ([{"weight_decay": 0}], "/groups/0: 'params' is required"),
    "number": (3, "/training/optimizer/groups"),
    "false": (False, "/training/optimizer/groups"),
    "name": (["*/bias"], "/training/optimizer/groups/0"),
}


@pytest.mark.parametrize(("groups", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_group_is_refused(groups, message):
    with pytest.raises(SpecError) as caught:
        tinynet.Trainer(spec(groups))
    assert message in str(caught.value)
