"""The same bits from Python, from the command line, and from a single checkpoint file elsewhere."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

import tinynet as library

TRAINING = {
    "epochs": 4,
    "batch_size": 16,
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "loss": "softmax_cross_entropy",
}
DRAW = np.random.default_rng(7)


def spec(data, layers):
    return {
        "tinynet": 1,
        "name": "answers",
        "data": data,
        "network": {"layers": layers},
        "training": TRAINING,
    }


def passengers(path, count, *, target=True):
    """Write a table with numbers, categories, a date, and missing cells."""
    with Path(path).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "age", "sex", "port", "boarded", *(["survived"] if target else [])])
        for number in range(count):
            age = "" if number % 5 == 2 else f"{DRAW.integers(1, 80)}"
            sex = "NA" if number % 11 == 3 else DRAW.choice(["male", "female"])
            port = DRAW.choice(["S", "C", "Q"]) if target or number % 4 else "elsewhere"
            row = [f"p{number}", age, sex, port, f"1912-04-{number % 20 + 1:02}"]
            writer.writerow([*row, *([DRAW.choice(["yes", "no"])] if target else [])])


def table(folder):
    passengers(folder / "titanic.csv", 120)
    passengers("new.csv", 70, target=False)
    columns = {
        "age": {"missing": "median", "indicator": True},
        "port": "category",
        "sex": "category",
        "boarded": "date",
        "id": "ignore",
    }
    data = {"type": "csv", "path": "titanic.csv", "target": "survived", "columns": columns}
    data["transforms"] = ["standardize"]
    return spec(data, [{"type": "dense", "units": 16}, "relu", {"type": "dense", "units": 2}])


def texts(folder):
    words = ["good", "bad", "fine", "awful", "plot", "film", "the", "a", "grüße"]
    for name, count in ((folder / "reviews.txt", 100), (Path("new.txt"), 70)):
        with name.open("w", encoding="utf-8") as file:
            for number in range(count):
                text = " ".join(DRAW.choice(words, 3 + number % 6))
                label = f"{DRAW.choice(['pos', 'neg'])}\t" if name.parent == folder else ""
                file.write(f"{label}{text}\n")
    vocabulary = {"type": "vocabulary", "length": 8}
    data = {"type": "text_lines", "path": "reviews.txt", "layout": "label_text"}
    return spec(
        {**data, "transforms": [vocabulary]},
        [
            {"type": "sequence_mask", "name": "mask", "inputs": "input"},
            {"type": "embedding", "input_dim": 40, "output_dim": 8, "inputs": "input"},
            {"type": "lstm", "units": 8, "inputs": ["embedding_1", "mask"]},
            {"type": "dense", "units": 2},
        ],
    )


def images(folder):
    image_module = pytest.importorskip("PIL.Image", reason="images need Pillow")
    places = {folder / "photos" / kind: 20 for kind in ("cat", "dog")} | {Path("new"): 30}
    for place, count in places.items():
        place.mkdir(parents=True)
        for number in range(count):
            size = (8 + number % 3, 8, 3) if place.name == "new" else (8, 8, 3)
            pixels = DRAW.integers(0, 256, size).astype(np.uint8)
            image_module.fromarray(pixels).save(place / f"{number:02}.png")
    data = {"type": "image_folder", "path": "photos", "size": [8, 8]}
    return spec(
        {**data, "transforms": [{"type": "scale", "factor": 1 / 255}]},
        [
            {"type": "conv2d", "filters": 8, "kernel_size": 3},
            "batch_norm",
            "relu",
            "flatten",
            {"type": "dense", "units": 2},
        ],
    )


KINDS = {"table": (table, "new.csv"), "texts": (texts, "new.txt"), "images": (images, "new")}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_the_same_bits(tinynet, forked, tmp_path, monkeypatch, kind):
    make, source = KINDS[kind]
    home = tmp_path / "home"
    home.mkdir()
    run = library.train(make(home), home / "run", data_root=home)
    expected = library.load_model(run.path).predict(Path(source))
    answers = {"run, command": tinynet("predict", run.path, source, "--json").json}

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(run.checkpoints[-1], elsewhere / "model.msgpack")
    shutil.move(source, elsewhere / source)
    shutil.rmtree(home)
    monkeypatch.chdir(elsewhere)
    model = library.load_model("model.msgpack")
    answers |= {
        "file, Python": model.predict(Path(source)).to_json(),
        "file, command": tinynet("predict", "model.msgpack", source, "--json").json,
        "file, another process": forked("predict", "model.msgpack", source, "--json").json,
    }
    assert tinynet("predict", "model.msgpack", source, "-o", "out.npz").code == 0
    with np.load("out.npz") as saved:
        answers["file, part by part"] = {
            "labels": saved["labels"].tolist(),
            "probabilities": saved["probabilities"].tolist(),
        }
    for name, answer in answers.items():
        assert answer["labels"] == expected.labels.tolist(), name
        assert answer["probabilities"] == expected.probabilities.tolist(), name


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_at_a_time_has_the_same_bits(tmp_path, kind):
    make, source = KINDS[kind]
    run = library.train(make(tmp_path), tmp_path / "run", data_root=tmp_path)
    model = library.load_model(run.path)
    expected = model.predict(Path(source)).probabilities
    if kind == "table":
        with open(source, newline="") as file:
            samples = [[row] for row in csv.DictReader(file)]
    elif kind == "texts":
        samples = [[line] for line in Path(source).read_text("utf-8").splitlines()]
    else:
        samples = sorted(Path(source).iterdir())
    assert len(samples) == len(expected)
    for number in (0, 2, 3, len(samples) - 1):
        alone = model.predict(samples[number]).probabilities
        np.testing.assert_array_equal(alone, expected[number : number + 1])
