"""The conformance kit for constraints."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinynet.constraint import ConstraintConfig
from tinynet.kernels.random import derive
from tinynet.testing.arrays import require_finite, require_same_bits, spread
from tinynet.testing.checks import Check, checks_of, require, run_all
from tinynet.testing.configs import Options, make_config, require_config
from tinynet.testing.initializers import SHAPES
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshot
from tinynet.types import Array, Shape


@dataclass(frozen=True)
class ConstraintCase:
    """The subject of `check_constraint`; its attributes are that function's arguments."""

    constraint_class: type[Any]
    options: Options
    shapes: tuple[Shape, ...]
    seed: int

    @cached_property
    def constraint(self) -> Any:
        return self.constraint_class(make_config(self.constraint_class, self.options))

    def projected(self, shape: Shape, dtype: DTypeLike = "float64") -> Array:
        """Return a parameter after the projection."""
        (param,) = spread(derive("param", self.seed, *shape), [shape], dtype)
        self.constraint.project(param)
        return param


def config(case: ConstraintCase) -> None:
    """Options are validated, described, frozen, and none has a name that specs reserve."""
    require_config(case.constraint_class, case.options, ConstraintConfig)


def in_place(case: ConstraintCase) -> None:
    """`project` changes the parameter in place and returns nothing."""
    for shape in case.shapes:
        for dtype in ("float32", "float64"):
            returned = case.constraint.project(np.ones(shape, dtype))
            require(returned is None, f"project returns {returned!r:.80} instead of nothing")
            when = f"for shape {shape} in {dtype}"
            require_finite({"the parameter": case.projected(shape, dtype)}, when)


def repeatable(case: ConstraintCase) -> None:
    """The same parameter gives the same bits: a constraint has no state."""
    before = snapshot(case.constraint, "constraint")
    with no_global_randomness("project"):
        for shape in case.shapes:
            first, second = ({"the parameter": case.projected(shape)} for _ in range(2))
            require_same_bits(first, second, f"projected again for shape {shape}")
    require_unchanged(before, snapshot(case.constraint, "constraint"), "project")


def zeros(case: ConstraintCase) -> None:
    """The projection of zeros is finite."""
    for shape in case.shapes:
        for dtype in ("float32", "float64"):
            param = np.zeros(shape, dtype)
            with np.errstate(all="ignore"):
                case.constraint.project(param)
            require_finite({"the parameter": param}, f"for zeros of shape {shape} in {dtype}")


CONSTRAINT_CHECKS = (config, in_place, repeatable, zeros)


def constraint_checks(
    constraint_class: type[Any],
    options: Options,
    *,
    shapes: Sequence[Shape] = SHAPES,
    seed: int = 0,
) -> list[Check]:
    """Return the checks of one constraint class with one config.

    Args:
        constraint_class: The class.
        options: Its config, or its options as in a spec.
        shapes: Shapes of parameters that it takes.
        seed: The seed of everything that the checks draw.
    """
    case = ConstraintCase(constraint_class, options, tuple(map(tuple, shapes)), seed)
    return checks_of(constraint_class.__name__, case, CONSTRAINT_CHECKS)


def check_constraint(constraint_class: type[Any], options: Options, **kwargs: Any) -> None:
    """Run all of `constraint_checks`, with the same arguments.

    Raises:
        CheckFailed: with one line for each finding.
    """
    run_all(constraint_checks(constraint_class, options, **kwargs))
