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
    loss_checks,
    metric_checks,
    optimizer_checks,
    schedule_checks,
    transform_checks,
)
from tinynet.testing.checks import run_all

from .activation_cases import ACTIVATIONS
from .augmentation_cases import AUGMENTATIONS
from .dataset_cases import DATASETS
from .image_cases import IMAGES
from .initializer_cases import INITIALIZERS
from .loss_cases import LOSSES
from .metric_cases import METRICS
from .normalization_cases import NORMALIZATIONS
from .optimizer_cases import OPTIMIZERS
from .parameter_cases import CONSTRAINTS, PARAMETRIZATIONS, REGULARIZERS
from .recurrent_cases import RECURRENT
from .schedule_cases import SCHEDULES
from .tensor_cases import TENSORS

Row = Callable[[type[Any], Path], Iterator[Check]]

DRAW = np.random.default_rng(0)
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEQUENCES = DRAW.integers(3, size=(6, 4))
LABEL_SEQUENCES = np.array(
    [[1, 2, 3], [2, 2, -1], [3, -1, -1], [-1, -1, -1], [1, 1, 1], [3, 1, -1]]
)
ATTENDED = DRAW.normal(size=(6, 3, 2)), DRAW.normal(size=(6, 5, 4))
ATTENTION_MASKS = DRAW.integers(2, size=(6, 3, 5))
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


FLAT, IMAGE, SEQUENCE, SERIES = (5,), (5, 6, 4), (3, 4), (7, 4)

ROWS: dict[str, dict[str, list[Row]]] = {
    "layers": {
        "add": [
            layer({}, SEQUENCE, SEQUENCE),
            layer({}, FLAT, FLAT, FLAT),
            layer({}, SEQUENCE, (4,), (3, 1)),
        ],
        "avg_pool1d": [
            layer({}, SERIES),
            layer({"pool_size": 3, "strides": 2, "padding": "same"}, SERIES),
        ],
        "avg_pool2d": [
            layer({"pool_size": 2}, IMAGE),
            layer({"pool_size": [3, 2], "strides": 2, "padding": "same"}, IMAGE),
            layer({"padding": 1, "ceil_mode": True, "count_include_pad": True}, IMAGE),
        ],
        "batch_norm": [layer({}, FLAT), layer({"momentum": 0.5}, (2, 3, 4))],
        "concat": [layer({}, (2, 3), (2, 4)), layer({"axis": -2}, (2, 3), (1, 3))],
        "conv1d": [
            layer(
                {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES
            ),
            layer(
                {"filters": 4, "kernel_size": 2, "strides": 2, "padding": "same", "groups": 2},
                SERIES,
            ),
            layer({"filters": 2, "kernel_size": 1, "use_bias": False}, SERIES),
        ],
        "conv1d_transpose": [
            layer({"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, SERIES),
            layer(
                {"filters": 4, "kernel_size": 2, "strides": 3, "padding": [1, 0], "groups": 2}
                | {"output_padding": 2, "dilation_rate": 2},
                SERIES,
            ),
        ],
        "conv2d": [
            layer({"filters": 3, "kernel_size": 3}, (5, 6, 2)),
            layer(
                {"filters": 4, "kernel_size": [2, 3], "strides": 2, "padding": "same", "groups": 2},
                IMAGE,
            ),
            layer(
                {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "padding": [[1, 0], [0, 1]]},
                IMAGE,
            ),
            layer({"filters": 2, "kernel_size": 1, "use_bias": False}, IMAGE),
        ],
        "dense": [layer({"units": 3}, FLAT), layer({"units": 2, "use_bias": False}, SEQUENCE)],
        "depthwise_conv1d": [
            layer({"kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
            layer({"kernel_size": 2, "strides": 2, "depth_multiplier": 3}, SERIES),
        ],
        "dot": [
            layer({}, FLAT, FLAT),
            layer({"axes": [2, 1]}, SEQUENCE, (4, 2)),
            layer({"axes": -1, "normalize": True}, SEQUENCE, (2, 4)),
        ],
        "dropout": [layer({"rate": 0.4}, SEQUENCE), layer({"rate": 0.0}, FLAT)],
        "embedding": [layer({"input_dim": 6, "output_dim": 3}, (4,), inputs=[SEQUENCES])],
        "flatten": [layer({}, IMAGE), layer({}, FLAT)],
        "gaussian_sampling": [
            layer({}, (2,), (2,), inputs=[NUMBERS, NUMBERS - 1]),
            layer({}, (4, 3), (4, 3), inputs=[NUMBERS.reshape(1, 4, 3), np.ones((2, 4, 3))]),
        ],
        "global_avg_pool1d": [
            layer({"keepdims": True}, SERIES),
            layer({}, SERIES, (7,), mask=1),
        ],
        "global_avg_pool2d": [layer({}, IMAGE)],
        "global_max_pool1d": [
            layer({"keepdims": True}, SERIES),
            layer({}, SERIES, (7,), mask=1),
        ],
        "layer_norm": [layer({}, FLAT), layer({"axis": [-2, -1]}, SEQUENCE)],
        "matmul": [
            layer({}, SEQUENCE, (4, 2)),
            layer({"transpose_a": True, "transpose_b": True}, (2, 4, 3), (5, 4)),
        ],
        "max_pool1d": [
            layer({}, SERIES),
            layer({"pool_size": 3, "strides": 1, "padding": [2, 0]}, SERIES),
        ],
        "max_pool2d": [
            layer({"pool_size": 2}, IMAGE),
            layer({"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE),
            layer({"pool_size": 2, "dilation_rate": [3, 2], "ceil_mode": True}, IMAGE),
        ],
        "multi_head_attention": [
            layer({"num_heads": 2}, (5, 4)),
            layer({"num_heads": 2, "causal": True, "rotary": True}, (5, 4)),
            layer({"num_heads": 1, "causal": True}, (5, 3), (5,), mask=1),
            layer({"num_heads": 4, "num_key_value_heads": 2, "key_dim": 3}, (4, 2), (5, 3)),
            layer({"num_heads": 2, "dropout": 0.4, "use_bias": False}, (5, 4), (5,), mask=1),
            layer(
                {"num_heads": 2, "key_dim": 2, "value_dim": 3, "output_dim": 2, "rotary": True},
                (4, 3),
                (6, 2),
                (6,),
                mask={2: 1},
            ),
            layer({"num_heads": 2}, (3, 2), (5, 4), (3, 5), inputs=[*ATTENDED, ATTENTION_MASKS]),
        ],
        "multiply": [
            layer({}, FLAT, FLAT),
            layer({}, SEQUENCE, SEQUENCE, SEQUENCE),
            layer({}, SEQUENCE, (3, 1), (4,)),
        ],
        "permute": [layer({"dims": [2, 1]}, SEQUENCE), layer({"dims": [3, 1, 2]}, IMAGE)],
        "position_embedding": [layer({}, SEQUENCE), layer({"max_length": 5}, SEQUENCE)],
        "repeat_vector": [layer({"n": 3}, FLAT)],
        "reshape": [layer({"target_shape": [4, -1]}, (6, 2))],
        "rms_norm": [
            layer({}, FLAT),
            layer({"epsilon": 0.1}, (2, 3, 1)),
            layer({"scale": False}, SEQUENCE),
        ],
        "rotary_embedding": [layer({}, SEQUENCE), layer({"base": 100.0}, (3, 2, 6))],
        "sequence_mask": [
            layer({"padding_value": 2}, (4,), inputs=[SEQUENCES]),
            layer({"max_length": 4}, (), inputs=[LABELS]),
            layer({"max_length": 2}, (1,), inputs=[SEQUENCES[:, :1]]),
            layer({}, FLAT),
        ],
        "sinusoidal_position": [layer({}, SEQUENCE), layer({"base": 100.0}, (3, 5))],
        "slice": [
            layer({}, FLAT),
            layer({"axis": 1, "start": -1}, SEQUENCE),
            layer({"axis": -2, "start": 4, "stop": 0, "step": -2}, IMAGE),
        ],
        "split": [
            layer({"sections": 2}, SEQUENCE),
            layer({"sections": [1, 3, 2], "axis": 2}, IMAGE),
        ],
        "stop_gradient": [layer({}, SEQUENCE)],
        "subtract": [
            layer({}, FLAT, FLAT),
            layer({}, SEQUENCE, SEQUENCE),
            layer({}, (4,), SEQUENCE),
        ],
        "up_sampling2d": [
            layer({}, (2, 3, 4)),
            layer({"size": [3, 1]}, (2, 3, 1)),
            layer({"interpolation": "bilinear"}, (3, 2, 4)),
            layer({"size": [1, 3], "interpolation": "bilinear"}, (2, 3, 2)),
        ],
        **{
            name: [layer(options, *in_shapes, **kwargs) for options, in_shapes, kwargs in cases]
            for name, cases in {
                **ACTIVATIONS,
                **IMAGES,
                **NORMALIZATIONS,
                **RECURRENT,
                **TENSORS,
            }.items()
        },
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
    "kernels": {"numpy": [kernels]},
}

BUILT_IN = [
    entry
    for group in registry.GROUPS
    for entry in registry.default().entries(group)
    if entry.distribution == "tinynet-core" and ".standard." not in entry.target
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
