"""Axes of a parameter as an option: one whole number, or several."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from tinynet.errors import ShapeError
from tinynet.types import Shape


def _as_axes(value: Any) -> Any:
    axes = [value] if isinstance(value, int) else value
    return tuple(axes) if isinstance(axes, list) else axes


Axes: TypeAlias = Annotated[
    tuple[int, ...], BeforeValidator(_as_axes, json_schema_input_type=int | tuple[int, ...])
]
"""The type of the option; negative numbers count from the last axis."""


def axes_of(shape: Shape, axes: Sequence[int]) -> tuple[int, ...]:
    """Return axes of a shape as numbers from 0, in ascending order.

    Raises:
        ShapeError: for an axis that does not exist, or that is named twice.
    """
    ndim = len(shape)
    if any(not -ndim <= axis < ndim for axis in axes):
        raise ShapeError(f"axis {[*axes]} does not exist in a parameter of shape {shape}")
    found = sorted({axis % ndim for axis in axes})
    if len(found) < len(axes):
        raise ShapeError(
            f"axis {[*axes]} names the same axis of a parameter of shape {shape} twice; name each"
            " axis once"
        )
    return tuple(found)
