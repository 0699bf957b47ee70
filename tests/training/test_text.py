"""Training on text: windows, a vocabulary, checks, and exact resume."""

import json

import pytest

import tinynet
from tinynet.commands.check import check_spec
from tinynet.commands.verify_resume import verify_exact_resume
from tinynet.errors import DataError, ShapeError, TargetError

LINES = ["The moon rose over the quiet hills,", "and nobody saw it: no, not one!", "Très bien."]
VOCABULARY = {"type": "vocabulary", "on": ["input", "target"]}


@pytest.fixture
def write_spec(tmp_path):
    """Write a text and a spec that reads it; the path of the spec."""

    def write(units=27, transforms=(VOCABULARY,), **data):
        (tmp_path / "text.txt").write_text("\n".join(LINES * 12), encoding="utf-8")
        spec = {
            "tinynet": 1,
            "name": "text",
            "data": {
                "type": "text",
                "path": "text.txt",
                "length": 8,
                "split": {"order": "as_is", "validation": 8, "test": 0},
                "transforms": list(transforms),
                **data,
            },
            "network": {
                "layers": [
                    {"type": "embedding", "input_dim": 256, "output_dim": 8},
                    {"type": "dense", "units": units},
                ]
            },
            "training": {
                "steps": 30,
                "batch_size": 4,
                "seed": 3,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "adam", "learning_rate": 0.02},
                "metrics": ["accuracy"],
                "checkpoint": {"every_steps": 7},
            },
        }
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return path

    return write


def test_check_says_how_many_units_the_vocabulary_needs(write_spec):
    count = 27  # the 26 characters of the training split, and the index of unknown ones
    with pytest.raises(ShapeError) as raised:
        check_spec(write_spec(units=12))
    (problem,) = raised.value.problems
    assert problem.message.startswith(rf"the target has {count} classes ([UNK], ")
    assert problem.message.endswith(f"--set network.layers.dense_1.units={count}")
    assert check_spec(write_spec(units=count)).warnings == []


def test_check_says_that_characters_need_a_vocabulary(write_spec):
    with pytest.raises(TargetError, match='to "transforms"') as raised:
        check_spec(write_spec(transforms=[]))
    assert "text.txt, line 1, column 1: " in str(raised.value)
    assert 'add {"type": "vocabulary", "on": ["input", "target"]}' in str(raised.value)


def test_bytes_need_no_vocabulary(write_spec):
    assert check_spec(write_spec(units=256, transforms=[], unit="byte")).warnings == []


def test_a_killed_run_on_text_resumes_exactly(write_spec, tmp_path):
    verdict = verify_exact_resume(write_spec(), tmp_path / "runs", kills=2)
    assert verdict.exact, verdict.differences


def test_a_trained_model_labels_every_position(write_spec, tmp_path):
    """Labels are characters: those that probably follow each position."""
    path = write_spec()
    tinynet.train(path, tmp_path / "run", overrides={"training.steps": 200})
    model = tinynet.load_model(tmp_path / "run")
    (tmp_path / "new.txt").write_text("The quiet moon, one\n", encoding="utf-8")
    predictions = model.predict(tmp_path / "new.txt")
    assert predictions.labels.shape == (2, 8)
    assert predictions.classes[0] == "[UNK]"
    assert {*predictions.labels.flat} <= {*predictions.classes}
    after_q = predictions.labels[0][list("The quie").index("q")]
    assert after_q == "u"
    assert predictions.probabilities.shape == (2, 8, len(predictions.classes))


def test_a_separate_text_needs_the_same_unit(write_spec, tmp_path):
    (tmp_path / "other.txt").write_text("\n".join(LINES), encoding="utf-8")
    other = {"type": "text", "path": "other.txt", "length": 8}
    split = {"split": {"validation": 8}, "test": other}
    assert check_spec(write_spec(**split)).splits.test == len("\n".join(LINES)) // 8
    split["test"] = {**other, "unit": "byte"}
    message = "data.test: 'input' holds bytes, and characters in the training data; use the same"
    with pytest.raises(DataError, match=message):
        check_spec(write_spec(**split))
