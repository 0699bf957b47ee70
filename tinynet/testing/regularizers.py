"""The conformance kit for regularizers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.kernels.random import derive
from tinynet.regularizer import RegularizerConfig
from tinynet.testing.arrays import (
    Arrays,
    read_only,
    require_array,
    require_finite,
    require_same_bits,
    spread,
)
from tinynet.testing.checks import Check, CheckFailed, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.gradients import require_gradients
from tinynet.testing.initializers import SHAPES
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshots
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class RegularizerCase:
    """The subject of `check_regularizer`; its attributes are that function's arguments."""

    regularizer_class: type[Any]
    options: Options
    shapes: tuple[Shape, ...]
    seed: int

    @cached_property
    def regularizer(self) -> Any:
        return self.regularizer_class(make_config(self.regularizer_class, self.options))

    def param(self, shape: Shape, dtype: DTypeLike = "float64") -> Array:
        """Return a parameter without equal numbers and zeros."""
        (values,) = spread(derive("param", self.seed, *shape), [shape], dtype)
        return values


def config(case: RegularizerCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.regularizer_class, case.options, RegularizerConfig)


def value_and_gradient(case: RegularizerCase) -> None:
    """The penalty is a finite number, the gradient has the parameter's shape and dtype."""
    for shape in case.shapes:
        for dtype in ("float32", "float64"):
            returned = case.regularizer.value_and_gradient(case.param(shape, dtype))
            when = f"for shape {shape} in {dtype}"
            require(
                isinstance(returned, tuple) and len(returned) == 2,
                f"{when}, value_and_gradient returns no pair of a penalty and a gradient",
            )
            value, gradient = returned
            require(
                isinstance(value, Real) and math.isfinite(value),
                f"{when}, the penalty is {value!r} instead of a finite number",
            )
            require_array(gradient, f"{when}, the gradient", shape, dtype)
            require_finite({"the gradient": gradient}, when)


def pure(case: RegularizerCase) -> None:
    """The same parameter gives the same bits, and nothing is changed."""
    for shape in case.shapes:
        param = case.param(shape)
        before = snapshots(regularizer=case.regularizer, param=param)
        with no_global_randomness("value_and_gradient"):
            first, second = (_results(case, param) for _ in range(2))
        require_same_bits(first, second, f"computed again for shape {shape}")
        after = snapshots(regularizer=case.regularizer, param=param)
        require_unchanged(before, after, "value_and_gradient")
        try:
            case.regularizer.value_and_gradient(read_only(param))
        except ValueError as error:
            message = f"value_and_gradient fails for a read-only parameter ({error})"
            raise CheckFailed(message) from error


def gradient(case: RegularizerCase) -> None:
    """The gradient is that of the penalty, by finite differences."""

    def evaluate(arrays: Arrays) -> Array:
        return _results(case, arrays["the parameter"])["the penalty"]

    for shape in case.shapes:
        param = case.param(shape)
        gradients = {"the parameter": _results(case, param)["the gradient"]}
        rng = derive("direction", case.seed, *shape)
        require_gradients(evaluate, {"the parameter": param}, gradients, np.ones(()), rng)


def zeros(case: RegularizerCase) -> None:
    """Penalty and gradient of a parameter of zeros are finite."""
    for shape in case.shapes:
        for dtype in ("float32", "float64"):
            with np.errstate(all="ignore"):
                results = _results(case, np.zeros(shape, dtype))
            require_finite(results, f"for zeros of shape {shape} in {dtype}")


def _results(case: RegularizerCase, param: Array) -> Arrays:
    value, gradient = case.regularizer.value_and_gradient(param)
    return {"the penalty": np.asarray(value, np.float64), "the gradient": gradient}


REGULARIZER_CHECKS = (config, value_and_gradient, pure, gradient, zeros)


def regularizer_checks(
    regularizer_class: type[Any],
    options: Options,
    *,
    shapes: Sequence[Shape] = SHAPES,
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one regularizer class with one config.

    Args:
        regularizer_class: The class.
        options: Its config, or its options as in a spec.
        shapes: Shapes of parameters that it takes.
        seed: The seed of everything that the checks draw.
    """
    case = RegularizerCase(regularizer_class, options, tuple(map(tuple, shapes)), seed)
    return checks_of(regularizer_class.__name__, case, REGULARIZER_CHECKS)


def check_regularizer(regularizer_class: type[Any], options: Options, **kwargs: Any) -> None:
    """Run all of `regularizer_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(regularizer_checks(regularizer_class, options, **kwargs))
