"""The shape and dtype of an array that has not been read."""

from dataclasses import dataclass

import numpy as np

from tinynet.errors import DataError
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and dtype of an array.

    Attributes:
        shape: Its shape.
        dtype: NumPy's name of the dtype, without its byte order; or the file's name of a dtype that
            NumPy does not have.
    """

    shape: Shape
    dtype: str

    @classmethod
    def of(cls, array: "Array | ArrayHeader") -> "ArrayHeader":
        """Return the header of an array; return a header unchanged."""
        if isinstance(array, ArrayHeader):
            return array
        return cls(array.shape, array.dtype.name)

    @classmethod
    def read(cls, place: str, shape: Shape, dtype: str) -> "ArrayHeader":
        """Return a header that a file has; `DataError` for a shape that no array has."""
        try:
            np.broadcast_to(np.zeros(()), shape)
        except ValueError as error:
            raise DataError(f"{place} has shape {shape}, which no array has") from error
        return cls(shape, dtype)
