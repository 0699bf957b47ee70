"""The types of the results of kernels."""

from typing import Any, TypeAlias

from tinynet.types import Array

Saved: TypeAlias = Any
"""The values that a forward kernel saves for its backward kernel."""

ThreeGradients: TypeAlias = tuple[Array | None, Array | None, Array | None]
"""Gradients of the input and of two parameters, each None if it is not needed."""

TwoGradients: TypeAlias = tuple[Array | None, Array | None]
"""Gradients of the input and of one parameter, each None if it is not needed."""
