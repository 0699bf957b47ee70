"""Networks of images in folders, from training to predictions, through the command line."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tinynet as library
from tinynet.builtin.images import pixels
from tinynet.files.image_resizing import Resizing
from tinynet.files.images import decode_values

Image = pytest.importorskip("PIL.Image", reason="images need Pillow")

TRAINING = {
    "epochs": 25,
    "batch_size": 8,
    "optimizer": {"type": "adam", "learning_rate": 0.03},
}
CONVOLUTION = {"type": "conv2d", "filters": 8, "kernel_size": 3, "padding": "same"}
SPLIT = {"validation": 8, "test": 12}
SCALE = [{"type": "scale", "factor": 1 / 255}]


def spec(name, data, layers, loss, metrics):
    return {
        "tinynet": 1,
        "name": name,
        "data": {"type": "image_folder", **data, "split": SPLIT, "transforms": SCALE},
        "network": {"layers": layers},
        "training": {**TRAINING, "loss": loss, "metrics": metrics},
    }


CLASSES = spec(
    "classes",
    {"path": "photos", "size": [8, 8]},
    [CONVOLUTION, "relu", "global_avg_pool2d", {"type": "dense", "units": 2}],
    "softmax_cross_entropy",
    ["accuracy"],
)
NUMBERS = spec(
    "numbers",
    {"path": "images", "table": "labels.csv", "target": "place", "color": "gray"},
    ["flatten", {"type": "dense", "units": 16}, "relu", {"type": "dense", "units": 1}],
    "mse",
    ["mae"],
)
MASKS = spec(
    "masks",
    {"images": "images", "masks": "masks", "classes": ["ground", "line"]}
    | {"size": [9, 9], "resize": "pad"},
    [CONVOLUTION, "relu", {"type": "conv2d", "filters": 2, "kernel_size": 1}],
    "softmax_cross_entropy",
    ["accuracy", "mean_iou"],
)


def picture(rng, upright):
    """Return a bright line on dark ground, its mask, and its position from 0 to 1."""
    ground = rng.integers(0, 60, (9, 12, 3)).astype(np.uint8)
    mask = np.zeros((9, 12), np.uint8)
    place = int(rng.integers(1, 8))
    mask[(slice(None), place) if upright else place] = 255
    ground[mask > 0] = rng.integers(180, 255, 3)
    return ground, mask, place / 8


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Sixty images: by class, with a table, and with masks."""
    root, rng, rows = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0), []
    for number in range(60):
        upright = number % 2 == 1
        pixels, mask, place = picture(rng, upright)
        image, name = Image.fromarray(pixels), f"{number:02}.png"
        kind = "upright" if upright else "level"
        files = {
            f"photos/{kind}/{number % 3}/{number}.{'jpg' if number % 5 else 'png'}": image,
            f"images/{name}": image,
            f"masks/{name}": Image.fromarray(mask),
        }
        for file, content in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            content.save(root / file)
        rows.append([name, f"{place}", kind])
    with (root / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "place", "kind"], *rows])
    return root


@pytest.fixture
def train(tinynet, folder, pictures):
    """Check and train a spec; return the metrics of the test split."""

    def run(document, run="run"):
        spec = folder / "spec.json"
        spec.write_text(json.dumps(document), encoding="utf-8")
        root = ("--data-root", pictures)
        assert tinynet("check", spec, *root).code == 0
        result = tinynet("train", spec, "--run", run, *root, "--quiet")
        assert result.code == 0, result.err
        return tinynet("evaluate", run, *root, "--json").json["metrics"]

    return run


def test_classes_from_folders(tinynet, train, pictures):
    assert train(CLASSES)["accuracy"] >= 0.9
    result = tinynet("predict", "run", pictures / "photos/upright", "-o", "out.csv")
    assert result.code == 0, result.err
    with open("out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    files = sorted((pictures / "photos/upright").rglob("*.*"))
    assert sorted(row["file"] for row in rows) == [str(file) for file in files]
    labels = [row["label"] for row in rows]
    assert labels.count("upright") >= 0.9 * len(labels)
    image = Image.open(files[0])
    image.save("a.png")
    image.save("b.JPEG")
    predictions = library.load_model("run").predict(["a.png", "b.JPEG", str(files[0].parent)])
    assert predictions.columns[:2] == ["file", "label"]
    assert Path(predictions.files[1]) == Path("b.JPEG")
    opened = [Image.open(row["file"]) for row in rows]
    assert library.load_model("run").predict(opened).labels.tolist() == labels
    for image in opened:
        image.close()


def _few(pictures, folder, table):
    """Copy six pictures with their masks, and write a table of them."""
    lines = (pictures / "labels.csv").read_text(encoding="utf-8").splitlines()[:7]
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for line in lines[1:]:
            name = line.split(",")[0]
            shutil.copy(pictures / kind / name, folder / kind / name)
    table.write_text("\n".join(lines), encoding="utf-8")


def test_numbers_from_a_table(tinynet, train, pictures):
    assert train(NUMBERS)["mae"] < 0.15
    result = tinynet("predict", "run", pictures / "images/03.png", pictures / "images/05.png")
    rows = [line.split() for line in result.out.splitlines()[1:]]
    assert [Path(row[0]).name for row in rows] == ["03.png", "05.png"]
    for table in ("new/labels.csv", "new/images/inner.csv"):
        _few(pictures, Path("new"), Path(table))
        figures = tinynet("evaluate", "run", "--data", table, "--json").json
        assert figures["samples"] == 6
        assert figures["metrics"]["mae"] < 0.3
    shutil.copy("new/labels.csv", "other.csv")  # the images stay those of the spec
    root = ("--data-root", pictures)
    assert tinynet("evaluate", "run", "--data", "other.csv", *root, "--json").json == figures
    with (pictures / "labels.csv").open(encoding="utf-8") as file:
        places = {row["file"]: float(row["place"]) for row in csv.DictReader(file)}
    for row in rows:
        assert float(row[-1]) == pytest.approx(places[Path(row[0]).name], abs=0.3)


def test_masks_from_pairs(tinynet, train, pictures, folder):
    """The network learns which pixels belong to the line, and `predict` returns their classes."""
    metrics = train(MASKS)
    assert metrics["accuracy"] > 0.95
    assert metrics["mean_iou"] > 0.8
    _few(pictures, Path("new"), Path("new/table.csv"))
    figures = tinynet("evaluate", "run", "--data", "new", "--json").json
    assert figures["samples"] == 6
    assert figures["metrics"]["mean_iou"] > 0.8
    shutil.rmtree("new/masks")
    result = tinynet("evaluate", "run", "--data", "new")
    assert result.code == 3
    assert "new lacks masks" in result.err
    labels = tinynet("predict", "run", pictures / "images/01.png", "--json").json["labels"]
    assert np.shape(labels) == (1, 9, 9)
    assert {label for row in labels[0] for label in row} == {"ground", "line"}
    assert tinynet("predict", "run", pictures / "images", "-o", "maps/").code == 0
    values, _ = decode_values("maps/01.png")
    restored = Resizing(9, 9, "pad").restore_nearest(np.array(labels[0]) == "line", (12, 9), 0)
    assert (values == restored).all()
    assert values.shape == (9, 12)
    assert len(list(Path("maps").iterdir())) == 60


def test_ignored_pixels_count_nowhere(tinynet, train, pictures, folder):
    """Image and mask are flipped together, with the pixels to ignore."""
    data = {**MASKS["data"], "ignore": [7], "resize": "pad", "size": [9, 12]}
    del data["classes"]
    flip = {"type": "random_flip", "on": ["input", "target"]}
    data["transforms"] = [flip, *SCALE]
    shutil.copytree(pictures / "images", folder / "images")
    (folder / "masks").mkdir()
    for path in (pictures / "masks").iterdir():
        values = np.array(Image.open(path))
        values[:3] = 7
        Image.fromarray(values).save(folder / "masks" / path.name)
    training = {**MASKS["training"], "metrics": ["accuracy"], "epochs": 4}
    document = {**MASKS, "data": data, "training": training}
    (folder / "spec.json").write_text(json.dumps(document), encoding="utf-8")
    result = tinynet("check", "spec.json")
    assert result.code == 2
    assert "the target has 3 classes (0, 255, ignored)" in result.err
    assert 'do not count, set "ignore_label": 2 in the loss and the metrics' in result.err
    loss = {"type": "softmax_cross_entropy", "ignore_label": 2}
    metrics = [{"type": "accuracy", "ignore_label": 2}]
    document["training"] |= {"loss": loss, "metrics": metrics}
    (folder / "spec.json").write_text(json.dumps(document), encoding="utf-8")
    result = tinynet("train", "spec.json", "--run", "run", "--quiet")
    assert result.code == 0, result.err
    assert tinynet("evaluate", "run", "--json").json["metrics"]["accuracy"] > 0.8
    labels = tinynet("predict", "run", "images/01.png", "--json").json["labels"]
    assert {label for row in labels[0] for label in row} <= {"0", "255"}


def test_a_resumed_run_is_exact(tinynet, folder, pictures):
    document = {**MASKS, "training": {**MASKS["training"], "epochs": 2}}
    spec = folder / "spec.json"
    spec.write_text(json.dumps(document), encoding="utf-8")
    result = tinynet("verify-resume", spec, "--kills", 1, "--data-root", pictures, "--json")
    assert result.json["exact"] is True


def test_the_run_does_not_depend_on_memory(train, monkeypatch):
    """Images that do not fit are decoded again in every epoch, in the background."""
    document = {**CLASSES, "training": {**CLASSES["training"], "epochs": 3}}
    kept = train(document, "kept")
    monkeypatch.setattr(pixels, "available_memory", lambda: 0)
    assert train(document, "decoded") == kept
    kept, decoded = (library.load_model(run).network.params for run in ("kept", "decoded"))
    for name, array in kept.items():
        np.testing.assert_array_equal(array, decoded[name])


def test_all_broken_files_are_named(tinynet, folder, pictures):
    shutil.copytree(pictures / "photos", folder / "photos")
    for number in (0, 1):
        (folder / f"photos/level/{number}.png").write_bytes(b"no image")
    (folder / "spec.json").write_text(json.dumps(CLASSES), encoding="utf-8")
    result = tinynet("check", "spec.json")
    assert result.code == 3
    assert "2 files cannot be used" in result.err
    assert "photos/level/0.png" in result.err
    assert "photos/level/1.png" in result.err
    assert tinynet("check", "spec.json", "--set", "data.skip_broken=true").code == 0


def test_class_maps_have_the_folders_of_their_images(tinynet):
    draw = np.random.default_rng(0)
    for number in range(24):
        name = f"{'left' if number % 2 else 'right'}/{number // 2:02}.png"
        for folder in ("images", "masks"):
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (9, 9, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(f"images/{name}")
        Image.fromarray(pixels[..., 0] // 128).save(f"masks/{name}")
    data = {"type": "image_folder", "images": "images", "masks": "masks"}
    data |= {"classes": ["dark", "bright"], "transforms": SCALE}
    layers = [{"type": "conv2d", "filters": 2, "kernel_size": 1}]
    training = {**TRAINING, "epochs": 1, "loss": "softmax_cross_entropy"}
    whole = {"tinynet": 1, "name": "m", "data": data, "network": {"layers": layers}}
    run = library.train({**whole, "training": training}, "run")
    assert tinynet("predict", run.path, "images", "-o", "maps/").code == 0
    maps = sorted(str(path.relative_to("maps")) for path in Path("maps").rglob("*.png"))
    assert maps == sorted(str(p.relative_to("images")) for p in Path("images").rglob("*.png"))
    labels = library.load_model(run.path).predict("images/left/03.png").labels[0]
    with Image.open("maps/left/03.png") as image:
        assert np.array_equal(np.asarray(image), labels == "bright")


def test_images_in_memory_have_the_answers_of_their_files():
    """A list of Pillow's images, of paths, of arrays, and a single image."""
    draw = np.random.default_rng(0)
    for kind in ("flat", "tall"):
        Path("photos", kind).mkdir(parents=True)
        for number in range(12):
            pixels = draw.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(Path("photos", kind, f"{number:02}.png"))
    small = {**CLASSES, "data": {**CLASSES["data"], "split": {"validation": 2, "test": 2}}}
    run = library.train(small, "run", overrides={"training.epochs": 1})
    model = library.load_model(run.path)
    paths = sorted(Path("photos/flat").iterdir())
    expected = model.predict(Path("photos/flat")).probabilities
    opened = [Image.open(path) for path in paths]
    for form in (paths, opened, [np.asarray(image) for image in opened]):
        np.testing.assert_array_equal(model.predict(form).probabilities, expected)
    np.testing.assert_array_equal(model.predict(opened[3]).probabilities, expected[3:4])
    every = [Image.open(path) for path in sorted(Path("photos").rglob("*.png"))]
    kinds = [Path(image.filename).parent.name for image in every]
    in_memory = library.evaluate(run.path, data=(every, kinds))
    for image in [*opened, *every]:
        image.close()
    figures = library.evaluate(run.path, data="photos").metrics
    assert in_memory.metrics == figures
    assert figures["accuracy"] == np.mean(
        [label == path.parent.name for path in sorted(Path("photos").rglob("*.png"))
         for label in model.predict(path).labels]
    )  # fmt: skip
