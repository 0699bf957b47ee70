"""Predictions of raw texts: a class for each, or a label for each word."""

from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError

KINDS = {"rose": "F", "lily": "F", "oak": "T", "elm": "T", "the": "D", "a": "D"}
TRAINING = {"epochs": 40, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.05}}


def sentences(count=120):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(list(KINDS), rng.integers(1, 5))) for _ in range(count)]


def tags(text):
    return [KINDS.get(word, "?") for word in text.split()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    texts = sentences()
    (folder / "words.txt").write_text("\n".join(texts))
    (folder / "tags.txt").write_text("\n".join(" ".join(tags(text)) for text in texts))
    lines = [f"{'tree' if 'T' in tags(text) else 'none'}\t{text}" for text in texts]
    (folder / "labeled.txt").write_text("\n".join(lines))
    return folder


def train(folder, name, data, layers, **training):
    spec = {
        "tinynet": 1,
        "name": name,
        "data": {"split": {"validation": 0, "test": 20}, **data},
        "network": {"layers": layers},
        "training": {**TRAINING, **training},
    }
    run = tinynet.train(spec, folder / name, data_root=folder)
    return run, tinynet.load_model(run.path)


@pytest.fixture(scope="module", params=["post", "pre"])
def tagger(folder, request):
    vocabulary = {
        "type": "vocabulary", "unit": "whitespace", "length": 5, "padding": request.param,
    }  # fmt: skip
    return train(
        folder,
        f"tagger_{request.param}",
        {
            "type": "text_lines",
            "path": "words.txt",
            "labels": "tags.txt",
            "target": "tags",
            "transforms": [vocabulary, {**vocabulary, "on": "target"}],
        },
        [{"type": "embedding", "input_dim": 9, "output_dim": 4}, {"type": "dense", "units": 5}],
        loss={"type": "softmax_cross_entropy", "ignore_label": 0},
        metrics=[{"type": "accuracy", "ignore_label": 0}],
    )


@pytest.fixture(scope="module")
def classifier(folder):
    return train(
        folder,
        "classifier",
        {
            "type": "text_lines",
            "path": "labeled.txt",
            "layout": "label_text",
            "transforms": [{"type": "bag_of_words", "binary": True}],
        },
        [{"type": "dense", "units": 2}],
        loss="softmax_cross_entropy",
        metrics=["accuracy"],
    )


def test_every_word_has_a_label_and_padding_has_none(tagger):
    run, model = tagger
    assert run.evaluate("test")["accuracy"] == 1.0
    texts = ["the rose", "a lily the oak elm", "elm"]
    predictions = model.predict(texts)
    assert predictions.labels.shape == (3, 5)
    assert predictions.columns[:3] == ["sample", "token", "label"]
    assert [row[:3] for row in predictions.rows()] == [
        [sample, word, label]
        for sample, text in enumerate(texts)
        for word, label in zip(text.split(), tags(text), strict=True)
    ]
    records = list(predictions.records())
    assert [record["tokens"] for record in records] == [text.split() for text in texts]
    assert [record["labels"] for record in records] == [tags(text) for text in texts]
    chances = [np.max(record["probabilities"], axis=1) for record in records]
    assert all(
        len(c) == len(tags(t)) and (c > 0.5).all() for c, t in zip(chances, texts, strict=True)
    )
    assert predictions.outputs["output"].lengths.tolist() == [2, 5, 1]
    assert predictions.values.shape == (3, 5, 5)


def test_words_beyond_the_length_have_no_label_and_a_warning(tagger):
    _, model = tagger
    with pytest.warns(UserWarning, match="1 of 2 texts have more words than the 5"):
        predictions = model.predict(["oak " * 7, "the"])
    assert [record["labels"] for record in predictions.records()] == [["T"] * 5, ["D"]]


def test_any_form_of_the_texts_has_the_same_predictions(classifier, folder):
    run, model = classifier
    assert run.evaluate("test")["accuracy"] > 0.9
    texts = sentences()
    (folder / "plain.txt").write_text("\n".join(texts))
    expected = model.predict(texts)
    assert expected.labels.tolist()[0] in ("none", "tree")
    for form in (
        tuple(texts),
        np.array(texts),
        np.array(texts, object),
        folder / "plain.txt",
        str(folder / "plain.txt"),
        folder / "labeled.txt",
        {"text": texts},
    ):
        predictions = model.predict(form)
        np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    kept = model.predict(folder / "labeled.txt", keep=["text"])
    assert list(kept.kept["text"]) == texts


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (["a", "", "b"], r"text 1 \(counted from 0\) is empty, or white space; remove such lines$"),
        (["a", 3], "is int, not str"),
        ("no_such_file.txt", "no such file"),
        (np.zeros((2, 3)), "holds floats, but the model expects texts of shape .N"),
        (np.zeros(2), "holds floats, but the model expects texts of shape .N"),
        ([], "the model expects texts"),
        (["\ud800"], "half of a Unicode character"),
    ],
)
def test_what_is_no_text_is_refused(classifier, x, message):
    with pytest.raises(DataError, match=message):
        classifier[1].predict(x)


def test_a_run_on_texts_resumes_with_its_vocabulary(classifier, folder, tmp_path):
    """Bit for bit, as if it had not been interrupted."""
    run, _ = classifier
    first = tinynet.train(
        run.path / "spec.json",
        tmp_path / "part",
        overrides={"training.epochs": 3},
        data_root=folder,
    )
    more = {"training.epochs": 40}
    resumed = tinynet.resume(first.path, overrides=more, data_root=folder, exact=True)
    whole, parts = (tinynet.load(r.path, preprocessed=True) for r in (run, resumed))
    for name, array in whole.params.items():
        np.testing.assert_array_equal(array, parts.params[name])


def test_validation_texts_leave_the_vocabulary_as_it_is(folder, tmp_path):
    lines = (folder / "labeled.txt").read_text().splitlines()
    for name, last in (("one", lines[-1]), ("other", "tree\tmaple maple fir")):
        (tmp_path / f"{name}.txt").write_text("\n".join([*lines[:-1], last]))
    words = []
    for name in ("one", "other"):
        data = {
            "type": "text_lines",
            "path": f"{name}.txt",
            "layout": "label_text",
            "split": {"order": "as_is", "validation": 5, "test": 0},
            "transforms": ["tfidf"],
        }
        spec = {
            "tinynet": 1,
            "name": name,
            "data": data,
            "network": {"layers": [{"type": "dense", "units": 2}]},
            "training": {"steps": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
        }
        trainer = tinynet.Trainer(spec, root=tmp_path)
        words.append(trainer.data.preprocessing.state())
    assert words[0].keys() == words[1].keys() == {
        "0/input/tokens_bytes", "0/input/tokens_offsets", "0/input/idf",
    }  # fmt: skip
    for name, array in words[0].items():
        np.testing.assert_array_equal(array, words[1][name])


def test_a_text_column_of_a_table(folder, tmp_path):
    """A list of texts stands for the table's only text column."""
    lines = [line.split("\t") for line in (folder / "labeled.txt").read_text().splitlines()]
    rows = [f'"{text}",{label}' for label, text in lines]
    (tmp_path / "words.csv").write_text("\n".join(["words,kind", *rows]))
    data = {
        "type": "csv",
        "path": "words.csv",
        "target": "kind",
        "columns": {"words": "text"},
        "features": {"words": "words"},
        "transforms": [{"type": "bag_of_words", "binary": True, "on": "words"}],
    }
    layers = [{"type": "dense", "units": 2, "inputs": "input:words"}]
    _, model = train(tmp_path, "table", data, layers, loss="softmax_cross_entropy")
    texts = [text for _, text in lines]
    expected = model.predict(texts)
    assert np.mean(expected.labels == [label for label, _ in lines]) > 0.9
    for form in ({"words": texts}, tmp_path / "words.csv", np.array(texts)):
        np.testing.assert_array_equal(model.predict(form).probabilities, expected.probabilities)


def test_names_of_files_are_no_texts(classifier, folder):
    _, model = classifier
    names = [str(folder / "words.txt"), str(folder / "labeled.txt")]
    with pytest.raises(DataError, match=r"names of files .* give paths: \[pathlib.Path"):
        model.predict(names)
    assert len(model.predict({"input": names})) == 2
    assert len(model.predict([*map(Path, names)])) == 240
    assert len(model.predict([names[0], "no file"])) == 2


def test_words_of_texts_that_are_cut(folder):
    cut = {"type": "vocabulary", "unit": "whitespace", "length": 2, "truncation": "pre"}
    data = {"type": "text_lines", "path": "words.txt", "labels": "tags.txt", "target": "tags"}
    data["transforms"] = [cut, {**cut, "on": "target"}]
    layers = [
        {"type": "embedding", "input_dim": 9, "output_dim": 4}, {"type": "dense", "units": 5},
    ]  # fmt: skip
    loss = {"type": "softmax_cross_entropy", "ignore_label": 0}
    _, model = train(folder, "cut", data, layers, loss=loss)
    with pytest.warns(UserWarning, match="2 of 3 texts have more words than the 2"):
        parts = list(model.predict_chunks(["the oak a elm", "rose", "a the lily"], keep="token"))
    rows = [row[:3] for part in parts for row in part.rows()]
    assert rows == [
        [0, "a", "D"],
        [0, "elm", "T"],
        [1, "rose", "F"],
        [2, "the", "D"],
        [2, "lily", "F"],
    ]


def test_a_file_of_texts_for_a_model_of_texts_in_memory(tmp_path):
    """Their dataset reads no files, but a text on each line is the same for all models."""
    texts = [f"{'good' if i % 2 else 'bad'} day {i}" for i in range(40)]
    spec = {"tinynet": 1, "name": "memory", "data": {"transforms": ["bag_of_words"]}}
    spec["network"] = {"layers": [{"type": "dense", "units": 2}]}
    spec["training"] = {**TRAINING, "epochs": 1, "loss": "softmax_cross_entropy"}
    run = tinynet.train(spec, tmp_path / "run", data=(texts, [i % 2 for i in range(40)]))
    model = tinynet.load_model(run.path)
    path = tmp_path / "new.txt"
    path.write_text("good day\nbad\n")
    assert np.array_equal(model.predict(path).values, model.predict(["good day", "bad"]).values)
    path.write_text("good day\n\nbad\n")
    with pytest.raises(DataError, match=r"new\.txt, line 2 is blank"):
        model.predict(path)
