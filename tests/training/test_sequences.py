"""Checks of sequences of tokens: their padding, and the sizes of their vocabularies."""

import json

import pytest

from tinynet.commands.check import check_spec
from tinynet.errors import SpecError

VOCABULARY = {"type": "vocabulary", "unit": "whitespace"}


@pytest.fixture
def checked(tmp_path):
    (tmp_path / "words.txt").write_text("the cat\na dog ran\n" * 8)
    (tmp_path / "tags.txt").write_text("D N\nD N V\n" * 8)

    def checked(loss, metric, input_dim=7):
        spec = {
            "tinynet": 1,
            "name": "tags",
            "data": {
                "type": "text_lines",
                "path": "words.txt",
                "labels": "tags.txt",
                "target": "tags",
                "transforms": [VOCABULARY, {**VOCABULARY, "on": "target"}],
            },
            "network": {
                "layers": [
                    {"type": "embedding", "input_dim": input_dim, "output_dim": 2},
                    {"type": "dense", "units": 5},
                ]
            },
            "training": {
                "steps": 1,
                "loss": {"type": "softmax_cross_entropy", **loss},
                "metrics": [{"type": "accuracy", **metric}],
                "optimizer": "sgd",
            },
        }
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        warnings = check_spec(tmp_path / "spec.json").warnings
        return {warning.pointer: warning.message for warning in warnings}

    return checked


def test_padding_that_counts_as_a_class_is_a_warning(checked):
    ignored = {"ignore_label": 0}
    assert checked(ignored, ignored) == {}
    message = "the padding of 'target', index 0, counts as a class; set \"ignore_label\": 0"
    assert checked({}, ignored) == {"/training/loss": message}
    assert checked({"ignore_label": 3}, {}) == {
        "/training/loss": message,
        "/training/metrics/0": message,
    }


def test_an_embedding_must_have_a_vector_for_each_index(checked):
    with pytest.raises(SpecError) as caught:
        checked({}, {}, input_dim=5)
    (problem,) = caught.value.problems
    assert problem.pointer == "/network/layers/0"
    assert problem.message == (
        "the input 'input' has 7 indices, but 'embedding_1' has vectors for 5; use --set"
        ' network.layers.embedding_1.input_dim=7, or "max_size": 5 in its transform'
    )


def test_tags_must_be_at_the_positions_of_their_words(checked, tmp_path):
    ignored = {"ignore_label": 0}
    checked(ignored, ignored)
    spec = json.loads((tmp_path / "spec.json").read_text())
    words, tags = spec["data"]["transforms"]
    words["padding"] = "pre"
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(SpecError, match="not at the positions of the words of 'input'; give"):
        check_spec(tmp_path / "spec.json")
    tags["padding"] = "pre"
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert check_spec(tmp_path / "spec.json").warnings == []


def test_words_and_tags_must_be_cut_at_the_same_end(checked, tmp_path):
    """Full lengths hide the shift: no position is padding."""
    checked({"ignore_label": 0}, {"ignore_label": 0})
    spec = json.loads((tmp_path / "spec.json").read_text())
    words, tags = spec["data"]["transforms"]
    words |= {"length": 2, "truncation": "pre"}
    tags |= {"length": 2}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(SpecError, match='the same "length", "padding" and "truncation"'):
        check_spec(tmp_path / "spec.json")
    tags["truncation"] = "pre"
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert check_spec(tmp_path / "spec.json").warnings == []


def test_bytes_that_never_occur_need_no_vector(tmp_path):
    (tmp_path / "text.txt").write_text("plain ASCII text " * 9)
    spec = {
        "tinynet": 1,
        "name": "bytes",
        "data": {"type": "text", "path": "text.txt", "length": 5, "unit": "byte"},
        "network": {
            "layers": [
                {"type": "embedding", "input_dim": 128, "output_dim": 2},
                {"type": "dense", "units": 256},
            ]
        },
        "training": {"steps": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert check_spec(tmp_path / "spec.json").warnings == []
