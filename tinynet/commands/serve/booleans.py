"""JSON's true and false where a model takes numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

from tinynet.commands.serve.columns import table_columns
from tinynet.commands.serve.json_inputs import is_table
from tinynet.commands.serve.limits import RequestError
from tinynet.prediction.model import Model


def refuse_booleans(model: Model, x: Any) -> None:
    """Refuse true and false among numbers: Python would compute with 1 and 0.

    Args:
        model: The model.
        x: Its inputs, of `json_inputs`: records, or a list for each input or column.

    Raises:
        RequestError: with the place of the first one.
    """
    if isinstance(x, Mapping):
        numeric = _numeric(model)
        for name, values in x.items():
            if name in numeric and (value := _boolean(values)) is not None:
                raise _refusal(f"{name!r} holds {value}")
    elif isinstance(x, list):
        numeric = _numeric(model)
        for number, record in enumerate(x):
            if isinstance(record, Mapping) and bool in map(type, record.values()):
                for name, value in record.items():
                    if isinstance(value, bool) and name in numeric:
                        place = f"record {number} (counted from 0)"
                        raise _refusal(f"{place}: {name!r} is {_text(value)}")


def _numeric(model: Model) -> set[str]:
    """Return the names of the columns or inputs that are numbers."""
    names = {name for name, field in model.inputs.items() if field.dtype[:1] in "iuf"}
    if is_table(model):
        kinds = {column.name: column.kind for column in table_columns(model)}
        names -= kinds.keys()  # an input may be a column of categories
        names |= {name for name, kind in kinds.items() if kind == "number"}
    return names


def _boolean(values: Any) -> str | None:
    """Return the first boolean in nested lists as JSON writes it, or None."""
    if isinstance(values, bool):
        return _text(values)
    if not isinstance(values, list):
        return None
    kinds = {*map(type, values)}
    if bool in kinds:
        return _text(next(value for value in values if isinstance(value, bool)))
    return _first(map(_boolean, values)) if list in kinds else None


def _first(found: Iterable[str | None]) -> str | None:
    return next((value for value in found if value is not None), None)


def _text(value: bool) -> str:
    return "true" if value else "false"


def _refusal(what: str) -> RequestError:
    return RequestError(422, f"{what}, but the model takes a number; send 1 or 0")
