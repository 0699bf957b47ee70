"""Runs on data in memory: trained, resumed and evaluated without a file."""

import json

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.digits import Digits
from tinynet.commands.summary import summarize
from tinynet.errors import CheckpointMismatchError, DataError, SpecError, UsageError

DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(120, 4))
Y = (X[:, 0] > 0).astype(np.int64)
LABELS = np.where(Y, "yes", "no")

SPEC = {
    "tinynet": 1,
    "name": "memory",
    "data": {"split": {"validation": 0.2, "test": 0.2}, "transforms": ["standardize"]},
    "network": {"layers": [{"type": "dense", "units": 8}, "relu", {"type": "dense", "units": 2}]},
    "training": {
        "epochs": 4,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "metrics": ["accuracy"],
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    },
}
WITHOUT_DATA = {name: part for name, part in SPEC.items() if name != "data"}


def same_parameters(a, b):
    assert [*a.params] == [*b.params]
    return all(np.array_equal(a.params[name], b.params[name]) for name in a.params)


def test_arrays_take_the_place_of_files(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y))
    resolved = json.loads((run.path / "spec.json").read_text())
    assert resolved["data"]["type"] == "memory"
    assert resolved["data"]["split"]["validation"] == 0.2
    assert [part["type"] for part in resolved["data"]["transforms"]] == ["standardize"]
    assert run.evaluate("train")["accuracy"] > 0.5
    assert run.evaluate("train").samples == 72


def test_spec_without_data_is_enough(tmp_path):
    run = tinynet.train(WITHOUT_DATA, tmp_path / "run", data=(X, LABELS))
    assert tinynet.load_model(run.path).predict(X[:5]).classes == ("no", "yes")


def test_same_arrays_and_file_give_the_same_bits(tmp_path):
    """The run is the one of an .npz file with these arrays."""
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    of_file = {**SPEC, "data": {**SPEC["data"], "type": "npz", "path": "data.npz"}}
    by_file = tinynet.train(of_file, tmp_path / "file", data_root=tmp_path)
    by_arrays = tinynet.train(SPEC, tmp_path / "arrays", data=(X, Y))
    assert same_parameters(by_file.network, by_arrays.network)


def test_given_data_replace_those_of_a_spec(tmp_path):
    of_file = {**SPEC, "data": {**SPEC["data"], "type": "npz", "path": "missing.npz"}}
    for number, spec in enumerate([of_file, tinynet.load_spec(of_file)]):
        run = tinynet.train(spec, tmp_path / f"run-{number}", data=(X, Y))
        assert run.evaluate("test").samples == 24


def test_resumed_run_is_exact(tmp_path):
    whole = tinynet.train(SPEC, tmp_path / "whole", data=(X, Y))
    half = tinynet.train(SPEC, tmp_path / "half", data=(X, Y), overrides={"training.epochs": 2})
    resumed = tinynet.resume(
        half.path, data=(X.tolist(), Y), overrides={"training.epochs": 4}, exact=True
    )
    assert same_parameters(whole.network, resumed.network)
    assert not same_parameters(whole.network, half.network)


def test_train_with_resume_takes_the_data_again(tmp_path):
    overrides = {"training.epochs": 2}
    tinynet.train(SPEC, tmp_path / "run", data=(X, Y), overrides=overrides)
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y), resume=True)
    assert run.epoch == 4


def test_summary_of_a_run_needs_no_data(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y), overrides={"training.epochs": 1})
    assert str(summarize(run.path)) == str(tinynet.load_model(run.path).summary())


@pytest.mark.parametrize("again", [tinynet.resume, tinynet.evaluate])
def test_run_without_its_data_names_the_remedy(tmp_path, again):
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y), overrides={"training.epochs": 1})
    with pytest.raises(DataError, match=r"tinynet\.resume\(run, data=\(x, y\)\)") as caught:
        again(run.path)
    assert "\n" not in str(caught.value)


def test_resume_refuses_other_data(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y), overrides={"training.epochs": 1})
    with pytest.raises(CheckpointMismatchError, match="has changed"):
        tinynet.resume(run.path, data=(X + 1, Y), overrides={"training.epochs": 2})


def test_resume_refuses_data_for_a_run_that_reads_files(tmp_path):
    spec = {**SPEC, "data": {"type": "digits", "split": {"validation": 60, "test": 1637}}}
    spec["network"] = {"layers": ["flatten", {"type": "dense", "units": 10}]}
    run = tinynet.train(spec, tmp_path / "run", overrides={"training.epochs": 1})
    with pytest.raises(UsageError, match=r"was not trained on data that were passed"):
        tinynet.resume(run.path, data=(X, Y))


def test_validation_and_test_of_their_own(tmp_path):
    spec = {**SPEC, "data": {"transforms": ["standardize"]}}
    data = {"data": (X, LABELS), "validation": (X[:30], LABELS[:30]), "test": (X[:7], ["no"] * 7)}
    run = tinynet.train(spec, tmp_path / "run", **data)
    resolved = json.loads((run.path / "spec.json").read_text())["data"]
    assert resolved["validation"]["type"] == resolved["test"]["type"] == "memory"
    sizes = [run.evaluate(split).samples for split in ("train", "val", "test")]
    assert sizes == [120, 30, 7]
    assert tinynet.resume(run.path, **data, overrides={"training.epochs": 5}).epoch == 5
    with pytest.raises(UsageError, match="test= needs data="):
        tinynet.train(spec, tmp_path / "other", test=(X, Y))
    split = {**SPEC["data"], "split": {"validation": 0.5}}
    with pytest.raises(SpecError, match="is a separate dataset"):
        tinynet.train({**SPEC, "data": split}, tmp_path / "other", **data)


def test_dict_of_arrays_by_the_names_in_the_spec(tmp_path):
    spec = {
        **WITHOUT_DATA,
        "network": {
            "layers": [
                {"type": "concat", "inputs": ["input:left", "input:right"]},
                {"type": "dense", "name": "side", "units": 2},
                {"type": "dense", "name": "sum", "units": 1, "inputs": "concat_1"},
            ],
            "outputs": {"side": "side", "sum": "sum"},
        },
        "training": {
            "epochs": 1,
            "loss": {"side": {"type": "softmax_cross_entropy"}, "sum": {"type": "mse"}},
            "optimizer": "sgd",
        },
    }
    arrays = {"left": X[:, :2], "right": X[:, 2:], "side": Y, "sum": X.sum(axis=1, keepdims=True)}
    parts = ({n: arrays[n] for n in ("left", "right")}, {n: arrays[n] for n in ("side", "sum")})
    flat = tinynet.train(spec, tmp_path / "flat", data=arrays)
    apart = tinynet.train(spec, tmp_path / "apart", data=parts)
    assert same_parameters(flat.network, apart.network)
    with pytest.raises(DataError, match="lack the network's input 'right'"):
        tinynet.train(spec, tmp_path / "bad", data={"left": X, "side": Y, "sum": Y})


def test_weights_of_samples(tmp_path):
    halves = np.repeat([1.0, 0.0], 60)
    half = tinynet.train(SPEC, tmp_path / "a", data=(X, Y, halves))
    named = {"input": X, "target": Y, "weights": halves}
    assert same_parameters(half.network, tinynet.train(SPEC, tmp_path / "b", data=named).network)
    assert not same_parameters(
        half.network, tinynet.train(SPEC, tmp_path / "c", data=(X, Y)).network
    )


def test_dataset_object(tmp_path):
    """An object of the user's own class, which no plugin registers."""
    spec = {**WITHOUT_DATA, "network": {"layers": ["flatten", {"type": "dense", "units": 10}]}}
    spec["data"] = {"split": {"test": 1600}}
    digits = Digits(Digits.Config())
    run = tinynet.train(spec, tmp_path / "run", data=digits, overrides={"training.epochs": 1})
    assert run.evaluate("test").samples == 1600
    assert tinynet.resume(run.path, data=digits, overrides={"training.epochs": 2}).epoch == 2


def test_inputs_alone_for_an_autoencoder(tmp_path):
    spec = {**WITHOUT_DATA, "network": {"layers": [{"type": "dense", "units": 4}]}}
    spec["training"] = {"epochs": 1, "loss": {"type": "mse", "target": "input"}, "optimizer": "sgd"}
    assert tinynet.train(spec, tmp_path / "run", data=X).epoch == 1


def test_trainer_takes_arrays(tmp_path):
    trainer = tinynet.Trainer(SPEC, data=(X, Y))
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y))
    for _ in trainer.run():
        pass
    assert same_parameters(trainer.network, run.network)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("new.csv", UsageError, "data='new.csv' is a path, but samples in memory are expected"),
        ([X, Y], DataError, r"give a tuple, as in data=\(x, y\)"),
        ((X, Y, Y, Y), DataError, r"a tuple of 4; give \(x, y\), or \(x, y, weights\)"),
        ({"a": X[:, 0], "b": X[:, 1]}, DataError, "name its target in the spec"),
        ((x for x in X), DataError, "a single generator"),
    ],
)
def test_data_of_another_form_are_refused(tmp_path, data, error, message):
    with pytest.raises(error, match=message):
        tinynet.train(SPEC, tmp_path / "run", data=data)
    assert not (tmp_path / "run").exists()


def test_unknown_keywords_for_data_suggest_the_right_one(tmp_path):
    with pytest.raises(UsageError, match=r"pass arrays as data=\(x, y\)"):
        tinynet.train(SPEC, tmp_path / "run", x_train=X)


def test_array_that_only_groups_is_not_a_target(tmp_path):
    groups = np.repeat([f"patient {n}" for n in range(12)], 10)
    data = {"input": X, "kind": Y, "patient": groups}
    spec = {**SPEC, "data": {"split": {"by": "patient"}}}
    run = tinynet.train(spec, tmp_path / "run", data=data)
    assert {*tinynet.load_model(run.path).targets} == {"kind"}
    assert tinynet.evaluate(run.path, "test", data=data).samples % 10 == 0
    assert tinynet.evaluate(run.path, data=data).samples == 120
    other = {**data, "patient": groups[::-1]}
    with pytest.raises(CheckpointMismatchError, match="has changed"):
        tinynet.resume(run.path, data=other, overrides={"training.epochs": 9})
    with pytest.raises(DataError, match=r"no array .* named 'patients'"):
        tinynet.train({**spec, "data": {"split": {"by": "patients"}}}, tmp_path / "b", data=data)


def test_evaluation_takes_all_data_of_the_training(tmp_path):
    spec = {**SPEC, "data": {"transforms": ["standardize"]}}
    further = {"validation": (X[:30], LABELS[:30]), "test": (X[:7], LABELS[:7])}
    run = tinynet.train(spec, tmp_path / "run", data=(X, LABELS), **further)
    for split, count in (("test", 7), ("val", 30), ("train", 120), (None, 7)):
        evaluation = tinynet.evaluate(run.path, split, data=(X, LABELS), **further)
        assert evaluation.samples == count
        assert evaluation.metrics == run.evaluate(split or "test").metrics
    missing = "validation= must be passed again, since the run was trained with data=, validation="
    for again in (tinynet.resume, lambda *args, **data: tinynet.evaluate(*args, "test", **data)):
        with pytest.raises(DataError, match=missing):
            again(run.path, data=(X, LABELS), test=further["test"])


def test_split_of_other_data_is_refused(tmp_path):
    """The split of other data holds samples that the network was trained on, or none it knows."""
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y))
    with pytest.raises(CheckpointMismatchError, match=r"has changed[\s\S]*leave out the split"):
        tinynet.evaluate(run.path, "test", data=(X[::-1], Y))
    assert tinynet.evaluate(run.path, data=(X[::-1], Y)).samples == 120


def test_new_samples_in_a_file_for_a_run_on_arrays(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run", data=(X, Y))
    np.savez(tmp_path / "new.npz", input=X[:50], target=Y[:50])
    expected = tinynet.evaluate(run.path, data=(X[:50], Y[:50]))
    evaluation = tinynet.evaluate(run.path, data=tmp_path / "new.npz")
    assert (evaluation.samples, evaluation.metrics) == (50, expected.metrics)
    np.savez(tmp_path / "unlabeled.npz", input=X)
    with pytest.raises(DataError, match=r"lacks the arrays 'target'; .* needs 'input', 'target'"):
        tinynet.evaluate(run.path, data=tmp_path / "unlabeled.npz")
    (tmp_path / "new.csv").write_text("1,2,3,4\n")
    with pytest.raises(DataError, match=r"an .npz file with the arrays 'input', 'target'"):
        tinynet.evaluate(run.path, data=tmp_path / "new.csv")
