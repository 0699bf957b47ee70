"""Everything tinynet registers keeps the promises that it asks of plugins, put to the same test.

A type that is registered needs a row in `ROWS`: an example of its config, and of what it works on.
Plugins of other distributions are checked by their own tests.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinynet import registry
from tinynet.dataset import TEXT, Field
from tinynet.testing import (
    Check,
    initializer_checks,
    kernel_checks,
    layer_checks,
    logger_checks,
    loss_checks,
    metric_checks,
    optimizer_checks,
    schedule_checks,
    transform_checks,
)
from tinynet.testing.checks import run_all

from .augmentation_cases import AUGMENTATIONS
from .dataset_cases import DATASETS
from .initializer_cases import INITIALIZERS
from .layer_cases import LAYERS
from .loss_cases import LOSSES
from .metric_cases import METRICS
from .optimizer_cases import OPTIMIZERS
from .parameter_cases import CONSTRAINTS, PARAMETRIZATIONS, REGULARIZERS
from .schedule_cases import SCHEDULES

Row = Callable[[type[Any], Path], Iterator[Check]]

DRAW = np.random.default_rng(0)
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEQUENCES = DRAW.integers(3, size=(6, 4))
LABEL_SEQUENCES = np.array(
    [[1, 2, 3], [2, 2, -1], [3, -1, -1], [-1, -1, -1], [1, 1, 1], [3, 1, -1]]
)
NUMBERS = DRAW.normal(size=(6, 2))
TEXTS = ["The cat sat.", "a dog", "", "the cat's dog: 3.5!", "Grüße, Grüße", "cat cat"]
TEXT_PAIRS = [["The cat", "a cat"], ["", "dog"], ["é", " "], ["a dog", "it's it"]]
SHARES = DRAW.uniform(0.1, 0.9, (6, 2))
PROBABILITIES = DRAW.dirichlet(np.ones(3), 6)


def layer(options: dict[str, Any], *in_shapes: tuple[int, ...], **kwargs: Any) -> Row:
    return lambda cls, folder: layer_checks(cls, options, in_shapes, **kwargs)


def loss(options: dict[str, Any], out_shape: Any, targets: Any = None, **kwargs: Any) -> Row:
    return lambda cls, folder: loss_checks(cls, options, out_shape, targets, **kwargs)


def optimizer(options: dict[str, Any]) -> Row:
    return lambda cls, folder: optimizer_checks(cls, options)


def schedule(options: dict[str, Any]) -> Row:
    return lambda cls, folder: schedule_checks(cls, options)


def metric(options: dict[str, Any], predictions: Any, targets: Any) -> Row:
    return lambda cls, folder: metric_checks(cls, options, predictions, targets)


def initializer(options: dict[str, Any], **kwargs: Any) -> Row:
    return lambda cls, folder: initializer_checks(cls, options, **kwargs)


def transform(options: dict[str, Any], field: Field, samples: Any) -> Row:
    return lambda cls, folder: transform_checks(cls, options, field, samples)


def kernels(cls: type[Any], folder: Path) -> Iterator[Check]:
    return kernel_checks(cls)


ROWS: dict[str, dict[str, list[Row]]] = {
    "layers": {
        name: [layer(options, *in_shapes, **kwargs) for options, in_shapes, kwargs in cases]
        for name, cases in LAYERS.items()
    },
    "losses": {
        "activity_regularization": [
            loss({"l1": 0.5}, (2,)),
            loss({"l1": 0.1, "l2": 2.0}, (4, 3)),
        ],
        "binary_cross_entropy": [
            loss({}, (2,), SHARES),
            loss({"label_smoothing": 0.1, "average_over": "positions"}, (2,), np.round(SHARES)),
        ],
        "contrastive": [
            loss({}, [(3,), (3,)], LABELS % 2),
            loss({"margin": 9.0}, [(2, 2), (2, 2)], LABELS[:, None] % 2),
        ],
        "ctc": [
            loss({}, (7, 4), LABEL_SEQUENCES),
            loss({"blank": 2, "padding_value": 9}, (8, 5), np.where(SEQUENCES == 2, 4, SEQUENCES)),
        ],
        "distillation": [
            loss({}, [(3,), (3,)], constants=[1]),
            loss({"temperature": 4.0}, [(2, 3), (2, 3)], constants=[1]),
        ],
        "huber": [loss({}, (2,), NUMBERS), loss({"delta": 0.3}, (2,), NUMBERS)],
        "mae": [loss({}, (2,), NUMBERS)],
        "mse": [
            loss({"average_over": "positions"}, (2,), NUMBERS),
            loss({}, (4,), SEQUENCES.astype(np.float64)),
        ],
        "softmax_cross_entropy": [
            loss({}, (3,), LABELS),
            loss({"label_smoothing": 0.1}, (4, 3), SEQUENCES),
            loss({}, (3,), PROBABILITIES),
            loss({"ignore_label": 0}, (4, 3), SEQUENCES),
            loss({"ignore_label": -100, "average_over": "samples"}, (4, 3), SEQUENCES),
            loss({"average_over": "positions"}, (4, 3), SEQUENCES),
        ],
        "standard_normal_kl": [
            loss({}, [(2,), (2,)], outputs=[NUMBERS, SHARES]),
            loss({}, [(2, 1), (2, 1)], outputs=[NUMBERS[..., None], -SHARES[..., None]]),
        ],
        **{
            name: [
                loss(options, shape, targets, **kwargs) for options, shape, targets, kwargs in cases
            ]
            for name, cases in LOSSES.items()
        },
    },
    "optimizers": {
        name: [optimizer(options) for options in cases] for name, cases in OPTIMIZERS.items()
    },
    "schedules": {
        name: [schedule(options) for options in cases] for name, cases in SCHEDULES.items()
    },
    "metrics": {
        "accuracy": [
            metric({}, PROBABILITIES, LABELS),
            metric({}, SHARES[:, 0], LABELS > 0),
            metric({"ignore_label": 1}, PROBABILITIES, LABELS),
        ],
        "f1": [
            metric({"average": average}, PROBABILITIES, LABELS)
            for average in ("macro", "micro", "weighted")
        ],
        "mae": [metric({}, NUMBERS, SHARES)],
        "perplexity": [
            metric({}, PROBABILITIES, LABELS),
            metric({"ignore_label": 2}, PROBABILITIES, LABELS),
        ],
        "precision": [metric({}, PROBABILITIES, LABELS)],
        "r2": [metric({}, NUMBERS, SHARES)],
        "recall": [metric({}, PROBABILITIES, LABELS)],
        "top_k_accuracy": [metric({"k": 2}, PROBABILITIES, LABELS)],
        **{name: [metric(*case) for case in cases] for name, cases in METRICS.items()},
    },
    "initializers": {
        name: [initializer(options, **kwargs) for options, kwargs in cases]
        for name, cases in INITIALIZERS.items()
    },
    "regularizers": REGULARIZERS,
    "constraints": CONSTRAINTS,
    "parametrizations": PARAMETRIZATIONS,
    "datasets": DATASETS,
    "transforms": {
        "bag_of_words": [
            transform({}, Field((), TEXT), TEXTS),
            transform({"binary": True, "ngrams": [1, 2], "max_size": 4}, Field((), TEXT), TEXTS),
        ],
        "one_hot": [transform({"num_classes": 4}, Field((), "int64"), LABELS)],
        "scale": [
            transform(
                {"factor": 1 / 255, "offset": -0.5}, Field((4,), "uint8"), np.uint8(SEQUENCES)
            )
        ],
        "standardize": [transform({}, Field((2,), "float32"), np.float32(NUMBERS))],
        "tfidf": [
            transform({}, Field((), TEXT), TEXTS),
            transform({"unit": "character", "ngrams": [2, 3]}, Field((2,), TEXT), TEXT_PAIRS),
        ],
        "vocabulary": [
            transform({}, Field((4,), "int64"), 7 * SEQUENCES),
            transform({}, Field((4,), "int32", text_unit="character"), SEQUENCES + 97),
            transform({}, Field((), "int64", classes=tuple("abc")), LABELS),
            transform({"padding": "pre", "max_size": 5}, Field((), TEXT), TEXTS),
            transform({"unit": "byte", "length": 4}, Field((2,), TEXT), TEXT_PAIRS),
        ],
        **{name: [transform(*case) for case in cases] for name, cases in AUGMENTATIONS.items()},
    },
    "loggers": {"csv": [lambda cls, folder: logger_checks(cls, {"file": "table.csv"})]},
    "kernels": {"numpy": [kernels]},
}

WITH_PACKAGES = ("mlflow", "tensorboard")
"""Loggers that need an optional package: see the tests in loggers/."""

BUILT_IN = [
    entry
    for group in registry.GROUPS
    for entry in registry.default().entries(group)
    if entry.distribution == "tinynet-core"
    and ".standard." not in entry.target
    and entry.name not in WITH_PACKAGES
]
"""The built-in types, without the datasets that are downloaded: see test_standard.py."""


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: f"{entry.group}-{entry.name}")
def test_what_tinynet_registers_passes_the_kit_that_plugins_must_pass(
    entry: registry.Entry, tmp_path: Path
) -> None:
    rows = ROWS[entry.group].get(entry.name)
    assert rows, f"{entry.qualified} is registered in {entry.group}: give it a row in ROWS here"
    cls = registry.default().load(entry.group, entry.qualified)
    run_all(chain.from_iterable(row(cls, tmp_path) for row in rows))


def test_every_row_of_the_table_is_of_a_registered_type() -> None:
    registered = {(entry.group, entry.name) for entry in BUILT_IN}
    assert {(group, name) for group, rows in ROWS.items() for name in rows} <= registered
