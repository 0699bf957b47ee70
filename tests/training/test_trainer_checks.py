"""Errors that would end a run later are raised before it starts."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError, ShapeError, SpecError, UsageError

from .states import snapshot


def test_metric_that_does_not_fit_the_targets(make_trainer, write_csv):
    rows = [(index, 0.5, index / 7) for index in range(20)]
    data = write_csv(rows)
    parts = {"data": data, "loss": "mse"}
    wide = [{"type": "dense", "units": 1}]
    trainer = make_trainer(**parts, layers=wide, metrics=["r2", "accuracy"])
    with pytest.raises(DataError, match=r"metric 'accuracy': .* is not a number from 0 to 1"):
        trainer.check()
    with pytest.raises(ShapeError, match="top_k_accuracy") as caught:
        make_trainer(**parts, layers=wide, metrics=["r2", "top_k_accuracy"])
    assert caught.value.problems[0].pointer == "/training/metrics/1"
    make_trainer(**parts, layers=wide, metrics=["mae", "r2"]).check()


def test_check_does_not_change_the_trainer(make_trainer):
    trainer, twin = make_trainer(metrics=["accuracy"]), make_trainer(metrics=["accuracy"])
    trainer.check()
    assert snapshot(trainer) == snapshot(twin)


def test_outputs_that_do_not_fit_the_targets(make_trainer):
    units = [{"type": "flatten"}, {"type": "dense", "units": 9}]
    with pytest.raises(ShapeError, match=r"target has 10 classes \(0, 1, 2, .*, 9\).*units=10"):
        make_trainer(layers=units).check()
    with pytest.raises(ShapeError, match="softmax_cross_entropy cannot compare") as caught:
        make_trainer(layers=[{"type": "dense", "units": 10}]).check()
    assert caught.value.problems[0].pointer == "/training/loss"


def test_input_shape_that_does_not_fit_the_data(make_trainer):
    trainer = make_trainer(network={"input_shape": [28, 28, 1]})
    with pytest.raises(ShapeError, match=r"input_shape=\[8,8,1\]") as caught:
        trainer.check()
    assert caught.value.problems[0].pointer == "/network/input_shape"
    layers = [
        {"type": "flatten", "inputs": "input:image"},
        {"type": "dense", "units": 10},
    ]
    trainer = make_trainer(layers=layers, network={"input_shape": [8, 8, 1]})
    with pytest.raises(ShapeError, match="the data have no input 'image'; available: input"):
        trainer.check()


@pytest.mark.parametrize(
    "watching",
    [
        {"early_stopping": {}},
        {"checkpoint": {"keep_best": {"metric": "val/loss"}}},
        {"schedule": "reduce_on_plateau"},
    ],
)
def test_monitored_figure_needs_its_split(make_trainer, watching):
    data = {"type": "digits", "split": {"validation": 0}}
    with pytest.raises(DataError, match="val split is empty") as caught:
        make_trainer(data=data, **watching).check()
    (problem,) = caught.value.problems
    (key,) = watching
    assert problem.pointer.startswith(f"/training/{key}")
    assert problem.message == (
        "'val/loss' is monitored, but the val split is empty; set data.split.validation, or"
        ' data.validation to a dataset, or monitor the training data: "metric": "train/loss"'
    )


BY_HAND = {
    "tinynet": 1,
    "name": "by-hand",
    "network": {
        "input_shape": [3],
        "layers": [
            {"type": "dense", "units": 2, "name": "kind"},
            {"type": "dense", "units": 1, "name": "area", "inputs": "kind"},
        ],
    },
    "training": {"steps": 1, "batch_size": 4, "loss": "mse", "optimizer": "sgd"},
}
X, KIND, AREA = np.ones((4, 3)), np.zeros((4, 2)), np.zeros((4, 1))


def by_hand(outputs=None, **training):
    """Return a trainer without data; `outputs` names its outputs."""
    network = {**BY_HAND["network"], **({} if outputs is None else {"outputs": outputs})}
    training = {**BY_HAND["training"], **training}
    return tinynet.Trainer(tinynet.load_spec({**BY_HAND, "network": network, "training": training}))


@pytest.mark.parametrize("name", ["output", "target"])
def test_only_target_may_have_the_name_of_the_output_or_the_usual_one(name):
    assert by_hand().train_step(X, {name: AREA}) == by_hand().train_step(X, AREA)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("mse", {"outp": AREA}, "there is no target 'outp'; did you mean 'output'?"),
        ("mse", {"x": AREA}, "there is no target 'x'; available: output, target"),
        (
            {"type": "mse", "target": "size"},
            {"sise": AREA},
            "there is no target 'sise'; did you mean 'size'?",
        ),
    ],
)
def test_wrong_name_of_the_only_target_is_refused(loss, y, message):
    trainer = by_hand(loss=loss)
    before = snapshot(trainer)
    with pytest.raises(UsageError) as caught:
        trainer.train_step(X, y)
    assert str(caught.value).startswith(message)
    assert snapshot(trainer) == before


def test_every_wrong_name_of_several_targets_is_listed():
    trainer = by_hand(["kind", "area"], loss={"kind": "mse", "area": "mse"})
    with pytest.raises(UsageError) as caught:
        trainer.train_step(X, {"kinds": KIND, "aera": AREA})
    assert str(caught.value) == (
        "there is no target 'kinds'; did you mean 'kind'?\n"
        "  there is no target 'aera'; did you mean 'area'?"
    )


def test_target_of_another_output_is_not_the_only_target():
    """It would be compared with an output that it does not belong to."""
    trainer = by_hand(["kind", "area"], loss={"area": "mse"})
    with pytest.raises(UsageError, match=r"no target 'kind'; available: area, target"):
        trainer.train_step(X, {"kind": KIND[:, :1]})
    trainer.train_step(X, {"kind": KIND, "area": AREA})


def test_superfluous_targets_are_ignored():
    trainer = by_hand()
    assert trainer.train_step(X, {"output": AREA, "more": KIND}) == by_hand().train_step(X, AREA)


def test_target_may_have_its_name_in_the_data(make_trainer, write_csv):
    data = {**write_csv([(i, i / 7, "xy"[i % 2]) for i in range(20)])}
    trainer = make_trainer(data=data, layers=[{"type": "dense", "units": 2}])
    batch = trainer.data.batch("train", np.arange(4))
    assert batch.targets.keys() == {"target"}
    trainer.train_step(batch.inputs, batch.targets)
    with pytest.raises(UsageError, match=r"no target 'kind'; available: output, target"):
        trainer.train_step(batch.inputs, {"kind": batch.targets["target"]})


def test_wrong_name_is_refused_where_the_data_are_missing(make_trainer):
    """The data of a spec are not needed to train by hand."""
    data = {"type": "csv", "path": "missing.csv", "target": "kind"}
    network = {"input_shape": [3]}
    trainer = make_trainer(
        data=data, layers=[{"type": "dense", "units": 1}], network=network, loss="mse"
    )
    trainer.train_step(X, {"target": AREA})
    with pytest.raises(UsageError, match=r"no target 'targt'; did you mean 'target'\?"):
        trainer.train_step(X, {"targt": AREA})


def test_run_without_data_is_an_error():
    with pytest.raises(SpecError, match="the spec has no 'data'"):
        tinynet.Trainer(
            tinynet.load_spec(
                {
                    "tinynet": 1,
                    "name": "bare",
                    "network": {"layers": [{"type": "relu"}]},
                    "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
                }
            )
        )
