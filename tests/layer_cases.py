"""The cases of every built-in layer: options, input shapes, and arguments of `layer_checks`.

test_contract.py checks them with the kit for plugins, and onnx_export/ compares them with ONNX
Runtime.
"""

from typing import Any, TypeAlias

import numpy as np

from tinynet.types import Shape

from .activation_cases import ACTIVATIONS
from .image_cases import IMAGES
from .normalization_cases import NORMALIZATIONS
from .recurrent_cases import RECURRENT
from .tensor_cases import TENSORS

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

DRAW = np.random.default_rng(0)
LABELS = np.array([2, 0, 1, 2, 1, 0])
SEQUENCES = DRAW.integers(3, size=(6, 4))
ATTENDED = DRAW.normal(size=(6, 3, 2)), DRAW.normal(size=(6, 5, 4))
ATTENTION_MASKS = DRAW.integers(2, size=(6, 3, 5))
NUMBERS = DRAW.normal(size=(6, 2))

FLAT, IMAGE, SEQUENCE, SERIES = (5,), (5, 6, 4), (3, 4), (7, 4)


def layer(options: dict[str, Any], *in_shapes: Shape, **kwargs: Any) -> Case:
    return options, list(in_shapes), kwargs


LAYERS: dict[str, list[Case]] = {
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
        layer({"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
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
    **ACTIVATIONS,
    **IMAGES,
    **NORMALIZATIONS,
    **RECURRENT,
    **TENSORS,
}
