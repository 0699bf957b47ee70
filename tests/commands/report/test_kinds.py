"""Reports of networks of every kind, trained for a moment on the data in ``models/``."""

import json
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.commands.report import make_report
from tinynet.commands.report.attention import attention_weights

pytestmark = pytest.mark.extra

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture
def content_of(tmp_path):
    """The content of the report of a model that was trained for an epoch."""

    def made(name, **overrides):
        overrides = {"training.epochs": 1, **overrides}
        spec = MODELS / f"{name}.json"
        tinynet.train(spec, tmp_path / "run", overrides=overrides, observer=lambda event: None)
        content = make_report(tmp_path / "run", data_root=MODELS).content
        assert content.notices == ()
        return content

    return made


def test_images(content_of):
    content = content_of("digits_cnn")
    (output,) = content.outputs
    assert len(output.samples.samples) == 20
    (picture,) = output.samples.samples[0].pictures
    assert picture.png.startswith(b"\x89PNG")
    assert (picture.width, picture.height) == (8, 8)
    assert content.network.filters_of == "conv2d_1/weight"
    assert len(content.network.filters) == 16


def test_a_table_shows_its_columns(content_of):
    content = content_of("penguins_species")
    (output,) = content.outputs
    assert output.title == "species"
    assert output.samples.columns[0] == "bill_length_mm"
    line = int(output.samples.samples[0].place.rpartition(" ")[2])
    row = (MODELS / "data" / "penguins.csv").read_text().splitlines()[line - 1].split(",")
    assert output.samples.samples[0].cells[0] in row
    assert output.samples.samples[0].expected in row
    assert content.data.classes[0].title == "Classes of species"


def test_segmentation(content_of):
    (output,) = content_of("shapes_unet").outputs
    assert [picture.caption for picture in output.samples.samples[0].pictures[1:]] == [
        "true",
        "predicted",
    ]
    counts = np.array(output.classification.confusion.counts)
    assert counts.sum() == 120 * 16 * 16


def test_several_inputs_and_outputs(content_of):
    content = content_of("shapes_two_inputs")
    assert [output.title for output in content.outputs] == ["area", "kind"]
    assert content.outputs[0].regression is not None
    assert content.outputs[1].samples.columns == ("table 1", "table 2")


def test_tags_of_words_leave_out_padding(content_of):
    (output,) = content_of("ingredients_tagger").outputs
    sample = output.samples.samples[0]
    assert len(sample.expected.split()) == len(sample.text.split())
    assert len(sample.predicted.split()) == len(sample.text.split())


def test_texts_of_reviews(content_of):
    (output,) = content_of("reviews_tfidf").outputs
    sample = output.samples.samples[0]
    assert sample.text in (MODELS / "data" / "reviews.txt").read_text()


def test_forecasts_of_a_series(content_of):
    (output,) = content_of("weather_gru").outputs
    assert output.title == "temp_max"
    assert output.regression.steps.lines[0].x == (1.0, 2.0, 3.0)
    assert [line.name for line in output.samples.samples[0].chart.lines][-2:] == [
        "true",
        "predicted",
    ]


def test_a_text_generator(content_of):
    content = content_of("alice_lstm", **{"data.stride": 640, "network.layers.dense_1.units": 64})
    (output,) = content.outputs
    assert len(output.generated) == 3
    text = (MODELS / "data" / "alice.txt").read_text()
    assert all(generated.prompt in text for generated in output.generated)
    assert {len(generated.continuation) for generated in output.generated} == {200}
    assert len(output.classification.confusion.classes) == 30


def test_attention(content_of):
    content = content_of("alice_gpt", **{"data.stride": 640})
    assert content.network.attention_of.startswith("node transformer_1.multi_head_attention_1")
    values = np.array(content.network.attention[0].values)
    assert np.triu(values, 1).max() == 0
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-2)


def test_reconstructions(content_of):
    content = content_of("digits_vae")
    (output,) = content.outputs
    assert len(output.samples.samples[0].pictures) == 3
    assert output.regression.per_target.rows[0][0] == "all 64 numbers of a sample"


def test_labels_of_which_a_sample_has_any_number(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["x,y,tags"]
    for x, y in rng.normal(size=(200, 2)):
        tags = [name for name, value in (("right", x), ("high", y)) if value > 0]
        rows.append(f"{x:.4f},{y:.4f},{'|'.join(tags)}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    spec = {
        "tinynet": 1,
        "name": "tags",
        "data": {
            "type": "csv",
            "path": "table.csv",
            "target": "tags",
            "columns": {"tags": {"separator": "|", "missing": "unknown"}},
        },
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 20,
            "batch_size": 16,
            "loss": "binary_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    tinynet.train(tmp_path / "spec.json", tmp_path / "run")
    (output,) = make_report(tmp_path / "run", data_root=tmp_path).content.outputs
    assert output.classification.confusion is None
    assert {row[0] for row in output.classification.per_class.rows[:-2]} == {"right", "high"}
    assert "of which a sample has any number" in output.sentence
    assert "labels wrong" in output.samples.samples[0].details


def test_weights_of_attention_are_those_of_the_definition():
    rng = np.random.default_rng(1)
    query, key = rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 2, 3))
    mask = np.array([[1, 1, 1, 0, 1]])
    weights = attention_weights(query, key, mask, True, 0.5)
    scores = 0.5 * query[3, 2] @ key[:, 1].T
    powers = np.exp(scores) * mask[0] * (np.arange(5) <= 3)
    np.testing.assert_allclose(weights[2, 3], powers / powers.sum())
