"""The part of the OpenAPI schema that depends on the model."""

from typing import Any

from tinynet.commands.serve.description import Description
from tinynet.commands.serve.limits import Limits, size_text
from tinynet.text.printing import counted

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        }
    },
}

_STATUSES = {
    400: "The request cannot be read: it is not JSON, or a form is damaged.",
    413: "The body is too long, or has too many samples.",
    415: "The type of the body is not accepted.",
    422: "The samples do not fit the model.",
    503: "The request took too long, or too many are in progress.",
}


def predict_operation(description: Description) -> dict[str, Any]:
    """Return request body and parameters of `/predict`."""
    content: dict[str, Any] = {"application/json": {"schema": _body_schema(description)}}
    if description.example is not None:
        content["application/json"]["example"] = description.example
    binary = {"type": "string", "format": "binary"}
    content["text/csv"] = {"schema": {"type": "string"}}
    if description.kind == "text":
        content["text/plain"] = {"schema": {"type": "string"}}
    if description.kind == "image":
        content["image/*"] = {"schema": binary}
    files = {"type": "array", "items": binary}
    content["multipart/form-data"] = {
        "schema": {"type": "object", "properties": {"file": files}, "required": ["file"]}
    }
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [
            _parameter("resize", ["false", "true"], "Resize images to those of the training."),
            _parameter(
                "form", ["columns", "records"], "Lists of all samples, or a record of each."
            ),
        ],
    }


def responses(limits: Limits) -> dict[int | str, dict[str, Any]]:
    """Return the answers that are errors."""
    samples = counted(limits.max_rows, "sample")
    notes = {413: f" The limits are {size_text(limits.max_size)} and {samples}."}
    notes[503] = f" The limit is {limits.timeout:g} seconds."
    return {
        status: {
            "description": text + notes.get(status, ""),
            "content": {"application/json": {"schema": ERROR_SCHEMA}},
        }
        for status, text in _STATUSES.items()
    }


def _parameter(name: str, values: list[str], text: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": values, "default": values[0]}
    return {"name": name, "in": "query", "description": text, "required": False, "schema": schema}


def _body_schema(description: Description) -> dict[str, Any]:
    """Return the schema of one sample or several."""
    if description.kind == "table":
        one = _record_schema(description)
        return {"oneOf": [one, _list_of(one)]}
    samples = {name: _array_schema(facts) for name, facts in description.inputs.items()}
    if len(samples) > 1:
        one = {"type": "object", "properties": samples, "required": [*samples]}
        return {"oneOf": [one, _list_of(one)]}
    (sample,) = samples.values()
    return {"oneOf": [sample, _list_of(sample)]}


def _record_schema(description: Description) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for column in description.columns:
        schema: dict[str, Any] = {"type": ["number", "null"]}
        if column.kind != "number":
            schema = {"type": ["string", "number", "boolean", "null"]}
        if column.categories:
            schema["examples"] = list(column.categories)
        properties[column.name] = schema
    return {"type": "object", "properties": properties, "required": [*properties]}


def _array_schema(facts: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string" if facts["dtype"] == "text" else "number"}
    for size in reversed(facts["shape"]):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return schema


def _list_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema, "minItems": 1}
