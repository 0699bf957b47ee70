"""The spec of a file with a token and its tag on each line: a tagger."""

from pathlib import Path

import numpy as np

from tinynet.commands.init.draft import STOPPING, Draft, Part, classes_of, spec_name
from tinynet.commands.init.folder_parts import HELD_OUT
from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.files.text_files import read_lines

ENDINGS = (".conll", ".bio", ".iob", ".iob2")
"""Endings of files of tokens and tags."""

_LONGEST = 0.98
"""Part of the sentences that are not cut."""

_LINES = 500
"""Lines that decide whether a file has this form."""

_SENTENCES = 3
"""Fewest sentences of such a file: a table has no blank lines between its rows."""


def has_tags(file: Path) -> bool:
    """Return True for a file with sentences of lines of a token and its tag."""
    if file.name.lower().endswith(ENDINGS):
        return True
    widths: list[int] = []
    try:
        for line in read_lines(str(file)):
            widths.append(len(line.split()))
            if len(widths) == _LINES:
                break
    except DataError:
        return False
    return widths.count(0) >= _SENTENCES - 1 and len({*widths} - {0}) == 1 and max(widths) > 1


def draft_of_tags(file: Path, path: str) -> Draft:
    """Return a spec for a tagger: a class for each token of a sentence.

    Raises:
        DataError: for a file without sentences.
    """
    lengths, tokens = [0], 0
    for line in read_lines(str(file)):
        tokens = tokens + 1 if line.strip() else 0
        if tokens == 1:
            lengths.append(0)
        lengths[-1] = tokens or lengths[-1]
    length = int(np.quantile(lengths[1:] or [0], _LONGEST, method="higher"))
    if not length:
        raise DataError(f"{file} has no sentences")
    words = {"type": "vocabulary", "unit": "whitespace", "length": length}
    data: Part = {
        "type": "conll",
        "path": path,
        "split": {"validation": HELD_OUT, "test": HELD_OUT},
        "transforms": [
            {**words, "max_size": 20_000},
            {**words, "on": "target"},
        ],
    }
    comment = "Assigns a tag to each token of a sentence. Written by tinynet init."
    longer = sum(own > length for own in lengths)
    notes = [f"{longer:,} sentences of more than {length} tokens are cut"] if longer else []
    return Draft(spec_name(file), comment, data, _tagger, notes)


def _tagger(data: Data) -> tuple[Part, Part]:
    layers: list[Part] = [
        {"type": "sequence_mask", "name": "mask", "inputs": "input"},
        {
            "type": "embedding",
            "input_dim": len(data.preprocessing.classes("input") or ()),
            "output_dim": 64,
            "inputs": "input",
        },
        {
            "type": "lstm",
            "units": 64,
            "bidirectional": True,
            "return_sequences": True,
            "inputs": ["embedding_1", "mask"],
        },
        {"type": "dense", "units": classes_of(data)},
    ]
    training: Part = {
        "epochs": 30,
        "batch_size": 32,
        "seed": 1,
        "loss": {"type": "softmax_cross_entropy", "ignore_label": 0},
        "metrics": [{"type": "accuracy", "ignore_label": 0}],
        "optimizer": {"type": "adam", "learning_rate": 0.003, "clip_norm": 1.0},
        **STOPPING,
    }
    return {"layers": layers}, training
