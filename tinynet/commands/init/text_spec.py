"""The specs of texts: a folder for each class, or one long text."""

from pathlib import Path

from tinynet.commands.init.draft import CLASSIFICATION, STOPPING, Draft, Part, classes_of
from tinynet.data.data import Data

WINDOW = 64
"""Characters that a model of a text is trained on at a time."""


WORD_WEIGHTS: Part = {"type": "tfidf", "max_size": 20_000, "min_count": 2}
"""The transform of texts that are classified by their words."""


def draft_of_text_folder(folder: Path, path: str) -> Draft:
    """Return a spec for a folder with a folder of text files for each class."""
    data: Part = {
        "type": "text_folder",
        "path": path,
        "split": {"validation": 0.15, "test": 0.15, "stratify": True},
        "transforms": [WORD_WEIGHTS],
    }
    comment = "Classifies texts by the folder they are in. Written by tinynet init."
    return Draft(folder.resolve().name, comment, data, classifier)


def classifier(data: Data) -> tuple[Part, Part]:
    """Return a network for weights of words, and its training."""
    layers: list[Part | str] = [
        {"type": "dense", "units": 64},
        "relu",
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": classes_of(data)},
    ]
    training: Part = {
        "epochs": 100,
        "batch_size": 16 if data.size("train") < 1_000 else 64,
        "seed": 1,
        **CLASSIFICATION,
        "optimizer": {"type": "adamw", "learning_rate": 0.002, "weight_decay": 0.01},
        **STOPPING,
    }
    return {"layers": layers}, training


def draft_of_text(file: Path, path: str) -> Draft:
    """Return a spec for a model that continues a text, character by character."""
    data: Part = {
        "type": "text",
        "path": path,
        "length": WINDOW,
        "split": {"validation": 0.1, "test": 0.1, "order": "as_is"},
        "transforms": [{"type": "vocabulary", "on": ["input", "target"]}],
    }
    comment = (
        "Learns to continue a text, character by character; tinynet generate RUN. Written by"
        " tinynet init."
    )
    return Draft(file.name.split(".")[0] or "text", comment, data, _language_model)


def _language_model(data: Data) -> tuple[Part, Part]:
    characters = classes_of(data)
    layers: list[Part | str] = [
        {"type": "embedding", "input_dim": characters, "output_dim": 32},
        {"type": "lstm", "units": 128, "return_sequences": True, "repeat": 2},
        {"type": "dense", "units": characters},
    ]
    training: Part = {
        "epochs": 20,
        "batch_size": 32,
        "seed": 1,
        "loss": "softmax_cross_entropy",
        "metrics": ["accuracy", "perplexity"],
        "optimizer": {"type": "adam", "learning_rate": 0.003, "clip_norm": 1.0},
        "early_stopping": {"metric": "val/loss", "patience": 5},
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    }
    return {"layers": layers}, training
