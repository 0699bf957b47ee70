"""Schemas of the answers with predictions, in both forms."""

from typing import Any

import numpy as np

from tinynet.prediction.model import Model
from tinynet.prediction.predictions import Predictions

_TEXTS = {"type": "array", "items": {"type": "string"}}


def answer_schema(model: Model) -> dict[str, Any]:
    """Return the schema of an answer, which is derived from predictions of zeros."""
    outputs = {
        name: model.explained(name, np.zeros((1, *shape), model.network.dtype))
        for name, shape in model.network.out_shapes.items()
    }
    example = Predictions(1, outputs, (), np.arange(1))
    (record,) = example.records()
    columns = _schema_of(example.to_json())
    columns["properties"] |= {
        "files": {**_TEXTS, "description": "The file of each sample, if there are several."},
        "rows": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "The row of each sample, if some are left out or in another order.",
        },
        "warnings": _WARNINGS,
    }
    records = {
        "type": "object",
        "required": ["samples", "columns", "records"],
        "properties": {
            "samples": {"type": "integer"},
            "columns": _TEXTS,
            "records": {"type": "array", "items": _schema_of(record)},
            "warnings": _WARNINGS,
        },
    }
    columns["description"] = "Lists of all samples (form=columns)."
    records["description"] = "A record of each sample (form=records)."
    return {"anyOf": [columns, records]}


_WARNINGS = {**_TEXTS, "description": "Warnings about the samples; absent if there are none."}


def _schema_of(value: Any) -> dict[str, Any]:
    """Return the schema of a JSON value."""
    if isinstance(value, dict):
        properties = {name: _schema_of(part) for name, part in value.items()}
        return {"type": "object", "required": [*value], "properties": properties}
    if isinstance(value, list):
        # Lists of labels may be empty; they hold texts.
        return {"type": "array", "items": _schema_of(value[0]) if value else {"type": "string"}}
    if isinstance(value, bool | str):
        return {"type": "boolean" if isinstance(value, bool) else "string"}
    return {"type": "integer" if isinstance(value, int) else "number"}
