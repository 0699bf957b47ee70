"""The inputs of a network: validated for a whole batch, converted for each shard."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

import numpy as np

from tinynet.errors import DataError, ShapeError
from tinynet.spec.graph import INPUT, is_input
from tinynet.types import Array, Shape

Inputs: TypeAlias = Array | Mapping[str, Array]
"""The only input of a network, (N, *input_shape), or such an array for each input by name."""

NUMBERS = "biuf"
"""The kinds of dtype that hold real numbers."""


def input_name(name: str) -> str:
    """Return the full name of an input: ``input:image`` for ``image``."""
    return name if is_input(name) else f"{INPUT}:{name}"


def own_name(name: str) -> str:
    """Return the name of an input in the data: ``image`` for ``input:image``."""
    return name.partition(":")[2] or name


def validate_inputs(x: Inputs, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Return the inputs by full name, in their own dtype.

    Args:
        x: The inputs of a batch.
        shapes: Shape of one sample of each input, by full name.

    Raises:
        ShapeError: for a missing input, or one of another shape.
        DataError: for masked values.
    """
    if type(x) is np.ndarray and len(shapes) == 1:  # The usual case is tested in less time.
        for name, shape in shapes.items():
            if x.ndim and x.shape[1:] == shape:
                return {name: x}
    inputs = _by_name(x, shapes)
    lengths = {array.shape[:1] for array in inputs.values()}
    for name, array in inputs.items():
        if array.ndim == 0 or array.shape[1:] != shapes[name] or len(lengths) > 1:
            required = ", ".join(("N", *map(str, shapes[name])))
            same = ", with the same N for every input" if len(inputs) > 1 else ""
            message = f"{name} must have the shape ({required}){same}; its shape is {array.shape}"
            raise ShapeError(message)
    return inputs


def _by_name(x: Inputs, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    if not isinstance(x, Mapping):
        if len(shapes) > 1:
            raise ShapeError(
                f"the network has the inputs {', '.join(shapes)}; pass a dict with one array each"
            )
        (name,) = shapes
        return {name: plain_array(name, x)}
    arrays = {input_name(name): plain_array(input_name(name), array) for name, array in x.items()}
    if missing := shapes.keys() - arrays.keys():
        raise ShapeError(
            f"there is no array for the network's input {', '.join(sorted(missing))!r}; the inputs"
            f" passed are: {', '.join(arrays) or 'none'}"
        )
    return {name: arrays[name] for name in shapes}


def plain_array(name: str, values: object) -> Array:
    """Return values as an array of none of NumPy's subclasses.

    Raises:
        ShapeError: for rows that differ in length.
        DataError: for a masked array in which values are masked: it would be used without its mask.
    """
    if isinstance(values, np.ndarray) and np.any(getattr(values, "mask", False)):
        raise DataError(f"{name} has masked values; fill them with x.filled(value)")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"{name} is not an array: {error}") from None


def convert_inputs(
    inputs: Mapping[str, Array], dtype: np.dtype[np.generic], index_inputs: Collection[str]
) -> dict[str, Array]:
    """Return inputs in the network's dtype, except integers that layers take as indices.

    Args:
        inputs: Arrays by full name.
        dtype: The network's dtype.
        index_inputs: Names of the inputs whose integer dtype is kept.

    Raises:
        DataError: for an input that does not hold real numbers.
    """
    return {
        name: array if array.dtype == dtype else _convert(name, array, dtype, index_inputs)
        for name, array in inputs.items()
    }


def _convert(
    name: str, array: Array, dtype: np.dtype[np.generic], index_inputs: Collection[str]
) -> Array:
    if array.dtype.kind not in NUMBERS:
        raise DataError(f"{name} must hold real numbers; its dtype is {array.dtype}")
    if name in index_inputs and np.issubdtype(array.dtype, np.integer):
        return array
    return array.astype(dtype, copy=False)
