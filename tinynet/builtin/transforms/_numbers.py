"""The base of the numeric transforms."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.text.wording import format_list
from tinynet.types import Array

RNGs: TypeAlias = Callable[[int], np.random.Generator]
"""The random stream of each sample."""

MAX_SHOWN = 5
"""Classes that a message lists."""


class Numeric:
    """The base of transforms of numbers to float32 or float64; class indices are rejected."""

    spec_name: ClassVar[str]

    def describe(self, field: Field) -> Field:
        if field.classes is not None:
            numbers = all(label.removeprefix("-").isdecimal() for label in field.classes)
            remedy = (
                'for a quantity, set "target_type": "number" in "data"'
                if numbers
                else 'use "one_hot" to encode them'
            )
            classes = format_list(field.classes[:MAX_SHOWN])
            more = ", ..." if len(field.classes) > MAX_SHOWN else ""
            raise DataError(
                f"{self.spec_name} needs quantities, but this array holds {len(field.classes)}"
                f" classes ({classes}{more}); {remedy}"
            )
        return replace(field, dtype=output_dtype(np.dtype(field.dtype)).name)


def output_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float64 stays float64; everything else becomes float32."""
    return np.dtype(np.float64) if dtype == np.float64 else np.dtype(np.float32)


def as_floats(batch: Array) -> Array:
    """Return a copy in float32 if that represents every value exactly, else in float64."""
    return batch.astype(np.result_type(batch.dtype, np.float32))


def floats_of(field: Field) -> np.dtype[Any]:
    """Return the dtype in which `as_floats` returns the values of a field."""
    return np.result_type(np.dtype(field.dtype), np.float32)
