"""Raw inputs of a model that are arrays in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.builtin.datasets._arrays import Source
from tinynet.data.fields import is_encodable
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError
from tinynet.files.image_objects import are_images, stack_images
from tinynet.files.images import is_image_object
from tinynet.files.regular import compare_counts
from tinynet.prediction.images import mode_of
from tinynet.text.wording import format_list
from tinynet.types import Array, Shape


def sources_of(x: Any, fields: Mapping[str, Field]) -> dict[str, Source]:
    """Return the inputs of a model by name, (N, *shape) each; their values are not read.

    Args:
        x: The only input, or a dict of arrays by the inputs' names.
        fields: The inputs in training, by name.

    Raises:
        DataError: for dtypes and shapes that do not fit them.
    """
    if not isinstance(x, Mapping):
        if len(fields) != 1:
            raise DataError(
                f"the model has the inputs {', '.join(fields)}; give a dict with an array of each"
                " name"
            )
        x = dict.fromkeys(fields, x)
    if missing := [name for name in fields if name not in x]:
        noun = "input" if len(missing) == 1 else "inputs"
        held = format_list([repr(name) for name in x]) or "nothing"
        raise DataError(
            f"the {noun} {format_list([repr(name) for name in missing])} must be given, but the"
            f" dict holds {held}{_instead(missing, fields)}"
        )
    if unknown := [str(name) for name in x if name not in fields]:
        raise DataError(
            f"the model has no inputs {format_list(unknown)}; available: {format_list([*fields])}"
        )
    sources = {}
    for name, field in fields.items():
        convert = _texts if field.dtype == TEXT else _array
        sources[name] = Source(convert(name, x[name], field), f"the input {name!r}")
    compare_counts({source.place: len(source) for source in sources.values()})
    return sources


def _instead(missing: Sequence[str], fields: Mapping[str, Field]) -> str:
    """Suggest the form of the only input of a model."""
    if len(fields) != 1:
        return ""
    columns = fields[missing[0]].names
    order = f" with the columns {format_list(columns)}, in this order" if columns else ""
    return f"; give {{{missing[0]!r}: x}} or x itself, an array{order}"


def _conversion(array: Array) -> str:
    """Suggest a conversion of text or objects to numbers; empty if it would fail."""
    if array.dtype.kind not in "USO":
        return ""
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return ""
    return "; convert it: numpy.asarray(x, float)" if np.isfinite(numbers).all() else ""


def _columns(name: str, frame: Any, field: Field) -> Any:
    """Return the columns of a DataFrame that the features of an input name, in their order."""
    if field.names is None:
        raise DataError(f"the input {name!r} is a DataFrame; give df.to_numpy()")
    columns = [str(column) for column in frame.columns]
    if missing := [feature for feature in field.names if feature not in columns]:
        raise DataError(
            f"the DataFrame lacks the columns {format_list([repr(c) for c in missing])}; it has"
            f" {format_list([repr(c) for c in columns])}"
        )
    return frame[[frame.columns[columns.index(feature)] for feature in field.names]].to_numpy()


def _image_shape(images: Array, field: Field) -> Shape:
    """Return the shape of an image, with or without an axis of one channel as in training."""
    return (*images.shape[1:], 1) if len(field.shape) == images.ndim == 3 else images.shape[1:]


def _texts(name: str, values: Any, field: Field) -> Array:
    """Return a Python value as an array (N, *shape) of text."""
    try:
        array = np.asarray(values, object)
    except ValueError as error:
        raise DataError(f"the input {name!r} is not an array: its rows differ in length") from error
    wrong = [item for item in array.flat if not isinstance(item, str) or not is_encodable(item)]
    if wrong or array.ndim == 0 or array.shape[1:] != field.shape or not len(array):
        held = f"{type(wrong[0]).__name__}s" if wrong else f"text of shape {array.shape}"
        expected = f"({', '.join(('N', *map(str, field.shape)))})"
        raise DataError(
            f"the input {name!r} holds {held}, but the model expects texts of shape {expected};"
            " give a list of str"
        )
    texts = np.empty(array.size, object)
    texts[:] = [str(text) for text in array.flat]  # not NumPy's own type of text
    return texts.reshape(array.shape)


def _array(name: str, values: Any, field: Field) -> Array:
    """Return a Python value as an array (N, *shape) of numbers."""
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        values = _columns(name, values, field)
    if is_image_object(values):
        values = [values]
    if are_images(values):
        values = stack_images(f"the input {name!r}", values, mode_of(field))
        values = values.reshape(len(values), *_image_shape(values, field))
    if np.ma.isMaskedArray(values):
        if np.ma.getmaskarray(values).any():
            raise DataError(f"the input {name!r} has masked values; fill them with x.filled(value)")
        values = values.data
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"the input {name!r} is not an array: its rows differ in length") from error
    expected = f"({', '.join(('N', *map(str, field.shape)))})"
    if array.dtype.kind not in "biuf":
        kinds = {"U": "text", "S": "text", "O": "Python objects", "c": "complex numbers"}
        kind = kinds.get(array.dtype.kind, f"values of dtype {array.dtype}")
        raise DataError(
            f"the input {name!r} holds {kind}, but the model expects numbers of shape {expected}"
            f"{_conversion(array)}"
        )
    if array.ndim and array.shape == field.shape:
        raise DataError(
            f"the input {name!r} has shape {array.shape}, but the model expects {expected}; give a"
            " single sample as [x]"
        )
    if array.ndim and not len(array):
        raise DataError(f"the input {name!r} has no samples: its shape is {array.shape}")
    if array.ndim == 0 or array.shape[1:] != field.shape:
        features = f": {format_list(field.names)}" if field.names is not None else ""
        raise DataError(
            f"the input {name!r} has shape {array.shape}, but the model expects {expected}"
            f"{features}"
        )
    return array
