"""Errors that would end a run later are raised before it starts."""

import pytest

import tinynet
from tinynet.errors import DataError, ShapeError, SpecError


def snapshot(trainer):
    return {name: array.tobytes() for name, array in trainer.state().items()}


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
    [{"early_stopping": {}}, {"checkpoint": {"keep_best": {"metric": "val/loss"}}}],
)
def test_monitored_figure_needs_its_split(make_trainer, watching):
    data = {"type": "digits", "split": {"validation": 0}}
    with pytest.raises(DataError, match="val split is empty"):
        make_trainer(data=data, **watching).check()


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
