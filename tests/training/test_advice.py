"""Warnings about specs that train, but probably not as intended."""

import json
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tinynet.commands.check import check_spec

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("models/*.json"))
PLUGIN_EXAMPLES = sorted(ROOT.glob("plugins/*/*.json"))

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
INPUTS = RNG.normal(size=(60, 3))
CROSS = "softmax_cross_entropy"


@pytest.fixture
def warnings_of(tmp_path):
    """Return pointer and message of each warning about arrays and a network."""

    def find(x=INPUTS, y=LABELS, layers=({"type": "dense", "units": 3},), loss=CROSS, **parts):
        np.savez(tmp_path / "data.npz", x=x, y=y)
        spec = {
            "tinynet": 1,
            "name": "advice",
            "data": {
                "type": "npz",
                "path": "data.npz",
                "transforms": parts.pop("transforms", []),
                "split": parts.pop("split", {"validation": 0, "test": 0}),
            },
            "network": {"layers": list(layers)},
            "training": {"epochs": 1, "loss": loss, "optimizer": "sgd", **parts},
        }
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec))
        checked = check_spec(path)
        assert all(warning.line for warning in checked.warnings)
        return {warning.pointer: warning.message for warning in checked.warnings}

    return find


def dense(units):
    return {"type": "dense", "units": units}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_have_no_warnings(path):
    # The data of the others are not part of the project.
    reads = path.stem.partition("_")[0] not in {"cifar10", "imagenet", "mnist", "seed"}
    assert check_spec(path, read_data=reads).warnings == []


@pytest.mark.parametrize("path", PLUGIN_EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_plugins_have_no_warnings(path, register, monkeypatch):
    monkeypatch.syspath_prepend(path.parent)
    project = tomllib.loads((path.parent / "pyproject.toml").read_text())["project"]
    for group, entries in project["entry-points"].items():
        for name, target in entries.items():
            module, _, cls = target.partition(":")
            register(group.removeprefix("tinynet."), name, getattr(import_module(module), cls))
    assert check_spec(path).warnings == []


def test_good_spec_has_no_warnings(warnings_of):
    assert warnings_of() == {}


@pytest.mark.parametrize("tail", [[], ["flatten", "identity"], [{"type": "dropout", "rate": 0.1}]])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_an_activation_that_the_loss_applies_itself(warnings_of, activation, tail):
    warnings = warnings_of(layers=[dense(3), activation, *tail])
    assert list(warnings) == ["/network/layers/1"]
    assert f"applies softmax itself, so '{activation}_1' squashes" in warnings["/network/layers/1"]
    assert f"remove '{activation}_1'" in warnings["/network/layers/1"]
    warnings = warnings_of(y=LABELS % 2, layers=[dense(1), activation, *tail], loss=BINARY)
    assert "binary_cross_entropy applies sigmoid itself" in warnings["/network/layers/1"]


@pytest.mark.parametrize("loss", [CROSS, "categorical_hinge", "categorical_focal_cross_entropy"])
@pytest.mark.parametrize("activation", ["softmax", "sparsemax"])
def test_every_loss_whose_predictions_are_a_softmax(warnings_of, activation, loss):
    (message,) = warnings_of(layers=[dense(3), activation], loss=loss).values()
    assert f"{loss} applies softmax itself, so '{activation}_1' squashes" in message


def test_an_exponential_before_poisson(warnings_of):
    data = {"y": RNG.random(60), "layers": [dense(1), "exponential"]}
    (message,) = warnings_of(**data, loss="poisson").values()
    assert message.startswith("poisson applies exp itself, so 'exponential_1' makes the rate the")
    assert message.endswith("predictions are rates without it")
    assert warnings_of(**data, loss={"type": "poisson", "log_input": False}) == {}


def test_an_activation_by_its_name_is_known_too(warnings_of):
    named = {"type": "activation", "activation": "softmax"}
    warnings = warnings_of(layers=[dense(3), named])
    assert "remove 'activation_1'" in warnings["/network/layers/1"]
    assert warnings_of(layers=[dense(8), {**named, "activation": "relu"}, dense(3)]) == {}


def test_a_loss_of_probabilities_applies_no_activation_itself(warnings_of):
    layers, y = [dense(1), "sigmoid"], LABELS % 2
    warnings = warnings_of(y=y, layers=layers, loss="dice")
    assert "dice applies sigmoid itself" in warnings["/network/layers/1"]
    assert warnings_of(y=y, layers=layers, loss={"type": "dice", "from_logits": False}) == {}


def test_lengths_in_epochs_are_compared_in_steps(warnings_of):
    schedule = {"type": "cosine", "warmup_steps": {"epochs": 1}}
    (message,) = warnings_of(batch_size=20, schedule=schedule).values()
    assert "the warm-up of 3 steps takes the whole run of 3 steps" in message
    assert warnings_of(batch_size=20, schedule=schedule, epochs=2) == {}


BINARY = "binary_cross_entropy"


def test_activations_elsewhere_give_no_warning(warnings_of):
    assert warnings_of(layers=[dense(4), "softmax", dense(3)]) == {}
    assert warnings_of(layers=[dense(4), "sigmoid", dense(3)]) == {}
    numbers = RNG.random(60)
    assert warnings_of(y=numbers, layers=[dense(1), "sigmoid"], loss="mse") == {}


IMAGES = RNG.integers(0, 256, (60, 4, 4, 1)).astype(np.uint8)
CONVOLUTION = [{"type": "conv2d", "filters": 2, "kernel_size": 3}, "relu", "flatten", dense(3)]


def test_byte_images_need_a_scale(warnings_of):
    message = warnings_of(IMAGES, layers=CONVOLUTION)["/data/transforms"]
    low, high = IMAGES.min(), IMAGES.max()
    assert f"unscaled, with values from {low} to {high}; add {{" in message
    transform = json.loads(message.partition("add ")[2].partition(' to "transforms"')[0])
    assert transform == {"type": "scale", "factor": 0.00392156862745098}
    assert warnings_of(IMAGES, layers=CONVOLUTION, transforms=[transform]) == {}
    small = (IMAGES // 16).astype(np.uint8)  # from 0 to 15, as in the dataset of digits
    assert warnings_of(small, layers=CONVOLUTION) == {}


def test_large_numbers_need_standardize(warnings_of):
    message = warnings_of(INPUTS * 100 + 500)["/data/transforms"]
    transform = json.loads(message.partition("add ")[2].partition(' to "transforms"')[0])
    assert transform == {"type": "standardize"}
    assert warnings_of(INPUTS * 100 + 500, transforms=[transform]) == {}


def test_large_columns_of_a_table_are_named(tmp_path):
    rows = [f"{index % 7},{index * 100},{'ab'[index % 2]}" for index in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["small,large,kind", *rows]) + "\n")
    spec = {
        "tinynet": 1,
        "name": "columns",
        "data": {"type": "csv", "path": "t.csv", "target": "kind"},
        "network": {"layers": [dense(2)]},
        "training": {"epochs": 1, "loss": CROSS, "optimizer": "sgd"},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (warning,) = check_spec(tmp_path / "spec.json").warnings
    assert "with values from 0 to 5900 (in large); add" in warning.message


@pytest.mark.parametrize(
    "layers",
    [
        ["layer_norm", dense(3)],
        [dense(4), "batch_norm", dense(3)],
        [{"type": "embedding", "input_dim": 300, "output_dim": 4}, "flatten", dense(3)],
    ],
    ids=["layer_norm", "batch_norm", "embedding"],
)
def test_normalized_inputs_and_indices_give_no_warning(warnings_of, layers):
    x = RNG.integers(0, 256, (60, 3))
    assert warnings_of(x, layers=layers) == {}


@pytest.mark.parametrize(
    ("scale", "offset"), [(1000, 0), (5, 200), (1e-4, 0)], ids=["wide", "far", "narrow"]
)
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_unscaled_targets_need_standardize(warnings_of, loss, scale, offset):
    parts = {"y": RNG.normal(size=60) * scale + offset, "layers": [dense(1)], "loss": loss}
    message = warnings_of(**parts)["/data/transforms"]
    assert "the target 'target' is unscaled (mean " in message
    transform = json.loads(message.partition("add ")[2].partition(' to "transforms"')[0])
    assert transform == {"type": "standardize", "on": "target"}
    assert warnings_of(**parts, transforms=[transform]) == {}


@pytest.mark.parametrize("scale", [0.1, 1, 5])
def test_targets_around_one_give_no_warning(warnings_of, scale):
    assert warnings_of(y=RNG.normal(size=60) * scale, layers=[dense(1)], loss="mse") == {}
    assert warnings_of(y=np.full(60, 0.5), layers=[dense(1)], loss="mse") == {}


def test_classes_for_a_loss_of_numbers(warnings_of):
    message = warnings_of(layers=[dense(1)], loss="mse")["/training/loss"]
    assert message.startswith("mse takes the classes of 'target' (0, 1, 2) for the numbers 0 to 2")
    assert warnings_of(y=LABELS % 2, layers=[dense(1)], loss="mse") == {}


def test_more_units_than_classes(warnings_of):
    message = warnings_of(layers=[dense(5)])["/training/loss"]
    assert message == (
        "the output 'output' has 5 units, but 'target' has only 3 classes (0, 1, 2), so"
        " predictions have no labels; use --set network.layers.dense_1.units=3"
    )
    assert warnings_of(layers=[dense(3)]) == {}


NORMALIZED = [dense(4), "batch_norm", "relu", dense(3)]


def test_batch_norm_over_one_sample(warnings_of):
    message = warnings_of(layers=NORMALIZED, batch_size=1)["/training/batch_size"]
    assert "over 1 sample the result is always 0; use --set training.batch_size=32" in message
    assert warnings_of(layers=NORMALIZED, batch_size=32) == {}


def test_batch_norm_over_a_last_batch_of_one(warnings_of):
    parts = {"x": INPUTS[:31], "y": LABELS[:31], "layers": NORMALIZED}
    message = warnings_of(**parts, batch_size=15)["/training/batch_size"]
    assert "the last batch of an epoch has 1 of 31 samples" in message
    better = int(message.rpartition("=")[2])
    assert warnings_of(**parts, batch_size=better) == {}
    assert warnings_of(**parts, batch_size=16) == {}
    assert warnings_of(**parts, batch_size=15, epochs=None, steps=2) == {}, "it is never reached"


def test_batch_norm_of_images_with_one_sample_gives_no_warning(warnings_of):
    layers = [CONVOLUTION[0], "batch_norm", *CONVOLUTION[1:]]
    assert warnings_of(IMAGES / 255, layers=layers, batch_size=1) == {}


SEQUENCE = np.sin(np.arange(200) / 5) + np.arange(200) / 100
HELD_OUT = {"validation": 0.1, "test": 0}


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("channels", [False, True])
def test_overlapping_windows_that_are_split_at_random(warnings_of, steps, channels):
    windows = np.stack([SEQUENCE[start : start + 10] for start in range(0, 180, steps)])
    x = windows[..., None] if channels else windows
    y, layers = np.arange(len(x)) % 3, ["flatten", dense(3)]
    warnings = warnings_of(x, y, layers, split=HELD_OUT)
    message = warnings["/data/split"]
    assert "neighboring samples of 'input' overlap" in message
    gap = -(-10 // steps)
    assert message.endswith(f"use --set data.split.order=as_is --set data.split.gap={gap}")
    ordered = {**HELD_OUT, "order": "as_is", "gap": gap}
    assert warnings_of(x, y, layers, split=ordered) == {}, "the advice must help"
    for smaller, words in ((None, "has no gap"), (gap - 1, f"has a gap of only {gap - 1}")):
        message = warnings_of(x, y, layers, split={**ordered, "gap": smaller})["/data/split"]
        assert f"and the split {words}: some held-out samples are seen in training" in message
        assert message.endswith(f"use --set data.split.gap={gap}")
    assert warnings_of(x, y, layers) == {}, "nothing is held out"


@pytest.mark.parametrize(("stride", "gap"), [(1, 12), (8, 2), (12, None), (None, None)])
def test_windows_of_a_text_that_overlap_between_splits(tmp_path, stride, gap):
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog, " * 9)
    data = {"type": "text", "path": "text.txt", "length": 12, "stride": stride, "unit": "byte"}
    spec = {
        "tinynet": 1,
        "name": "text",
        "data": {**data, "split": {"order": "as_is"}},
        "network": {
            "layers": [{"type": "embedding", "input_dim": 256, "output_dim": 2}, dense(256)]
        },
        "training": {"epochs": 1, "loss": CROSS, "optimizer": "sgd"},
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    messages = [warning.message for warning in check_spec(path).warnings]
    assert len(messages) == (gap is not None)
    if gap is not None:
        assert messages[0].endswith(f"are too good; use --set data.split.gap={gap}")
        assert check_spec(path, overrides={"data.split.gap": gap}).warnings == []


PADDED = np.where(np.arange(5) < 1 + np.arange(60)[:, None] % 5, RNG.normal(size=(60, 5)), 0)
MASKED = [
    {"type": "reshape", "target_shape": [5, 1]},
    {"type": "sequence_mask", "inputs": "input"},
    {"type": "lstm", "units": 3, "inputs": ["reshape_1", "sequence_mask_1"]},
]


def test_a_mask_that_finds_no_padding(warnings_of):
    """After standardize, the padding 0 is another number."""
    message = warnings_of(PADDED, layers=MASKED, transforms=["standardize"])["/network/layers/1"]
    assert message.startswith("no value of the input 'input' is the padding 0, so the mask marks")
    assert warnings_of(PADDED, layers=MASKED) == {}
    assert warnings_of(np.ones((60, 5)), layers=MASKED) == {}, "these may be tokens"


def test_separate_samples_give_no_warning(warnings_of):
    windows = SEQUENCE.reshape(20, 10)
    y, layers = np.arange(20) % 3, ["flatten", dense(3)]
    assert warnings_of(windows, y, layers, split=HELD_OUT) == {}
    assert warnings_of(np.zeros((20, 10)), y, layers, split=HELD_OUT) == {}
