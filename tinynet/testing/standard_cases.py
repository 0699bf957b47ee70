"""The default cases of the conformance kit, for each kind of plugin.

A case is the keyword arguments of the kit's function for its kind, without the options. The first
one that a type accepts is taken.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from tinynet.config import Config
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError, ShapeError
from tinynet.kernels.random import derive
from tinynet.layer.build import Build
from tinynet.layer.context import Context
from tinynet.loss import CheckedLoss
from tinynet.registry import default
from tinynet.testing.arrays import as_samples
from tinynet.testing.checks import require
from tinynet.testing.initializers import SHAPES
from tinynet.testing.loss_case import loss_case
from tinynet.testing.masks import mask_problem
from tinynet.types import Array, Shape

Arguments: TypeAlias = dict[str, Any]
"""Keyword arguments of one of the kit's functions: ``{"options": {}, "in_shapes": [(5,)]}``."""

SAMPLES, CLASSES = 8, 6
DRAW = derive("standard cases")
LABELS = DRAW.permutation(SAMPLES) % CLASSES
SHARES = DRAW.dirichlet(np.ones(CLASSES), SAMPLES)
TOKENS = np.stack([LABELS % 3 + 1, LABELS % 2 + 1, LABELS % 3 + 2], axis=1)
MATRICES = tuple(shape for shape in SHAPES if len(shape) == 2)
WINDOWS = tuple(shape for shape in SHAPES if len(shape) > 2)
NUMBERS = DRAW.normal(size=(SAMPLES, CLASSES))
TEXTS = ["A cat sat.", "the cat's mat", "", "One, two: 3.5!", "a a b", "\u00fc\u4e2d", "A", "b c"]
PIXELS = DRAW.integers(256, size=(SAMPLES, 4, 4, 2))


@dataclass(frozen=True)
class Standard:
    """The cases of one kind of plugin.

    Attributes:
        cases: The cases, in the order of trying.
        accept: Raises if a class with a config does not accept a case.
    """

    cases: Sequence[Arguments]
    accept: Callable[[type[Any], Config, Arguments], None]


def integers(shape: Shape) -> Array:
    """Return samples of 0 and 1, (N, *shape): indices that every embedding has."""
    drawn: Array = derive("integers", *shape).integers(2, size=(SAMPLES, *shape))
    return drawn


def _accept_layer(layer_class: type[Any], config: Config, case: Arguments) -> None:
    shapes = tuple(tuple(shape) for shape in case["in_shapes"])
    if problem := mask_problem(shapes, case.get("mask")):
        raise ShapeError(problem)
    # A constructor that ignores its inputs accepts any number of them.
    inspect.signature(layer_class.forward).bind("self", "ctx", *shapes)
    layer_class(config, shapes, Build(dry=True, create=default().create))


def _accept_loss(loss_class: type[Any], config: Config, case: Arguments) -> None:
    accepted = loss_case(
        loss_class, config, case["out_shape"], case["targets"], case.get("outputs")
    )
    loss, targets, shapes = accepted.loss, accepted.targets, accepted.out_shapes
    if isinstance(loss, CheckedLoss):
        target_shape = cast(Shape, None if targets is None else targets.shape[1:])
        loss.check_shapes(accepted.passed(shapes), target_shape)
        bad = None if targets is None else loss.bad_target(accepted.passed(shapes), targets)
        require(bad is None, f"bad_target says {bad}")
    sizes = [accepted.samples * math.prod(shape) for shape in shapes]
    outputs = tuple(
        np.linspace(0.1, 0.9, size).reshape(accepted.samples, *shape)
        for size, shape in zip(sizes, shapes, strict=True)
    )
    accepted.forward(Context(training=True), outputs, targets)


def _accept_metric(metric_class: type[Any], config: Config, case: Arguments) -> None:
    metric, predictions = metric_class(config), np.asarray(case["predictions"])
    metric.update(metric.start(predictions.shape[1:]), predictions, np.asarray(case["targets"]))


def _accept_initializer(initializer_class: type[Any], config: Config, case: Arguments) -> None:
    initializer = initializer_class(config)
    for shape in case["shapes"]:
        initializer(derive("accepted"), shape, math.prod(shape), shape[-1], np.dtype(np.float64))


def _accept_regularizer(regularizer_class: type[Any], config: Config, case: Arguments) -> None:
    regularizer = regularizer_class(config)
    for shape in case["shapes"]:
        regularizer.value_and_gradient(np.ones(shape))


def _accept_constraint(constraint_class: type[Any], config: Config, case: Arguments) -> None:
    constraint = constraint_class(config)
    for shape in case["shapes"]:
        constraint.project(np.ones(shape))


def _accept_parametrization(
    parametrization_class: type[Any], config: Config, case: Arguments
) -> None:
    parametrization = parametrization_class(config)
    for shape in case["shapes"]:
        parametrization.shapes(shape)


def _accept_transform(transform_class: type[Any], config: Config, case: Arguments) -> None:
    transform, field = transform_class(config), case["field"]
    transform.describe(field)
    if field.dtype == TEXT and not getattr(transform_class, "takes_text", False):
        raise DataError("it does not take text")
    transform.fit(field, iter([as_samples(case["samples"], field)]))


STANDARDS = {
    "layers": Standard(
        (
            *({"in_shapes": [shape]} for shape in ((6,), (4, 6), (6, 6, 4), (4, 4, 4, 2), ())),
            *({"in_shapes": [shape] * 2} for shape in ((6,), (6, 6), (6, 6, 4))),
            {"in_shapes": [(6,)] * 3},
            {"in_shapes": [(4, 6), (4,)], "mask": 1},
        ),
        _accept_layer,
    ),
    "losses": Standard(
        (
            {"out_shape": (CLASSES,), "targets": SHARES},
            {"out_shape": (CLASSES,), "targets": LABELS},
            {"out_shape": (), "targets": SHARES[:, 0]},
            {"out_shape": (9, CLASSES), "targets": TOKENS},
            {"out_shape": (CLASSES,), "targets": None},
            {"out_shape": [(CLASSES,)] * 2, "targets": SHARES},
            {"out_shape": [(CLASSES,)] * 2, "targets": LABELS % 2},
            {"out_shape": [(CLASSES,)] * 2, "targets": None},
        ),
        _accept_loss,
    ),
    "metrics": Standard(
        (
            {"predictions": SHARES, "targets": LABELS},
            {"predictions": NUMBERS, "targets": SHARES},
            {"predictions": NUMBERS[:, 0], "targets": SHARES[:, 0]},
        ),
        _accept_metric,
    ),
    "initializers": Standard(
        ({"shapes": SHAPES}, {"shapes": SHAPES[1:]}, {"shapes": MATRICES}, {"shapes": WINDOWS}),
        _accept_initializer,
    ),
    "regularizers": Standard(({"shapes": SHAPES}, {"shapes": SHAPES[1:]}), _accept_regularizer),
    "constraints": Standard(({"shapes": SHAPES}, {"shapes": SHAPES[1:]}), _accept_constraint),
    "parametrizations": Standard(
        ({"shapes": SHAPES}, {"shapes": SHAPES[1:]}), _accept_parametrization
    ),
    "transforms": Standard(
        (
            {"field": Field((CLASSES,), "float32"), "samples": NUMBERS},
            {"field": Field((4, 4, 2), "uint8"), "samples": PIXELS},
            {"field": Field((), "int64", classes=tuple("abcdef")), "samples": LABELS},
            {"field": Field((), "int64"), "samples": LABELS},
            {"field": Field((), TEXT), "samples": TEXTS},
        ),
        _accept_transform,
    ),
}
"""The kinds whose checks need more arguments than options."""
