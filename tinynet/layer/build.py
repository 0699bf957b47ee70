"""The builder of a layer's arrays, passed to its constructor."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tinynet.config import InitializerReference
from tinynet.errors import ShapeError, SpecError
from tinynet.initializer import Initializer
from tinynet.kernels.memory import aligned_empty
from tinynet.kernels.random import derive
from tinynet.text.options import option
from tinynet.types import Array, Shape

MAX_PARAMS = 2**31
"""Parameters and buffer elements of a network, unless the user allows more."""


InitializerLike: TypeAlias = str | Mapping[str, Any] | InitializerReference | Initializer


@dataclass
class Budget:
    """The number of elements that a network may still allocate."""

    limit: int = MAX_PARAMS
    spent: int = 0

    def spend(self, what: str, shape: Shape, itemsize: int) -> None:
        """Count one array.

        Raises:
            SpecError: if the limit is exceeded.
        """
        count = math.prod(shape)
        self.spent += count
        if self.spent > self.limit:
            raise SpecError(
                f"{what} of shape {shape} has {count:,} elements ({count * itemsize:,} bytes);"
                f" with it the network has {self.spent:,}, and at most {self.limit:,} are allowed"
                f" ({option('--max-params', 'max_params')})"
            )


@dataclass(kw_only=True)
class Build:
    """The context of a layer's construction. ``Build()`` can construct any layer by hand.

    Attributes:
        node: The node's name; it addresses parameters (``conv2d_1/weight``).
        dtype: The dtype of the parameters, in which the layer computes.
        seed: The run's seed; each array is drawn from (seed, node, array name).
        dry: True for arrays of the right shape and dtype that take no memory. A constructor
            therefore never reads or writes the arrays that `param` and `buffer` return.
        budget: The count of elements of the whole network.
        create: Creates the initializer that a spec names; a network passes that of the registry.
    """

    node: str = "layer"
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    seed: int = 0
    dry: bool = False
    budget: Budget = field(default_factory=Budget)
    create: Callable[[InitializerReference], Initializer] | None = None

    def param(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike,
        *,
        fan_in: int | None = None,
        fan_out: int | None = None,
    ) -> Array:
        """Return a parameter, which the optimizer will change in place.

        Args:
            name: Its name within the layer: ``weight``, ``bias``, ``gamma``, ``beta``, ...
            shape: Its shape.
            initializer: A field of the config; or a registered initializer, as a spec would name
                it (``"zeros"``, ``{"type": "normal", "stddev": 0.1}``); or any callable with the
                signature of `Initializer`.
            fan_in: Number of inputs of one unit; by default that of a dense or convolution weight,
                the product of all axes but the last.
            fan_out: Number of units that one input reaches; by default the last axis times the
                window.

        Raises:
            ShapeError: for an axis that is not positive.
            SpecError: if the network's limit of elements is exceeded.
        """
        return self._array(name, shape, initializer, fan_in, fan_out)

    def buffer(self, name: str, shape: Shape, initializer: InitializerLike) -> Array:
        """Return an array that is saved with the parameters, and that only ``commit`` changes."""
        return self._array(name, shape, initializer, None, None)

    def _array(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike,
        fan_in: int | None,
        fan_out: int | None,
    ) -> Array:
        address = f"{self.node}/{name}"
        if any(size < 1 for size in shape):
            raise ShapeError(f"{address} would have shape {shape}; every axis must be at least 1")
        self.budget.spend(address, shape, self.dtype.itemsize)
        if self.dry:
            return np.broadcast_to(np.zeros((), self.dtype), shape)
        window = math.prod(shape[:-2])
        if fan_in is None:
            fan_in = math.prod(shape[:-1]) if len(shape) > 1 else math.prod(shape)
        if fan_out is None:
            fan_out = window * shape[-1] if shape else 1
        make = self._initializer(initializer)
        values = make(
            derive("init", self.seed, self.node, name), shape, fan_in, fan_out, self.dtype
        )
        array = aligned_empty(shape, self.dtype)
        array[...] = values
        return array

    def _initializer(self, initializer: InitializerLike) -> Initializer:
        if isinstance(initializer, str | Mapping):
            initializer = InitializerReference.model_validate(initializer)
        if not isinstance(initializer, InitializerReference):
            return initializer
        if self.create is None:
            raise SpecError(
                f"{self.node}: this Build cannot create an initializer from its name; pass"
                " create=tinynet.registry.default().create to Build"
            )
        return self.create(initializer)
