"""Functions of the numeric transforms."""

from typing import Any

import numpy as np

from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.text.wording import format_list

MAX_SHOWN = 5
"""Classes that a message lists."""


def output_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float64 stays float64; everything else becomes float32."""
    return np.dtype(np.float64) if dtype == np.float64 else np.dtype(np.float32)


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return float32 if it represents every value exactly, else float64."""
    return np.result_type(dtype, np.float32)


def refuse_classes(name: str, field: Field) -> None:
    """Raise DataError if ``field`` holds indices of classes, which are no quantities."""
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
            f"{name} needs quantities, but this array holds {len(field.classes)} classes"
            f" ({classes}{more}); {remedy}"
        )
