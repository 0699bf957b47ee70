"""The regularizers, constraints and parametrizations in the table of `test_contract`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tinynet.testing import (
    Check,
    constraint_checks,
    parametrization_checks,
    regularizer_checks,
)

Row = Callable[[type[Any], Path], Iterator[Check]]


def regularizer(options: dict[str, Any], **kwargs: Any) -> Row:
    return lambda cls, folder: regularizer_checks(cls, options, **kwargs)


def constraint(options: dict[str, Any]) -> Row:
    return lambda cls, folder: constraint_checks(cls, options)


def parametrization(options: dict[str, Any]) -> Row:
    shapes = [(6, 4), (1, 5), (3, 3, 2, 5)]
    return lambda cls, folder: parametrization_checks(cls, options, shapes=shapes)


REGULARIZERS = {
    "l1": [regularizer({"factor": 0.5})],
    "l1_l2": [regularizer({"l1": 0.5, "l2": 0.25})],
    "l2": [regularizer({"factor": 0.5})],
    "orthogonal": [
        regularizer({"factor": 0.5, "mode": mode}, shapes=[(6, 4), (4, 6), (1, 5), (3, 3, 2, 5)])
        for mode in ("rows", "columns")
    ],
}
CONSTRAINTS = {
    "max_norm": [constraint({"max_value": 0.5}), constraint({"axis": [-1]})],
    "min_max_norm": [constraint({"min_value": 0.5, "rate": 0.5})],
    "non_negative": [constraint({})],
    "unit_norm": [constraint({})],
}
PARAMETRIZATIONS = {
    "spectral_norm": [parametrization({}), parametrization({"axis": 0, "power_iterations": 3})],
    "weight_norm": [parametrization({}), parametrization({"axis": -2})],
}
