"""Every example of models/ loads, checks, and learns what it says it does."""

import hashlib
import io
import json
import runpy
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.standard.cifar import CIFAR10
from tinynet.training.events import Evaluated

MODELS = Path(__file__).parents[1] / "models"
SPECS = sorted(MODELS.glob("*.json"))
DIGITS = MODELS.parent / "tinynet" / "builtin" / "datasets" / "digits.npz"
SHARED = MODELS.parent.parent / "shared" / "data"

FLOORS = {
    "addition_seq2seq": {"accuracy": 0.97},
    "alice_gpt": {"accuracy": 0.29},
    "alice_lstm": {"accuracy": 0.39},
    "digits_cnn": {"accuracy": 0.985},
    "digits_mlp": {"accuracy": 0.96},
    "digits_residual": {"accuracy": 0.975},
    "digits_siamese": {"accuracy": 0.94},
    "digits_squeeze_excite": {"accuracy": 0.97},
    "digits_super_resolution": {"psnr": 15.5},
    "ingredients_tagger": {"accuracy": 0.99},
    "keywords_dscnn": {"accuracy": 0.95},
    "penguins_mass": {"r2": 0.7},
    "penguins_species": {"accuracy": 0.95, "f1": 0.95},
    "ratings_dcn": {"auc": 0.91},
    "ratings_two_tower": {"r2": 0.75},
    "ratings_wide_and_deep": {"auc": 0.88},
    "reviews_gru": {"accuracy": 0.97},
    "reviews_tfidf": {"accuracy": 0.87},
    "sentences_sentiment": {"accuracy": 0.97},
    "series_nbeats": {"r2": 0.75},
    "series_tcn": {"r2": 0.65},
    "shapes_two_inputs": {"kind/accuracy": 0.92, "area/r2": 0.94},
    "shapes_unet": {"accuracy": 0.98, "f1": 0.96},
    "shapes_unet_transposed": {"mean_iou": 0.98},
    "weather_gru": {"r2": 0.74},
    "words_tagger": {"accuracy": 0.99},
}
"""The least that each example on data that come with it must reach on its test split."""

CEILINGS = {"digits_denoising": {"mae": 0.075}, "digits_vae": {"image/mae": 0.09}}
"""The most of an error that an example may make on its test split."""

ENOUGH_EPOCHS = {
    "addition_seq2seq": 16,
    "alice_gpt": 2,
    "digits_cnn": 8,
    "digits_mlp": 15,
    "digits_residual": 4,
    "digits_siamese": 10,
    "digits_squeeze_excite": 3,
    "keywords_dscnn": 7,
    "ratings_dcn": 4,
    "ratings_wide_and_deep": 5,
    "sentences_sentiment": 7,
    "series_tcn": 11,
    "shapes_two_inputs": 20,
    "shapes_unet_transposed": 4,
    "weather_gru": 10,
    "words_tagger": 3,
}
"""Epochs after which an example that trains longer has reached its floors, too."""

ON_MNIST = {"mnist_cnn", "seed_cnn"}

PUBLISHED = {
    "cifar10_densenet40": 1_019_722,
    "cifar10_mobilenet": 3_217_226,
    "cifar10_resnet20": 269_722,
    "imagenet_squeezenet": 1_235_496,
}
"""Parameters of networks on data that do not come with tinynet, counted by hand from the papers'
tables (running statistics are none); SqueezeNet 1.1 of torchvision has the same number."""

needs_mnist = pytest.mark.skipif(
    not (SHARED / "mnist").is_dir(),
    reason="MNIST is no part of the project; this test wants it at ../shared/data/mnist",
)


def test_every_example_is_trained_by_a_test():
    """An example that nobody runs is wrong sooner or later."""
    assert {path.stem for path in SPECS} == {
        *FLOORS,
        *CEILINGS,
        *ON_MNIST,
        *PUBLISHED,
    }


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_an_example_is_valid_and_named_like_its_file(path):
    spec = tinynet.load_spec(path)
    assert spec.name == path.stem
    again = tinynet.load_spec(spec.resolved())
    assert again.resolved() == spec.resolved(), "what a run keeps of it says the same"


def check_that_noise_is_removed(run: tinynet.Run) -> None:
    """In evaluation the network adds no noise, so that its figures alone would not show this."""
    with np.load(DIGITS) as digits:
        clean = digits["images"].astype(float)
    noise = np.random.default_rng(0).normal(0, 0.3 * 16, clean.shape)
    noisy = np.clip(np.rint(clean + noise), 0, 16)
    denoised = tinynet.load_model(run.path).predict(noisy.astype(np.uint8)).values
    assert np.mean((denoised - clean) ** 2) <= 0.5 * np.mean((noisy - clean) ** 2)


CHECKS = {"digits_denoising": check_that_noise_is_removed}
"""Checks of trained examples besides those of their figures."""


@pytest.mark.parametrize("name", [*FLOORS, *CEILINGS])
def test_an_example_reaches_what_it_promises(name, tmp_path):
    epochs = ENOUGH_EPOCHS.get(name)
    train_and_evaluate(name, tmp_path, {"training.epochs": epochs} if epochs else {})


@pytest.mark.torture
@pytest.mark.parametrize("name", ENOUGH_EPOCHS)
def test_an_example_reaches_it_in_all_its_epochs(name, tmp_path, torture_count):
    train_and_evaluate(name, tmp_path, {})


def train_and_evaluate(name, folder, overrides):
    run = tinynet.train(MODELS / f"{name}.json", folder / "run", overrides=overrides)
    assert run.finished
    metrics = run.evaluate("test").metrics
    for metric, floor in FLOORS.get(name, {}).items():
        assert metrics[metric] >= floor
    for metric, ceiling in CEILINGS.get(name, {}).items():
        assert metrics[metric] <= ceiling
    if name in CHECKS:
        CHECKS[name](run)


@pytest.mark.parametrize("name", sorted(ON_MNIST))
def test_an_example_on_mnist_is_built_without_its_data(name, tmp_path):
    trainer = tinynet.Trainer(tinynet.load_spec(MODELS / f"{name}.json"), root=tmp_path)
    assert sum(param.size for param in trainer.network.params.values()) < 100_000


def data_of_published(root, monkeypatch):
    """Write a few random images to the files that the specs name, and to the cache."""
    rng = np.random.default_rng(0)
    (root / "data" / "imagenet").mkdir(parents=True)
    for part in ("", "val_"):
        images = rng.integers(256, size=(8, 48, 48, 3), dtype=np.uint8)
        np.save(root / "data" / "imagenet" / f"{part}images.npy", images)
        np.save(root / "data" / "imagenet" / f"{part}labels.npy", np.arange(8) * 100)
    members = {name: b"".join(b"%c" % i + rng.bytes(3072) for i in range(10)) for name in CIFAR}
    members["batches.meta.txt"] = b"\n".join(b"class%d" % i for i in range(10))
    (root / "cache" / "cifar10").mkdir(parents=True)
    packed = root / "cache" / "cifar10" / CIFAR10.file.name
    with tarfile.open(packed, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    monkeypatch.setattr(CIFAR10, "file", replace(CIFAR10.file, sha256=digest))
    monkeypatch.setenv("TINYNET_DATA", str(root / "cache"))


CIFAR = [*CIFAR10.parts["train"], *CIFAR10.parts["test"]]
"""Files of images in the archive of CIFAR-10."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_has_its_number_of_parameters(name):
    spec = tinynet.load_spec(MODELS / f"{name}.json")
    network = tinynet.Network(spec.network, dry=True)
    assert sum(param.size for param in network.params.values()) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_network_is_trained_on_files_like_its_own(name, tmp_path, monkeypatch):
    """One step on two images. SqueezeNet takes images of any size, here small ones."""
    data_of_published(tmp_path, monkeypatch)
    changes = {"data.split": {"validation": 2}}
    if name == "imagenet_squeezenet":
        changes["network.input_shape"] = [48, 48, 3]
    spec = tinynet.load_spec(MODELS / f"{name}.json", changes)
    trainer = tinynet.Trainer(spec, root=tmp_path)
    trainer.check()
    before = {address: param.copy() for address, param in trainer.network.params.items()}
    batch = trainer.data.batch("train", np.arange(2))
    trainer.train_step(batch.inputs, batch.targets)
    for address, param in trainer.network.params.items():
        assert np.any(param != before[address]), address


@needs_mnist
def test_the_mnist_example_learns_within_a_few_hundred_steps():
    """Its full five epochs: tests/benchmarks/mnist_accuracy.py."""
    length = {"training.epochs": None, "training.steps": 300}
    spec = tinynet.load_spec(MODELS / "mnist_cnn.json", length)
    trainer = tinynet.Trainer(spec, root=SHARED)
    trainer.check()
    *_, done = trainer.run()
    assert isinstance(done, Evaluated)
    assert done.figures["val/accuracy"] >= 0.96
    batch = trainer.data.batch("test", np.arange(2000))
    right = trainer.network.predict(batch.inputs).argmax(axis=1) == batch.targets["target"]
    assert right.mean() >= 0.95


@needs_mnist
def test_the_smallest_example_learns_on_mnist():
    length = {"training.epochs": None, "training.steps": 3000, "data.split": {"validation": 500}}
    spec = tinynet.load_spec(MODELS / "seed_cnn.json", length)
    *_, done = tinynet.Trainer(spec, root=SHARED).run()
    assert done.figures["val/accuracy"] >= 0.75


SCRIPTS = {
    "make_data.py": {"shapes", "digit_pairs"},
    "make_keywords.py": {"keywords"},
    "make_ratings.py": {"ratings"},
    "make_sequences.py": {"sentences", "tags", "sums", "series"},
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_makes_the_data_of_the_examples(script, tmp_path):
    folder = tmp_path / "models" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "tinynet").symlink_to(MODELS.parent / "tinynet")  # for the digits in it
    runpy.run_path(shutil.copy(MODELS / "data" / script, folder), run_name="__main__")
    files = list(folder.glob("*.npz"))
    assert {path.stem for path in files} == SCRIPTS[script]
    for path in files:
        with np.load(MODELS / "data" / path.name) as kept, np.load(path) as made:
            assert kept.keys() == made.keys()
            for array in made:
                np.testing.assert_array_equal(kept[array], made[array], strict=True)


def test_a_script_makes_the_texts_of_the_examples(tmp_path):
    script = shutil.copy(MODELS / "data" / "make_texts.py", tmp_path)
    runpy.run_path(script, run_name="__main__")
    made = sorted(path.name for path in tmp_path.glob("*.txt"))
    assert made == ["ingredients.txt", "ingredients_tags.txt", "reviews.txt"]
    for name in made:
        assert (tmp_path / name).read_bytes() == (MODELS / "data" / name).read_bytes()


def test_single_words_do_not_tell_whether_a_review_praises(tmp_path):
    """Or the floor of the recurrent network would notice no order of words that is lost."""
    spec = json.loads((MODELS / "reviews_tfidf.json").read_text())
    spec["data"]["transforms"] = ["bag_of_words"]
    run = tinynet.train(spec, tmp_path / "run", data_root=MODELS)
    assert run.evaluate("test").metrics["accuracy"] < 0.8


def test_every_file_of_arrays_has_a_script():
    made = set.union(*SCRIPTS.values())
    assert {path.stem for path in (MODELS / "data").glob("*.npz")} == made


def test_words_after_a_sentence_mislead_a_network_without_its_mask(tmp_path):
    """Or the floor of the example would notice no mask that is broken."""
    spec = json.loads((MODELS / "sentences_sentiment.json").read_text())
    mask, _, gru, _ = spec["network"]["layers"]
    gru["inputs"].remove(mask["name"])
    spec["network"]["layers"].remove(mask)
    del spec["data"]["inputs"]["length"]
    run = tinynet.train(spec, tmp_path / "run", data_root=MODELS)
    floor = FLOORS["sentences_sentiment"]["accuracy"]
    assert run.evaluate("test").metrics["accuracy"] < floor - 0.04


def test_no_digit_of_the_test_pairs_is_in_a_training_pair():
    """The Siamese example would be praised for what it learnt by heart."""
    with np.load(MODELS / "data" / "digit_pairs.npz") as pairs:
        images = {
            part: {image.tobytes() for side in ("left", "right") for image in pairs[part + side]}
            for part in ("", "test_")
        }
    assert not images[""] & images["test_"]


def test_ratings_are_no_sum_of_effects_of_single_columns():
    """Or a linear model would reach the floors of the networks, whose idea is interactions."""
    with np.load(MODELS / "data" / "ratings.npz") as data:
        columns = [data[name] for name in ("user", "item", "group", "genre", "price")]
        rating = data["rating"] - data["rating"].mean()
    hot = [np.equal.outer(column.ravel(), np.unique(column)) for column in columns]
    x = np.concatenate(hot, axis=1).astype(float)
    weights = np.linalg.lstsq(x.T @ x, x.T @ rating, rcond=1e-9)[0]
    r2 = 1 - np.var(rating - x @ weights) / np.var(rating)
    assert r2 < 0.25
