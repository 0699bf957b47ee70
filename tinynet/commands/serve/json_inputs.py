"""Inputs of a model from JSON values.

A text in JSON is never passed on as a path: `Model.predict` reads files by their names.
"""

from collections.abc import Mapping
from typing import Any

from tinynet import registry
from tinynet.builtin.tables.table_dataset import TableDataset
from tinynet.commands.serve.limits import RequestError
from tinynet.dataset import TEXT, Field, RowReader
from tinynet.prediction.model import Model
from tinynet.text.wording import format_list, suggest

_TEXT_ALIAS = "text"
"""The key of a text in a record, besides the name of the input."""


def dataset_class(model: Model) -> type[Any] | None:
    """Return the class of the dataset that a model was trained on."""
    data = model.spec.data
    return None if data is None else registry.default().load("datasets", data.type)


def is_table(model: Model) -> bool:
    """Return True if a model was trained on a table with named columns."""
    cls = dataset_class(model)
    return cls is not None and issubclass(cls, TableDataset)


def json_inputs(model: Model, value: Any) -> Any:
    """Return what `Model.predict` takes for a JSON value.

    The value is a record or a list of records, an object with a list for each input or column, a
    list of numbers (one sample) or of samples, or a text or a list of texts.

    Raises:
        RequestError: for a value of another form.
    """
    if isinstance(value, Mapping):
        return _of_object(model, value)
    if isinstance(value, list):
        return _of_list(model, value)
    if isinstance(value, str):
        return _of_list(model, [value])
    if value is None or isinstance(value, bool) or _only(model).shape:
        raise RequestError(422, f"{_kind(value)} is not a sample; {_expected(model)}")
    return _of_list(model, [value])


def _of_list(model: Model, items: list[Any]) -> Any:
    if not items:
        raise RequestError(422, f"the list has no samples; {_expected(model)}")
    kinds = {*map(_kind, items)}
    if len(kinds - {"a number"}) > 1 or (len(kinds) > 1 and kinds & {"an object", "a text"}):
        raise RequestError(422, f"the list mixes {' and '.join(sorted(kinds))}")
    if kinds == {"an object"}:
        return _of_records(model, items)
    ((name, field),) = [*model.inputs.items()] if len(model.inputs) == 1 else [("", _only(model))]
    if kinds == {"a text"}:
        if field.dtype != TEXT:
            raise RequestError(422, f"the model takes no texts; {_expected(model)}")
        return {name: items}
    if field.dtype == TEXT:
        raise RequestError(422, f"the list holds {kinds.pop()}; {_expected(model)}")
    has_one = _depth(items) == len(field.shape) and not has_windows(model)
    return {name: [items] if has_one else items}


def _of_object(model: Model, value: Mapping[str, Any]) -> Any:
    if not value:
        raise RequestError(422, f"the object is empty; {_expected(model)}")
    if {*value} == {*model.inputs} and not (is_table(model) and _is_flat(value)):
        single = {name: _is_single(model, name, part) for name, part in value.items()}
        if len({*single.values()}) > 1:
            names = format_list([repr(name) for name, one in single.items() if one])
            raise RequestError(422, f"{names} have one sample, and the other inputs have several")
        alone = any(single.values())
        return {name: [part] if alone else part for name, part in value.items()}
    lists = [name for name, part in value.items() if isinstance(part, list)]
    if len(lists) == len(value) and _takes_records(model):
        return dict(value)
    if lists and is_table(model):
        raise RequestError(
            422,
            f"{format_list([*map(repr, lists)])} hold lists, and other columns single values; give"
            " a record, or a list of equal length for each column",
        )
    return _of_records(model, [value])


def _of_records(model: Model, records: list[Any]) -> Any:
    """Return records as inputs by name, unless the dataset of the model reads them itself."""
    if {} in records:
        raise RequestError(422, f"record {records.index({})} (counted from 0) is empty")
    names = [*model.inputs]
    if all({*record} == {*names} for record in records) and not is_table(model):
        return {name: [record[name] for record in records] for name in names}
    if _takes_records(model):
        return records
    if len(names) == 1:
        (name, field) = next(iter(model.inputs.items()))
        if field.dtype == TEXT and all({*record} == {_TEXT_ALIAS} for record in records):
            return {name: [record[_TEXT_ALIAS] for record in records]}
        if field.names is not None and len(field.shape) == 1:
            keys = field.names
            return {
                name: [
                    [_value(record, key, keys, i) for key in keys]
                    for i, record in enumerate(records)
                ]
            }
    for number, record in enumerate(records):
        for key in names:
            _value(record, key, names, number)
        unknown = next((key for key in record if key not in names), None)
        if unknown is not None:
            raise RequestError(
                422,
                f"record {number} (counted from 0) has the unknown field {unknown!r};"
                f" {suggest(unknown, names)}",
            )
    raise RequestError(422, _expected(model))


def _value(record: Mapping[str, Any], key: str, keys: Any, number: int) -> Any:
    if key not in record:
        held = format_list([repr(name) for name in record]) or "nothing"
        raise RequestError(
            422,
            f"record {number} (counted from 0) lacks {key!r}: it has {held}, but the model"
            f" takes {format_list([*map(repr, keys)])}",
        )
    return record[key]


def _takes_records(model: Model) -> bool:
    """Return True if the dataset reads records: a table, or one of a plugin."""
    cls = dataset_class(model)
    builtin = cls is not None and cls.__module__.startswith("tinynet.builtin.")
    return is_table(model) or (isinstance(cls, RowReader) and not builtin)


def _only(model: Model) -> Field:
    if len(model.inputs) != 1:
        names = format_list([*map(repr, model.inputs)])
        raise RequestError(422, f"the model has several inputs; give an object with {names}")
    return next(iter(model.inputs.values()))


def has_windows(model: Model) -> bool:
    """Return True if a model takes windows of rows."""
    return model.spec.data is not None and model.spec.data.windows is not None


def _is_flat(value: Mapping[str, Any]) -> bool:
    return not any(isinstance(part, list) for part in value.values())


def _is_single(model: Model, name: str, value: Any) -> bool:
    """Return True if the value of an input is that of one sample."""
    field = model.inputs[name]
    return _depth(value) == len(field.shape) and not has_windows(model)


def _depth(value: Any) -> int:
    """Return the number of axes of nested lists, by their first items."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _expected(model: Model) -> str:
    """Return the form of a sample."""
    if is_table(model):
        return "give a record, or a list of records, with a value for each column"
    if len(model.inputs) > 1:
        return f"give an object with {format_list([*map(repr, model.inputs)])}"
    field = _only(model)
    if field.dtype == TEXT:
        return "give a text, or a list of texts"
    if not field.shape:
        return "give a list of numbers, one for each sample"
    return f"give a list of samples, each {' x '.join(map(str, field.shape))} numbers"
