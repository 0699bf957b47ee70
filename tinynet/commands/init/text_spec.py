"""The specs of texts: a folder for each class, or one long text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tinynet.commands.init.draft import (
    CLASSIFICATION,
    SAVING,
    STOPPING,
    Draft,
    Part,
    classes_of,
    spec_name,
)
from tinynet.commands.init.folder_parts import held_out, inside, subfolders
from tinynet.data.data import Data
from tinynet.files.images import is_image
from tinynet.files.packed import open_unpacked
from tinynet.text.wording import format_list

WINDOW = 64
"""Characters that a model of a text is trained on at a time."""


WORD_WEIGHTS: Part = {"type": "tfidf", "max_size": 20_000, "min_count": 2}
"""The transform of texts that are classified by their words."""


def draft_of_text_folder(
    folder: Path, path: str, parts: Mapping[str, Path], notes: list[str]
) -> Draft:
    """Return a spec for a folder with a folder of text files for each class.

    Args:
        folder: The folder of all data.
        path: Its path in the spec.
        parts: The folders of training, validation and test.
        notes: Remarks so far.
    """
    classes = {part: {sub.name for sub in subfolders(own)} for part, own in parts.items()}
    common = sorted(set.intersection(*classes.values()))
    form: Part = {}
    if len(common) > 1 and (others := sorted(classes["train"].difference(common))):
        form["classes"] = common
        notes.append(f"in training alone, {format_list(others)} are not used as classes")
    files = [f for own in parts.values() for f in own.rglob("*") if f.is_file()]
    files = [file for file in files if not file.name.startswith(".")]
    texts = [file for file in files if not is_image(file)]
    if len(texts) < len(files):
        form["endings"] = sorted({"".join(file.suffixes[-1:]) for file in texts})
        notes.append(f"{len(files) - len(texts):,} images among the texts are left out")
    form |= _text_form(texts, notes)
    shown = common if "classes" in form else sorted(classes["train"])
    notes.append(f"{len(shown)} classes: {format_list(shown)}")
    datasets: dict[str, Part] = {
        part: {"type": "text_folder", "path": inside(folder, path, own), **form}
        for part, own in parts.items()
    }
    data = {**datasets.pop("train"), **datasets}
    if split := held_out(parts, stratify=True):
        data["split"] = split
    data["transforms"] = [WORD_WEIGHTS]
    comment = "Classifies texts by the folder they are in. Written by tinynet init."
    return Draft(spec_name(folder), comment, data, classifier, notes)


def _text_form(files: Sequence[Path], notes: list[str]) -> Part:
    """Return the options for the encoding of files, and for empty ones."""
    form: Part = {}
    encodings = Counter(map(_encoding, files))
    blank = encodings.pop(None, 0)
    if blank:
        form["empty"] = "skip"
        notes.append(f"{blank:,} empty files are left out")
    others = [encoding for encoding in encodings if encoding not in ("ascii", "utf-8")]
    if others and "utf-8" not in encodings:
        form["encoding"] = others[0]
        notes.append(f"the encoding of the files is taken for {others[0]}")
    return form


def _encoding(file: Path) -> str | None:
    """Return the encoding of a text; None for an empty one."""
    with open_unpacked(str(file)) as opened:
        content = opened.stream.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if not content.strip():
        return None
    for encoding in ("ascii", "utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


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
    return Draft(spec_name(file), comment, data, _language_model)


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
        "checkpoint": {**SAVING, "keep_best": {"metric": "val/loss"}},
    }
    return {"layers": layers}, training
