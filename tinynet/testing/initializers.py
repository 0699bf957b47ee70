"""The conformance kit for initializers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinynet.initializer import InitializerConfig
from tinynet.kernels.random import derive
from tinynet.testing.arrays import (
    require_array,
    require_finite,
    require_same_bits,
)
from tinynet.testing.checks import Check, checks_of, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshot
from tinynet.types import Array, Shape

SHAPES = ((7,), (6, 4), (4, 6), (3, 3, 2, 5))


@dataclass(frozen=True)
class InitializerCase:
    """The subject of `check_initializer`; its attributes are that function's arguments."""

    initializer_class: type[Any]
    options: Options
    shapes: tuple[Shape, ...]
    seed: int

    @cached_property
    def initializer(self) -> Any:
        return self.initializer_class(make_config(self.initializer_class, self.options))

    def draw(self, shape: Shape, dtype: str = "float64") -> Array:
        """Return values for a parameter of that shape."""
        fan_in = math.prod(shape[:-1]) if len(shape) > 1 else shape[0]
        fan_out = math.prod(shape[:-2]) * shape[-1]
        rng = derive("init", self.seed)
        values: Array = self.initializer(rng, shape, fan_in, fan_out, np.dtype(dtype))
        return values


def config(case: InitializerCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.initializer_class, case.options, InitializerConfig)


def shape_and_dtype(case: InitializerCase) -> None:
    """The values have the requested shape and dtype, and are finite."""
    for shape in case.shapes:
        for dtype in ("float32", "float64"):
            values = case.draw(shape, dtype)
            require_array(values, f"for shape {shape}, the result", shape, dtype)
            require_finite({"the result": values}, f"for shape {shape} in {dtype}")


def repeatable(case: InitializerCase) -> None:
    """The same stream gives the same bits, and no other source of randomness is touched."""
    before = snapshot(case.initializer, "initializer")
    with no_global_randomness("the initializer"):
        for shape in case.shapes:
            first, second = ({"the result": case.draw(shape)} for _ in range(2))
            require_same_bits(first, second, f"drawn again for shape {shape}")
    require_unchanged(before, snapshot(case.initializer, "initializer"), "drawing")


INITIALIZER_CHECKS = (config, shape_and_dtype, repeatable)


def initializer_checks(
    initializer_class: type[Any],
    options: Options,
    *,
    shapes: Sequence[Shape] = SHAPES,
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one initializer class with one config.

    Args:
        initializer_class: The class.
        options: Its config, or its options as in a spec.
        shapes: Shapes of parameters that it can fill.
        seed: The seed of the random stream.
    """
    case = InitializerCase(initializer_class, options, tuple(map(tuple, shapes)), seed)
    return checks_of(initializer_class.__name__, case, INITIALIZER_CHECKS)


def check_initializer(initializer_class: type[Any], options: Options, **kwargs: Any) -> None:
    """Run all of `initializer_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(initializer_checks(initializer_class, options, **kwargs))
