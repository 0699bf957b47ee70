"""A description of a model: its inputs, outputs and an example."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.builtin.tables.layout import column_names, flat
from tinynet.builtin.tables.learned import unpack
from tinynet.builtin.tables.remedies import kind_options
from tinynet.commands.serve.json_inputs import has_windows, is_table
from tinynet.commands.serve.uploads import accepted_endings
from tinynet.dataset import TEXT, Field
from tinynet.prediction.images import mode_of
from tinynet.prediction.model import Model
from tinynet.prediction.windows import columns_of_windows
from tinynet.spec.data_spec import SortedOrder

MAX_EXAMPLE = 4096
"""The most numbers of an example."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table that a model takes.

    Attributes:
        name: Its name.
        kind: ``number``, ``category``, ``text`` or ``date``.
        categories: The known categories.
        example: A value.
    """

    name: str
    kind: str
    categories: tuple[str, ...]
    example: Any


@dataclass(frozen=True)
class Description:
    """A model in words and numbers.

    Attributes:
        name: The name of the spec.
        kind: ``table``, ``image``, ``text`` or ``arrays``: the way in which samples are given.
        inputs: Shape, dtype and names of each input.
        columns: The columns of a table; else empty.
        outputs: Shape and classes of each output.
        endings: The endings of the files that can be sent.
        example: A JSON value that `/predict` accepts; None if it would be too long.
    """

    name: str
    kind: str
    inputs: dict[str, dict[str, Any]]
    columns: tuple[TableColumn, ...]
    outputs: dict[str, dict[str, Any]]
    endings: tuple[str, ...]
    example: Any

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        columns = {
            "columns": {
                column.name: {
                    "kind": column.kind,
                    **({"categories": list(column.categories)} if column.categories else {}),
                }
                for column in self.columns
            }
        }
        return {
            "name": self.name,
            "kind": self.kind,
            "inputs": self.inputs,
            **(columns if self.columns else {}),
            "outputs": self.outputs,
            "files": list(self.endings),
            "example": self.example,
        }


def describe(model: Model) -> Description:
    """Return the description of a model."""
    columns = tuple(_columns(model)) if is_table(model) else ()
    example = _example(model, columns)
    inputs = {name: _input(field) for name, field in model.inputs.items()}
    outputs = {name: _output(model, name) for name in model.network.outputs}
    name = str(model.spec.name)
    return Description(
        name, _kind(model), inputs, columns, outputs, accepted_endings(model), example
    )


def _kind(model: Model) -> str:
    if is_table(model):
        return "table"
    if len(model.inputs) > 1:
        return "arrays"
    (field,) = model.inputs.values()
    if field.dtype == TEXT:
        return "text"
    is_image = len(field.shape) in (2, 3) and mode_of(field) is not None and min(field.shape) > 0
    has_words = field.names is not None or field.classes is not None or field.dtype.startswith("f")
    return "image" if is_image and not (len(field.shape) == 2 and has_words) else "arrays"


def _input(field: Field) -> dict[str, Any]:
    names = {"names": list(field.names)} if field.names is not None else {}
    return {"shape": list(field.shape), "dtype": field.dtype, **names}


def _output(model: Model, name: str) -> dict[str, Any]:
    classes = model.classes[name]
    found = {"classes": list(classes)} if classes is not None else {}
    return {"shape": list(model.network.out_shapes[name]), **found}


def _columns(model: Model) -> list[TableColumn]:
    """Return the columns that a table must have."""
    data = model.spec.data
    assert data is not None
    config: Any = registry.default().config(data)
    features = config.inferred.features if config.inferred is not None else None
    if features is None:
        entries: Any = [field.names or () for field in model.inputs.values()]
    elif isinstance(features, Mapping):
        entries = map(column_names, features.values())
    else:
        entries = [column_names(features)]
    learned, means = unpack(model.learned), _means(model)
    columns = []
    for name in flat(entries):
        kind = str(kind_options(config, name).kind)
        categories = learned[name].categories if name in learned else ()
        known = {"category": categories[0] if categories else "", "date": "2024-05-17"}
        example = known.get(kind, "some words" if kind == "text" else means.get(name, 1.0))
        columns.append(TableColumn(name, kind, categories, example))
    known_names = {column.name for column in columns}
    for name in columns_of_windows(data):
        if name not in known_names:
            columns.append(TableColumn(name, str(config.options(name).kind or "date"), (), 1))
    return columns


def _rows_of_windows(model: Model, columns: tuple[TableColumn, ...]) -> list[dict[str, Any]]:
    """Return consecutive rows of a table, enough for one window."""
    data = model.spec.data
    assert data is not None
    assert data.windows is not None
    windows = data.windows
    order = data.split.order.by if isinstance(data.split.order, SortedOrder) else None
    start = date(2024, 1, 1)
    rows = []
    for number in range((windows.length - 1) * windows.sampling_rate + 1):
        row = {column.name: column.example for column in columns}
        for column in columns:
            if column.name == order:
                day = (start + timedelta(number)).isoformat()
                row[order] = number if column.kind == "number" else day
        rows.append(row)
    return rows


def _means(model: Model) -> dict[str, float]:
    """Return a usual value of each feature: 0 after the transforms, in the units of the data."""
    means = {}
    for name, field in model.inputs.items():
        if field.names is None or field.shape[-1:] != (len(field.names),):
            continue
        if model.preprocessing.fields[name].shape != field.shape:
            continue
        with np.errstate(all="ignore"):
            values = model.preprocessing.invert(name, np.zeros((1, *field.shape)))
        for feature, value in zip(field.names, _last_row(values), strict=True):
            if np.isfinite(value):
                means[feature] = _rounded(value)
    return means


def _last_row(values: Any) -> list[float]:
    array = np.asarray(values)
    rows: list[list[float]] = array.reshape(-1, array.shape[-1]).tolist()
    return rows[-1]


def _rounded(value: float) -> float:
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded


def _example(model: Model, columns: tuple[TableColumn, ...]) -> Any:
    """Return a JSON value of one sample."""
    if columns and has_windows(model):
        return _rows_of_windows(model, columns)
    if columns:
        return {column.name: column.example for column in columns}
    samples = {name: _sample(model, name, field) for name, field in model.inputs.items()}
    if any(sample is None for sample in samples.values()):
        return None
    return samples if len(samples) > 1 else next(iter(samples.values()))


def _sample(model: Model, name: str, field: Field) -> Any:
    if field.dtype == TEXT:
        return "some words" if not field.shape else None
    if np.prod(field.shape, dtype=int) > MAX_EXAMPLE:
        return None
    means = _means(model)
    if field.names is not None and all(feature in means for feature in field.names):
        return [means[feature] for feature in field.names]
    return np.zeros(field.shape, field.dtype).tolist()
