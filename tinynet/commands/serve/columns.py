"""The columns of the tables that a model takes, with usual values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet import registry
from tinynet.builtin.tables.layout import column_names, flat
from tinynet.builtin.tables.learned import unpack
from tinynet.builtin.tables.remedies import kind_options
from tinynet.prediction.model import Model
from tinynet.prediction.windows import columns_of_windows


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


def table_columns(model: Model) -> list[TableColumn]:
    """Return the columns that a table for a model must have."""
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
    learned, means = unpack(model.learned), usual_values(model)
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


def usual_values(model: Model) -> dict[str, float]:
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
