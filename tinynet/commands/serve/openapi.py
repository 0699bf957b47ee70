"""The part of the OpenAPI schema that depends on the model."""

from typing import Any

from tinynet.commands.serve.answer_schema import answer_schema
from tinynet.commands.serve.description import Description
from tinynet.commands.serve.formats import BINARY, FORM, JSON
from tinynet.commands.serve.limits import Limits, size_text
from tinynet.prediction.model import Model
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
    403: "A page of another site sent the request.",
    408: "The body did not arrive in time.",
    413: "The body is too long, has too many samples, or its answer would have too many values.",
    415: "The type of the body is not accepted.",
    422: "The samples do not fit the model.",
    503: "The request took too long, or too many are in progress.",
}


def predict_operation(description: Description, limits: Limits) -> dict[str, Any]:
    """Return request body and parameters of `/predict`."""
    binary = {"type": "string", "format": "binary"}
    files = {"type": "array", "items": binary, "minItems": 1, "maxItems": limits.max_rows}
    form = {"type": "object", "properties": {"file": files}, "required": ["file"]}
    schemas = {JSON: _body_schema(description, limits.max_rows), FORM: form, BINARY: binary}
    content: dict[str, Any] = {
        kind: {"schema": schemas.get(kind, {"type": "string"} if kind[:5] == "text/" else binary)}
        for kind in description.types
    }
    if description.example is not None:
        content[JSON]["example"] = description.example
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [
            _parameter("resize", ["false", "true"], "Resize images to those of the training."),
            _parameter(
                "form", ["columns", "records"], "Lists of all samples, or a record of each."
            ),
        ],
    }


def responses(model: Model, limits: Limits) -> dict[int | str, dict[str, Any]]:
    """Return the answers of `/predict`."""
    samples, values = counted(limits.max_rows, "sample"), counted(limits.max_values, "value")
    notes = {413: f" The limits are {size_text(limits.max_size)}, {samples} and {values}."}
    notes[408] = f" The limit is {limits.read_timeout:g} seconds."
    notes[503] = f" The limit is {limits.timeout:g} seconds."
    found: dict[str, Any] = {
        "description": "Predictions",
        "content": {JSON: {"schema": answer_schema(model)}},
    }
    errors: dict[int | str, dict[str, Any]] = {
        status: {
            "description": text + notes.get(status, ""),
            "content": {JSON: {"schema": ERROR_SCHEMA}},
        }
        for status, text in _STATUSES.items()
    }
    return {200: found, **errors}


def model_responses() -> dict[int | str, dict[str, Any]]:
    """Return the answer of `/model`."""
    texts = {"type": "array", "items": {"type": "string"}}
    facts = {
        "name": {"type": "string"},
        "kind": {"type": "string", "enum": ["table", "image", "text", "arrays"]},
        "inputs": {"type": "object", "description": "Shape and dtype of each input."},
        "columns": {"type": "object", "description": "Kind and categories of each column."},
        "outputs": {"type": "object", "description": "Shape and classes of each output."},
        "formats": {**texts, "description": "The media types of bodies."},
        "files": {**texts, "description": "The endings of files."},
        "example": {"description": "A JSON body for `/predict`; null if it would be long."},
        "source": {"type": "string", "description": "The checkpoint."},
        "tinynet": {"type": "string", "description": "The version."},
        "limits": {"type": "object", "description": "The limits of requests."},
    }
    required = [name for name in facts if name != "columns"]
    schema = {"type": "object", "required": required, "properties": facts}
    return {200: {"description": "The model", "content": {JSON: {"schema": schema}}}}


def _parameter(name: str, values: list[str], text: str) -> dict[str, Any]:
    schema = {"type": "string", "enum": values, "default": values[0]}
    return {"name": name, "in": "query", "description": text, "required": False, "schema": schema}


def _body_schema(description: Description, most: int) -> dict[str, Any]:
    """Return the schema of one sample or several."""
    if description.kind == "table":
        one = _record_schema(description)
        return _one_or_several(one, most)
    samples = {name: _array_schema(facts) for name, facts in description.inputs.items()}
    if len(samples) > 1:
        one = {"type": "object", "properties": samples, "required": [*samples]}
        return _one_or_several(one, most)
    (sample,) = samples.values()
    return _one_or_several(sample, most)


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


def _one_or_several(schema: dict[str, Any], most: int) -> dict[str, Any]:
    several = {"type": "array", "items": schema, "minItems": 1, "maxItems": most}
    return {"oneOf": [schema, several]}
