"""The data of a run: sizes, classes, columns, transforms."""

import json
from collections.abc import Mapping

import numpy as np

from tinynet.commands.report.charts import BarChart, BarGroup, Cell, Fact, Table
from tinynet.commands.report.content import DataSection
from tinynet.commands.report.names import target_title, visible
from tinynet.commands.report.spec_section import set_options, value_text
from tinynet.data.data import Data
from tinynet.data.sizes import SplitSizes
from tinynet.data.splits import SplitName
from tinynet.dataset import TEXT, Field
from tinynet.network.summary import shape_text
from tinynet.prediction.model import Model
from tinynet.spec.data_spec import DataSpec
from tinynet.text.printing import counted
from tinynet.types import Array

MAX_CLASSES = 30
"""Classes of a target whose counts are shown."""

MAX_COLUMNS = 60
"""Features, and lines of a description, that are shown."""

MAX_READ = 20_000
"""Samples of the training split that statistics are computed of."""

_PATHS = ("path", "images", "labels", "masks", "table", "inputs", "targets", "tags")
_SPLITS: dict[SplitName, str] = {"train": "training", "val": "validation", "test": "test"}


def data_section(
    model: Model, fields: Mapping[str, Field], targets: Mapping[str, Field], data: Data | None
) -> DataSection | None:
    """Return the data; None if the spec has none.

    Args:
        model: The model.
        fields: The raw fields of the inputs, as the run recorded them.
        targets: The raw fields of the targets.
        data: The opened data; None if they cannot be opened.
    """
    spec = model.spec.data
    if spec is None:
        return None
    facts = [Fact("Type", short_type(spec.type))]
    facts += [
        Fact(key.capitalize(), value_text(spec.options[key]))
        for key in _PATHS
        if spec.options.get(key) is not None
    ]
    for number, transform in enumerate(spec.transforms, 1):
        options = ", ".join(f"{key} {json.dumps(v)}" for key, v in set_options(transform).items())
        text = f"{short_type(transform.type)} on {', '.join(transform.on)}"
        facts.append(Fact(f"Transform {number}", f"{text} ({options})" if options else text))
    if data is None:
        return DataSection(tuple(facts), (), None, (), _fields(fields, targets, None), None)
    return DataSection(
        tuple(facts),
        tuple(data.description()[:MAX_COLUMNS]),
        _sizes(spec, data),
        tuple(_class_charts(model, data)),
        _fields(fields, targets, data),
        _columns(data),
    )


def short_type(name: str) -> str:
    """Return a type without the name of tinynet's own distribution."""
    return name.removeprefix("tinynet-core:")


def _sizes(spec: DataSpec, data: Data) -> Table:
    sizes = {title: data.size(split) for split, title in _SPLITS.items()}
    total = max(sum(sizes.values()), 1)
    rows: list[tuple[Cell, ...]] = [(n, size, size / total) for n, size in sizes.items() if size]
    note = ""
    if default := SplitSizes.of(spec, data).default:
        note = f"By default: {' and '.join(default)}."
    return Table(
        ("split", "samples", "share"), tuple(rows), "Splits", note, shares=frozenset({"share"})
    )


def _fields(inputs: Mapping[str, Field], targets: Mapping[str, Field], data: Data | None) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for role, fields in (("input", inputs), ("target", targets)):
        for name, field in fields.items():
            ready = None if data is None else data.preprocessing.fields[name]
            rows.append((name, role, _described(field), "" if ready is None else _described(ready)))
    head = ["name", "role", "in the data", "after the transforms"]
    if data is None:
        return Table(tuple(head[:3]), tuple(row[:3] for row in rows), "Inputs and targets")
    return Table(tuple(head), tuple(rows), "Inputs and targets")


def _described(field: Field) -> str:
    parts = [shape_text(field.shape) if field.shape else "one value", field.dtype]
    if field.dtype == TEXT:
        parts = ["text"]
    elif field.text_unit is not None:
        parts.append(f"a text of {field.text_unit}s")
    if field.classes is not None:
        parts.append(counted(len(field.classes), "class", "es"))
    return ", ".join(parts)


# Classes --------------------------------------------------------------------------------------


def _class_charts(model: Model, data: Data) -> list[BarChart]:
    """Return the share of each class in each split, of targets of one class for a sample."""
    charts = []
    names = [
        n for n, f in data.targets.items() if f.classes and not f.shape and not _is_large(data)
    ]
    for name in names:
        classes = data.targets[name].classes
        assert classes is not None
        counts = {split: _counts(data, split, name, len(classes)) for split in _SPLITS}
        total = sum(counts.values(), np.zeros(len(classes), np.int64))
        chosen, note = np.arange(len(classes)), "Percent of the samples of each split."
        if len(classes) > MAX_CLASSES:
            chosen = np.argsort(-total, kind="stable")[:MAX_CLASSES]
            note += f" The {MAX_CLASSES} most frequent of {len(classes):,} classes."
        groups = tuple(
            BarGroup(
                f"{_SPLITS[split]} ({int(found.sum()):,})",
                tuple(np.round(100 * found[chosen] / found.sum(), 1).tolist()),
            )
            for split, found in counts.items()
            if found.sum()
        )
        labels = tuple(f"{visible(classes[c])} ({int(total[c]):,})" for c in chosen)
        charts.append(
            BarChart(
                f"Classes of {target_title(model, name)}",
                labels,
                groups,
                "percent of the split",
                note,
            )
        )
    return charts


def _is_large(data: Data) -> bool:
    return any(split.is_large for split in data.splits.values())


def _counts(data: Data, split: SplitName, name: str, classes: int) -> Array:
    counts = np.zeros(classes, np.int64)
    for batch in data.target_batches({name: name}, split):
        labels = batch.targets[name].astype(np.int64)
        held = labels[(labels >= 0) & (labels < classes)]
        counts += np.bincount(held, minlength=classes)
    return counts


# Features -------------------------------------------------------------------------------------


def _columns(data: Data) -> Table | None:
    """Return statistics of the numbers in the training split, by feature where they have names."""
    train = data.splits["train"]
    if not len(train) or _is_large(data):
        return None
    names = [n for n, f in data.raw.items() if f.dtype != TEXT and not f.text_unit]
    places = np.arange(len(train))
    if len(train) > MAX_READ:
        places = np.unique(np.linspace(0, len(train) - 1, MAX_READ).astype(np.int64))
    totals: dict[str, list[Array]] = {}
    for start in range(0, len(places), 1024):
        arrays, _ = train.at(places[start : start + 1024]).read_arrays(names)
        for name, array in arrays.items():
            if data.raw[name].classes is None:
                totals.setdefault(name, []).append(_summed(data.raw[name], array))
    rows: list[tuple[Cell, ...]] = []
    for name, parts in totals.items():
        rows += _rows(name, data.raw[name], np.stack(parts))
    if not rows:
        return None
    note = f"Of {counted(len(places), 'sample')} of the training split, before the transforms."
    if len(rows) > MAX_COLUMNS:
        note += f" {counted(len(rows) - MAX_COLUMNS, 'more feature')} not shown."
    head = ("values", "mean", "standard deviation", "smallest", "largest")
    return Table(head, tuple(rows[:MAX_COLUMNS]), "Numbers", note)


def _summed(field: Field, array: Array) -> Array:
    """Return count, sum, sum of squares, least and largest of each feature, (5, F)."""
    width = len(field.names) if field.names and field.shape[-1:] == (len(field.names),) else 1
    values = np.asarray(array, np.float64).reshape(-1, width)
    valid = np.isfinite(values)
    zeros = np.where(valid, values, 0)
    return np.stack(
        [
            valid.sum(axis=0),
            zeros.sum(axis=0),
            (zeros**2).sum(axis=0),
            np.where(valid, values, np.inf).min(axis=0),
            np.where(valid, values, -np.inf).max(axis=0),
        ]
    )


def _rows(name: str, field: Field, parts: Array) -> list[tuple[Cell, ...]]:
    count, total, squares = parts[:, :3].sum(axis=0)
    least, largest = parts[:, 3].min(axis=0), parts[:, 4].max(axis=0)
    mean = total / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0))
    labels = field.names if field.names and len(field.names) == len(mean) else (name,)
    return [
        (label, *(float(v[k]) if count[k] else None for v in (mean, deviation, least, largest)))
        for k, label in enumerate(labels)
    ]
