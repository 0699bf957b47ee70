"""The protocol of parametrizations, and every name that the author of a parametrization imports.

A parametrization computes a parameter of a layer from other arrays, which are trained and saved in
its place: the direction and the length of its vectors, for example. The layer does not know of it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from tinynet.config import Config
from tinynet.errors import ShapeError, SpecError
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "Iterated",
    "Parametrization",
    "ParametrizationConfig",
    "Shape",
    "ShapeError",
    "SpecError",
]


class ParametrizationConfig(Config):
    """The base of a parametrization's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "params", "comment"})


class Parametrization(Protocol):
    """A parameter as a function of other arrays. Constructed as ``Type(config)``.

    It has no state of its own, and serves any number of parameters. Its methods are called once in
    each step, for whole parameters. They change none of their arguments, and their results do not
    depend on the number of threads: sums are NumPy's, not matrix products of BLAS.

    Arrays have names: ``g`` of ``dense_1/weight`` has the address ``dense_1/weight_g``. The empty
    name stands for the address of the parameter itself. All arrays have the parameter's dtype.
    """

    Config: ClassVar[type[Any]]

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shape of each trained array by name.

        Args:
            shape: The shape of the parameter.

        Raises:
            ShapeError: for a parameter that it cannot compute.
        """
        ...

    def params_of(self, value: Array) -> dict[str, Array]:
        """Return the trained arrays of an initial value of the parameter, in new memory.

        Raises:
            SpecError: for a value that has none, such as zeros without a direction.
        """
        ...

    def value(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> Array:
        """Return the parameter.

        Args:
            params: The trained arrays by name.
            buffers: The arrays of `Iterated` by name; empty without it.
        """
        ...

    def gradients(
        self, params: Mapping[str, Array], buffers: Mapping[str, Array], d_value: Array
    ) -> dict[str, Array]:
        """Return the gradient of each trained array by name; buffers are constants.

        Args:
            params: The trained arrays by name.
            buffers: The arrays of `Iterated` by name; empty without it.
            d_value: The gradient of the parameter, with its shape.
        """
        ...


@runtime_checkable
class Iterated(Protocol):
    """The ability of a parametrization to have arrays that are saved, but not trained.

    They follow the trained arrays by an iteration after each update.
    """

    def buffer_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the shape of each array by name, from the shape of the parameter."""
        ...

    def initial_buffers(
        self, params: Mapping[str, Array], rng: np.random.Generator
    ) -> dict[str, Array]:
        """Return the arrays for initial values of the trained arrays, in new memory.

        Raises:
            SpecError: for values that have none, such as zeros without singular vectors.
        """
        ...

    def advance(self, params: Mapping[str, Array], buffers: Mapping[str, Array]) -> None:
        """Change ``buffers`` in place, after an update has changed ``params``."""
        ...
