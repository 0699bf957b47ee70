"""Fine-tuning on features and classes in another order, which a network knows by position alone."""

import numpy as np
import pytest

import tinynet
from tinynet.checkpoint.transfer import TransferRefusedError
from tinynet.run.training_run import plan_fine_tuning

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(90, 3))
ADAM = {"type": "adam", "learning_rate": 0.05}


def write(path, columns, labels):
    rows = [dict(zip("abc", row, strict=True)) for row in X]
    classes = [labels[place] for place in X.argmax(axis=1)]
    lines = [
        ",".join([*(f"{row[name[0]]:.6f}" for name in columns), label])
        for row, label in zip(rows, classes, strict=True)
    ]
    path.write_text("\n".join([",".join([*columns, "kind"]), *lines]) + "\n")


def spec(path, **options):
    return {
        "tinynet": 1,
        "name": "names",
        "data": {"type": "csv", "path": path, "target": "kind", **options},
        "network": {"layers": [{"type": "dense", "units": 3}]},
        "training": {"steps": 60, "loss": "softmax_cross_entropy", "optimizer": ADAM},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    write(folder / "old.csv", ["a", "b", "c"], ["x", "y", "z"])
    tinynet.train(spec("old.csv"), folder / "run", data_root=folder)
    return folder


def plan(folder, path, **options):
    return plan_fine_tuning(spec(path, **options), folder / "run", data_root=folder)[1]


def test_features_in_another_order_are_refused(folder):
    """Otherwise each column gets the weights of another one."""
    write(folder / "other.csv", ["c", "a", "b"], ["x", "y", "z"])
    with pytest.raises(TransferRefusedError) as caught:
        plan(folder, "other.csv")
    assert caught.value.plan.refusals == (
        "the features of 'input' have another order than the checkpoint's, so dense_1 would use the"
        ' weights of others (\'c\' has the position 0, and had 2); set "features": ["a", "b",'
        ' "c"] in "data"',
    )
    assert not plan(folder, "other.csv", features=["a", "b", "c"]).refusals


def test_classes_in_another_order_are_refused_unless_their_layer_is_new(folder):
    write(folder / "classes.csv", ["a", "b", "c"], ["v", "x", "y"])
    with pytest.raises(TransferRefusedError, match=r'set "classes": \["x", "y", "v"\] in "data"'):
        plan(folder, "classes.csv")
    notes = plan(folder, "classes.csv", classes=["x", "y", "v"]).notes
    assert notes[-1] == "dense_1: the weights are carried by position, 'v' those of 'z'"
    head = {"layers": [{"type": "dense", "units": 3, "name": "head"}]}
    rules = tinynet.TransferRules(allow_new=("head/*",), allow_dropped=("dense_1/*",))
    new = {**spec("classes.csv"), "network": head}
    plan_fine_tuning(new, folder / "run", rules=rules, data_root=folder)


def test_renamed_features_are_noted(folder):
    write(folder / "renamed.csv", ["a", "b_cm", "c_cm"], ["x", "y", "z"])
    assert plan(folder, "renamed.csv").notes[-1] == (
        "dense_1: the weights are carried by position, 'b_cm' those of 'b' and so on (2 features of"
        " 'input' have other names)"
    )


def test_another_vocabulary_is_refused(tmp_path):
    """Otherwise each word gets the vector of another one."""
    for name, words in {"old": "one two", "new": "five one two"}.items():
        (tmp_path / f"{name}.txt").write_text(f"yes\t{words}\nno\t{words} two\n" * 6)
    vocabulary = {"type": "vocabulary", "length": 4, "max_size": 9}
    text = {"type": "text_lines", "layout": "label_text", "transforms": [vocabulary]}
    layers = [
        {"type": "embedding", "input_dim": 9, "output_dim": 2},
        "flatten",
        {"type": "dense", "units": 2},
    ]
    old = {**spec(""), "data": {**text, "path": "old.txt"}, "network": {"layers": layers}}
    run = tinynet.train(old, tmp_path / "run", data_root=tmp_path)
    new = {**old, "data": {**text, "path": "new.txt"}}
    with pytest.raises(TransferRefusedError, match=r"embedding_1 .* add --keep-preprocessing"):
        plan_fine_tuning(new, run.path, data_root=tmp_path)
    rules = tinynet.TransferRules(keep_preprocessing=True)
    plan_fine_tuning(new, run.path, rules=rules, data_root=tmp_path)
