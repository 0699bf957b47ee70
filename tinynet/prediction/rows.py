"""Raw inputs that the dataset of a model reads row by row, from files or objects in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.config import Frozen
from tinynet.dataset import TEXT, Field, InputRows, RowReader, State
from tinynet.prediction.raw_inputs import InputFile, RawInputs
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.text.warning import warnings_to


def is_rows(x: Any, fields: Mapping[str, Field]) -> bool:
    """Return True if an object is a table, or a list of records, texts or images.

    Arrays of a model's inputs are none, also as a dict by the inputs' names.
    """
    if hasattr(x, "columns") or hasattr(x, "getexif"):
        return True
    if isinstance(x, Mapping):
        has_rows = any(field.shape and field.dtype != TEXT for field in fields.values())
        return {*x} != {*fields} or not has_rows
    if isinstance(x, list | tuple) and x:
        first = x[0]
        if isinstance(first, Mapping | str) or hasattr(first, "getexif"):
            return True
        shapes = {getattr(item, "shape", None) for item in x}
        return None not in shapes and shapes != {field.shape for field in fields.values()}
    dtype = getattr(x, "dtype", None)
    is_structured = getattr(dtype, "names", None) is not None
    return is_structured or getattr(dtype, "kind", "") in ("O", "U", "T")


def are_texts(x: Any) -> bool:
    """Return True for a list or an array of texts, by the first of them."""
    if isinstance(x, list | tuple):
        return bool(x) and isinstance(x[0], str)
    return getattr(getattr(x, "dtype", None), "kind", "") in ("O", "U", "T") and x.ndim == 1


def read_rows(
    reader: type[RowReader],
    config: Frozen,
    source: Any,
    fields: Mapping[str, Field],
    learned: State,
    keep: Sequence[str],
    warn: Callable[[str], None],
) -> Iterator[RawInputs]:
    """Yield the samples of a file, a folder (both as a Path) or an object, in parts.

    ``warn`` is called with the number of samples that the dataset leaves out, and with what the
    dataset itself warns of.

    Raises:
        PluginError: for an exception of the dataset's class, or a wrong value.
    """
    given = str(source) if isinstance(source, Path) else source
    with PluginErrors(reader, "read_rows raised"):
        parts = iter(reader.read_rows(config, given, fields, learned, keep))
    number = samples = dropped = 0
    left_out: list[tuple[int, Mapping[str, Any]]] = []
    while True:
        with PluginErrors(reader, "read_rows raised"), warnings_to(warn):
            part = next(parts, None)
        if part is None:
            break
        if problem := _problem(part, fields, keep):
            raise plugin_error(reader, f"read_rows must yield InputRows {problem}")
        dropped += part.dropped
        samples += part.dropped + len(part.rows)
        left_out += part.left_out
        if len(part.rows):
            files = _files_of(part, source, number) if isinstance(source, Path) else ()
            number = files[-1].number + files[-1].is_image if files else 0
            kept = {name: list(part.kept[name]) for name in keep}
            rows = np.asarray(part.rows)
            yield RawInputs(part.inputs, rows, files, part.places, kept, left_out=left_out)
            left_out = []
    if dropped:
        place = f"{source}: " if isinstance(source, Path) else ""
        warn(
            f"{place}{dropped:,} of {samples:,} samples have no prediction; as in training, those"
            " with missing values, or without text, are left out"
        )


def _problem(part: Any, fields: Mapping[str, Field], keep: Sequence[str]) -> str | None:
    """Return what is missing from the rows that a plugin yields, or None."""
    if not isinstance(part, InputRows):
        return "and nothing else"
    for name, field in fields.items():
        array, shape = part.inputs.get(name), (len(part.rows), *field.shape)
        if not isinstance(array, np.ndarray) or array.shape != shape:
            return f"with an input {name!r} of shape {shape}"
    if len(part.places) != len(part.rows):
        return "with a place for each row"
    if missing := [name for name in keep if len(part.kept.get(name, ())) != len(part.rows)]:
        return f"with the column {missing[0]!r} of each row in kept"
    return None


def _files_of(part: InputRows, source: Path, number: int) -> tuple[InputFile, ...]:
    """Return the files of some rows: the places of the samples, if these are files."""
    if source.is_dir() or part.places[0] == str(source):
        return tuple(InputFile(place, 1, True, number + i) for i, place in enumerate(part.places))
    return (InputFile(str(source), len(part.rows), False, number),)
