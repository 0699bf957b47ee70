"""`tinynet predict`: raw inputs from every kind of file, predictions to every kind of file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import tinynet as library
from tinynet.builtin.datasets.digits import Digits

Image = pytest.importorskip("PIL.Image")

DATASET = Digits(Digits.Config())


@pytest.fixture
def images():
    """Three raw digits."""
    return DATASET.gather(np.arange(3)).inputs["input"]


@pytest.fixture
def expected(run, images):
    """Return the network's predictions from Python."""
    return library.load_model(run).network.predict(images * np.float32(0.0625))


@pytest.fixture
def digits_npy(images):
    np.save("digits.npy", images)
    return Path("digits.npy")


def test_labels_and_probabilities_are_shown_as_a_table(tinynet, run, digits_npy, expected):
    result = tinynet("predict", run, digits_npy)
    assert result.code == 0
    head, *rows = (line.split() for line in result.out.splitlines())
    assert head == ["sample", "label", "probability"]
    best = expected.max(axis=1)
    assert rows == [
        [str(i), str(expected[i].argmax()), f"{best[i]:.4f}"] for i in range(len(expected))
    ]


def test_json_has_every_probability_and_nothing_else_is_on_stdout(
    forked, run, digits_npy, expected
):
    result = forked("predict", run, digits_npy, "--json", "--threads", 1)
    assert result.code == 0
    assert result.err == ""
    report = result.json
    assert report["samples"] == 3
    assert report["classes"] == list("0123456789")
    assert report["labels"] == [str(label) for label in expected.argmax(axis=1)]
    np.testing.assert_allclose(report["probabilities"], expected, rtol=1e-5)


def test_the_number_of_threads_changes_no_bit(tinynet, run):
    np.save("all.npy", DATASET.gather(np.arange(len(DATASET))).inputs["input"])
    one, three = (tinynet("predict", run, "all.npy", "--json", "--threads", n) for n in (1, 3))
    assert one.json["samples"] == len(DATASET)
    assert one.out == three.out


def test_a_single_sample_needs_no_batch_axis(tinynet, run, images):
    np.save("one.npy", images[0])
    assert tinynet("predict", run, "one.npy", "--json").json["samples"] == 1


def test_npz_gives_an_array_for_each_input(tinynet, run, images, digits_npy):
    np.savez("digits.npz", input=images, other=np.zeros(3))
    one, other = (
        tinynet("predict", run, name, "--json").json for name in ("digits.npz", digits_npy)
    )
    assert one == other
    np.savez("wrong.npz", pixels=images)
    result = tinynet("predict", run, "wrong.npz")
    assert result.code == 3
    assert "'input'" in result.err


def test_several_files_follow_one_another(tinynet, run, images):
    for index, image in enumerate(images):
        np.save(f"{index}.npy", image[None])
    together = tinynet("predict", run, "0.npy", "1.npy", "2.npy", "--json").json
    assert together["samples"] == 3


def test_images_are_read_as_they_are(tinynet, run, images, digits_npy):
    for index, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(f"{index}.png")
    report = tinynet("predict", run, "0.png", "1.png", "2.png", "--json").json
    assert report.pop("files") == ["0.png", "1.png", "2.png"]
    assert report == tinynet("predict", run, digits_npy, "--json").json


def test_images_of_another_size_are_resized_only_when_asked(tinynet, run):
    Image.new("L", (16, 12)).save("large.png")
    result = tinynet("predict", run, "large.png")
    assert result.code == 3
    assert "16 x 12" in result.err
    assert "--resize" in result.err
    assert tinynet("predict", run, "large.png", "--resize", "--quiet").code == 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("width,height\n0.1,0.9\n0.9,0.1\n", "a header"),
        ("height,name,width\n0.9,a,0.1\n0.1,b,0.9\n", "columns in another order, and one more"),
    ],
)
def test_columns_of_a_csv_go_by_name(tinynet, table_run, text, kind):
    Path("new.csv").write_text(text)
    assert tinynet("predict", table_run, "new.csv", "--json").json["labels"] == ["lily", "rose"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,4\n", "the header lacks 'width', 'height'; it names '1', '2'"),
        ("width\n1\n", "the header lacks 'height'"),
        ("width,height\n1,tall\n", "line 2"),
        ("", "is empty"),
        ("width,height\n", "no rows"),
    ],
)
def test_a_bad_csv_is_3_and_says_where(tinynet, table_run, text, message):
    Path("new.csv").write_text(text)
    result = tinynet("predict", table_run, "new.csv")
    assert result.code == 3
    assert message in result.err


def test_output_as_csv(tinynet, run, digits_npy, expected):
    result = tinynet("predict", run, digits_npy, "-o", "out.csv")
    assert (result.code, result.out) == (0, "out.csv: 3 predictions\n")
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == [str(label) for label in expected.argmax(axis=1)]
    assert float(rows[2]["p(7)"]) == pytest.approx(expected[2, 7], rel=1e-5)


def test_output_as_jsonl(tinynet, run, digits_npy, expected):
    assert tinynet("predict", run, digits_npy, "-o", "out.jsonl", "--quiet").out == ""
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["sample"] for row in rows] == [0, 1, 2]
    assert rows[2]["p(7)"] == pytest.approx(expected[2, 7], rel=1e-5)


def test_output_as_npz(tinynet, run, digits_npy, expected):
    result = tinynet("predict", run, digits_npy, "-o", "out.npz", "--json")
    assert result.json["output"] == "out.npz"
    with np.load("out.npz") as arrays:
        np.testing.assert_allclose(arrays["probabilities"], expected, rtol=1e-5)
        assert arrays["labels"].tolist() == [str(label) for label in expected.argmax(axis=1)]


def test_another_ending_is_refused(tinynet, run, digits_npy):
    result = tinynet("predict", run, digits_npy, "-o", "out.txt")
    assert result.code == 2
    assert ".csv, .jsonl, .npz" in result.err
    assert not Path("out.txt").exists()


def test_a_number_is_predicted_in_the_units_of_the_data(tinynet, table_spec, folder):
    """A target that was standardized for training comes back as it was in the table."""
    content = json.loads(table_spec.read_text())
    rows = [f"{i / 50},{i * 100 + 1000}" for i in range(50)]
    (folder / "table.csv").write_text("\n".join(["size,price", *rows]) + "\n")
    content["data"] |= {
        "target": "price",
        "transforms": [{"type": "standardize", "on": ["input", "target"]}],
    }
    content["network"]["layers"] = [{"type": "dense", "units": 1}]
    content["training"] |= {"loss": "mse", "metrics": ["mae"], "epochs": 100}
    table_spec.write_text(json.dumps(content))
    assert tinynet("train", table_spec, "--run", "r").code == 0
    Path("new.csv").write_text("size\n0.5\n")
    values = tinynet("predict", "r", "new.csv", "--json").json["outputs"]
    assert np.ravel(values) == pytest.approx([3500], rel=0.05)
    assert tinynet("predict", "r", "new.csv").out.split()[:2] == ["sample", "value"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.npy", "no such file: missing.npy; inputs in this folder: digits.txt"),
        ("digits.txt", ".npy, .npz, .csv"),
        ("wide.npy", "(N, 8, 8, 1)"),
    ],
)
def test_inputs_that_cannot_be_used_are_3(tinynet, run, name, message):
    np.save("wide.npy", np.zeros((3, 9, 8, 1)))
    Path("digits.txt").write_text("3")
    result = tinynet("predict", run, name)
    assert result.code == 3
    assert message in result.err


def test_a_missing_run_is_4_and_no_input_is_2(tinynet, run, digits_npy):
    assert tinynet("predict", "nowhere", digits_npy).code == 4
    assert tinynet("predict", run, digits_npy, "--checkpoint", "none.msgpack").code == 4
    assert tinynet("predict", run).code == 2
    assert tinynet("predict", run, digits_npy, "--max-params", 10).code == 2


def test_the_example_input_of_the_readme_holds_a_digit_of_each_kind(tinynet, write_spec, request):
    """It shows what an input looks like, so it must be one."""
    models = request.config.rootpath / "models"
    spec = models / "digits_cnn.json"
    assert tinynet("train", spec, "--run", "r", "--set", "training.epochs=3").code == 0
    report = tinynet("predict", "r", models / "examples" / "digits.npy", "--json").json
    right = sum(label == str(digit) for digit, label in enumerate(report["labels"]))
    assert right >= 9
