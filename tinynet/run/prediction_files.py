"""Prediction files: .csv, .jsonl and .npz."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.run.predictions import Predictions


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write predictions to a .csv, .jsonl or .npz file, by its name's ending.

    Raises:
        DataError: for another ending.
        CheckpointIOError: if the file cannot be written; an existing file is not touched then.
    """
    encode = WRITERS.get(path.suffix.lower())
    if encode is None:
        raise DataError(f"{path}: predictions are written as {', '.join(WRITERS)}")
    with explaining_io(path), replacing_output(path) as write_at:
        write_at(0, encode(predictions))


def _as_csv(predictions: Predictions) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(predictions.columns)
    writer.writerows(predictions.rows())
    # Names of files need not be Unicode.
    return text.getvalue().encode(errors="backslashreplace")


def _as_jsonl(predictions: Predictions) -> bytes:
    lines = (json.dumps(record, allow_nan=False) for record in predictions.records())
    return "".join(line + "\n" for line in lines).encode()


def _as_npz(predictions: Predictions) -> bytes:
    file = io.BytesIO()
    arrays: dict[str, Any] = predictions.arrays()
    np.savez(file, **arrays)
    return file.getvalue()


WRITERS = {".csv": _as_csv, ".jsonl": _as_jsonl, ".npz": _as_npz}
"""The encoder by the ending of the file's name."""
