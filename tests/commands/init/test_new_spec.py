"""Specs that `tinynet init` writes: each can be trained as it is."""

import json
import random

import numpy as np
import pytest

import tinynet
from tinynet.commands.init.new_spec import new_spec
from tinynet.commands.init.templates import templates
from tinynet.errors import DataError, UsageError
from tinynet.spec.reading import load_spec


def table(rows, header="size,color,when,note,id,weight,kind"):
    draw = random.Random(0)
    lines = [header]
    for i in range(rows):
        size = draw.gauss(0, 1)
        color = draw.choice(["red", "blue", "", "green"])
        kind = "large" if size + (color == "red") > 0.3 else "small"
        cell = "" if i % 9 == 0 else f"{size:.3f}"
        day = f"20{10 + draw.randrange(9)}-0{1 + draw.randrange(9)}-1{draw.randrange(9)}"
        note = f"{i} words of a note that no other row of the table has"
        lines.append(f"{cell},{color},{day},{note},{i},{draw.gauss(50, 9):.2f},{kind}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def things(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text(table(240))
    return path


def trained(result, **overrides):
    settings = {"training.epochs": 2, **overrides}
    return tinynet.train(result.path, result.path.parent / "run", overrides=settings)


def test_every_kind_of_column_has_an_encoding(things, tmp_path):
    result = new_spec(things, tmp_path / "spec.json", targets=["kind"])
    spec = json.loads(result.path.read_text())
    assert spec["data"]["columns"] == {
        "size": {"kind": "number", "missing": "median", "indicator": True},
        "color": "category",
        "when": "date",
        "note": "ignore",
        "id": "ignore",
        "weight": "number",
    }
    assert spec["data"]["path"] == "things.csv"
    assert spec["training"]["loss"] == "softmax_cross_entropy"
    assert spec["network"]["layers"][-1] == {"type": "dense", "units": 2}
    assert "'note' is not used: it holds 240 different texts" in spec["data"]["comment"]
    assert "'id' is not used: it numbers the rows" in spec["data"]["comment"]
    assert sum(result.samples) == 240
    run = trained(result, **{"training.epochs": 40})
    assert run.evaluate("test")["accuracy"] > 0.8


def test_numbers_are_a_regression_with_a_scaled_target(things, tmp_path):
    result = new_spec(things, tmp_path / "spec.json", targets=["weight"])
    spec = json.loads(result.path.read_text())
    assert spec["training"]["loss"] == "mse"
    assert spec["data"]["transforms"] == [{"type": "standardize", "on": ["input", "target"]}]
    assert trained(result).figures["val/mae"] > 0


def test_few_whole_numbers_are_classes_unless_the_task_says_more(tmp_path):
    path = tmp_path / "wine.csv"
    path.write_text("x,quality\n" + "".join(f"{i % 7}.5,{1 + i % 5}\n" for i in range(200)))
    data = json.loads(new_spec(path, tmp_path / "a.json", targets=["quality"]).text)["data"]
    assert data["target_type"] == "class"
    spec = new_spec(path, tmp_path / "b.json", targets=["quality"], task="regression")
    assert "target_type" not in json.loads(spec.text)["data"]


def test_several_targets_are_numbers(things, tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("a,b,c\n" + "".join(f"{i % 7}.5,{i * 0.3},{i * 1.7}\n" for i in range(60)))
    result = new_spec(path, tmp_path / "spec.json", targets=["b", "c"])
    assert json.loads(result.text)["network"]["layers"][-1]["units"] == 2
    with pytest.raises(UsageError, match="several targets are one target of numbers"):
        new_spec(path, tmp_path / "x.json", targets=["b", "c"], task="classification")
    with pytest.raises(UsageError, match="'kind' is not a number"):
        new_spec(things, tmp_path / "x.json", targets=["kind"], task="regression")


def test_rows_without_a_target_are_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "x,y\n" + "".join(f"{i % 9},{'NA' if i % 5 == 0 else i * 0.7}\n" for i in range(90))
    )
    result = new_spec(path, tmp_path / "spec.json", targets=["y"])
    assert sum(result.samples) == 72
    assert result.notes == ("18 rows without 'y' are left out",)


def test_a_series_is_split_in_its_order(tmp_path):
    path = tmp_path / "t.csv"
    days = [np.datetime64("2020-01-01") + i for i in range(120)]
    path.write_text("day,x,y\n" + "".join(f"{d},{i % 7},{i % 11}.5\n" for i, d in enumerate(days)))
    result = new_spec(path, tmp_path / "spec.json", targets=["y"])
    assert json.loads(result.text)["data"]["split"]["order"] == "as_is"
    assert "in the order of 'day'" in result.notes[0]


def test_a_table_of_texts_is_classified_by_its_words(tmp_path):
    words = random.Random(1)
    rows = []
    for i in range(120):
        label = "good" if i % 2 else "bad"
        rest = " ".join(
            words.choice("this that film plot cast scene end".split()) for _ in range(9)
        )
        rows.append(f'"{rest} {label}ish {i}",{label}')
    path = tmp_path / "reviews.csv"
    path.write_text("review,verdict\n" + "\n".join(rows) + "\n")
    result = new_spec(path, tmp_path / "spec.json", targets=["verdict"])
    data = json.loads(result.text)["data"]
    assert data["features"] == {"input": "review"}
    assert data["transforms"] == [{"type": "tfidf", "max_size": 20000, "min_count": 2}]
    assert trained(result, **{"training.epochs": 20}).evaluate("test")["accuracy"] > 0.8


def test_semicolons_and_decimal_commas_are_in_the_spec(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{i % 9},5;{'ab'[i % 2]}\n" for i in range(60)))
    data = json.loads(new_spec(path, tmp_path / "spec.json", targets=["y"]).text)["data"]
    assert (data["delimiter"], data["decimal"]) == (";", ",")


def test_a_table_without_names_has_positions(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{i % 9},{i % 7}.5,{'ab'[i % 2]}\n" for i in range(60)))
    result = new_spec(path, tmp_path / "spec.json", targets=["-1"])
    assert json.loads(result.text)["data"]["target"] == 2
    trained(result)


def test_a_text_has_a_language_model(tmp_path):
    (tmp_path / "tale.txt").write_text("once upon a time there was a cat. " * 200)
    result = new_spec(tmp_path / "tale.txt", tmp_path / "spec.json")
    assert json.loads(result.text)["data"]["type"] == "text"


def test_a_folder_of_texts_has_its_folders_as_classes(tmp_path):
    for label in ("ham", "spam"):
        (tmp_path / "mail" / label).mkdir(parents=True)
        for i in range(20):
            (tmp_path / "mail" / label / f"{i}.txt").write_text(f"{label} again {i}")
    result = new_spec(tmp_path / "mail", tmp_path / "spec.json")
    assert json.loads(result.text)["data"]["type"] == "text_folder"
    assert trained(result, **{"training.epochs": 60}).evaluate("test")["accuracy"] == 1.0


@pytest.fixture
def images(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")
    rng = np.random.default_rng(0)
    for label, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for i in range(15):
            pixels = rng.normal(level, 20, (20 + i % 3, 24, 3)).clip(0, 255).astype(np.uint8)
            image.fromarray(pixels).save(tmp_path / "photos" / label / f"{i}.png")
    for part in ("images", "masks"):
        (tmp_path / "scenes" / part).mkdir(parents=True)
    for i in range(15):
        mask = (rng.random((18, 18)) < 0.4).astype(np.uint8)
        image.fromarray(mask * 200).save(tmp_path / "scenes" / "images" / f"{i}.png")
        image.fromarray(mask * 255).save(tmp_path / "scenes" / "masks" / f"{i}.png")
    return tmp_path


def test_a_folder_of_images_has_its_folders_as_classes(images):
    result = new_spec(images / "photos", images / "spec.json")
    assert json.loads(result.text)["data"]["size"] == [24, 24]
    assert trained(result).finished


def test_images_with_masks_have_a_class_for_each_pixel(images):
    result = new_spec(images / "scenes", images / "spec.json")
    spec = json.loads(result.text)
    assert spec["data"]["masks"] == "scenes/masks"
    assert spec["data"]["size"] == [16, 16], "three sizes of a U-Net need sides that divide by 8"
    assert trained(result).finished


@pytest.mark.parametrize("template", [t.name for t in templates()])
def test_every_template_is_valid(template, tmp_path):
    result = new_spec(template, tmp_path / "spec.json")
    assert load_spec(result.path).name
    assert result.is_tried == ("path" not in json.loads(result.text)["data"])


def test_data_elsewhere_need_a_data_root(things, tmp_path):
    (tmp_path / "here").mkdir()
    result = new_spec(things, tmp_path / "here" / "spec.json", targets=["kind"])
    assert result.data_root == tmp_path
    assert json.loads(result.text)["data"]["path"] == "things.csv"


def test_mistakes_write_nothing(things, tmp_path):
    spec = tmp_path / "spec.json"
    for arguments, message in (
        ({}, "name the column of .*, such as --target kind; its columns: 'size', 'color'"),
        ({"targets": ["knd"]}, "has no column 'knd'; did you mean 'kind'"),
        ({"targets": ["9"]}, "has 7 columns, and no column 9"),
    ):
        with pytest.raises(UsageError, match=message):
            new_spec(things, spec, **arguments)
    with pytest.raises(DataError, match=r"no such file or folder.*things.csv"):
        new_spec(tmp_path / "thing.csv", spec)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no folder with files in it"):
        new_spec(tmp_path / "empty", spec)
    (tmp_path / "a.bin").write_bytes(b"x")
    with pytest.raises(UsageError, match="not a file that init can read"):
        new_spec(tmp_path / "a.bin", spec)
    assert not spec.exists()


def test_a_file_is_overwritten_only_with_force(things, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text("mine")
    with pytest.raises(UsageError, match="exists; add --force"):
        new_spec(things, spec, targets=["kind"])
    assert spec.read_text() == "mine"
    new_spec(things, spec, targets=["kind"], force=True)
    assert load_spec(spec).name == "things"
