"""A description of a model: its inputs, outputs and an example."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from tinynet.commands.serve.columns import TableColumn as TableColumn
from tinynet.commands.serve.columns import table_columns, usual_values
from tinynet.commands.serve.formats import accepted_endings, accepted_types, kind_of
from tinynet.commands.serve.json_inputs import has_windows, is_table
from tinynet.dataset import TEXT, Field
from tinynet.prediction.model import Model
from tinynet.spec.data_spec import SortedOrder

MAX_EXAMPLE = 4096
"""The most numbers of an example."""


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

    @property
    def types(self) -> tuple[str, ...]:
        """The media types of the bodies that can be sent."""
        return accepted_types(self.endings)

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
            "formats": list(self.types),
            "files": list(self.endings),
            "example": self.example,
        }


def describe(model: Model) -> Description:
    """Return the description of a model."""
    columns = tuple(table_columns(model)) if is_table(model) else ()
    example = _example(model, columns)
    inputs = {name: _input(field) for name, field in model.inputs.items()}
    outputs = {name: _output(model, name) for name in model.network.outputs}
    name = str(model.spec.name)
    endings = accepted_endings(model)
    return Description(name, kind_of(model), inputs, columns, outputs, endings, example)


def _input(field: Field) -> dict[str, Any]:
    names = {"names": list(field.names)} if field.names is not None else {}
    return {"shape": list(field.shape), "dtype": field.dtype, **names}


def _output(model: Model, name: str) -> dict[str, Any]:
    """Return shape and names of an output, as predictions have them."""
    shape = model.network.out_shapes[name]
    part = model.explained(name, np.zeros((1, *shape), model.network.dtype))
    found: dict[str, Any] = {"shape": list(shape)}
    classes = part.classes or model.classes[name]
    if classes is not None:
        found["classes"] = list(classes)
    if part.is_multi_label:
        found["several_labels"] = True
    if part.names is not None:
        found["names"] = list(part.names)
    return found


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
    means = usual_values(model)
    if field.names is not None and all(feature in means for feature in field.names):
        return [means[feature] for feature in field.names]
    return np.zeros(field.shape, field.dtype).tolist()
