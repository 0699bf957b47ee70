"""Further cases of layers for the export to ONNX: options, input shapes, arguments.

They cover options that the contract's cases leave out, because they change only the operators.
"""

from itertools import product
from typing import get_args

import numpy as np

from tinynet.builtin.layers.activation import Activation

from ..layer_cases import Case, layer

FLAT, IMAGE, SERIES, SEQUENCE, VOLUME = (5,), (5, 6, 4), (7, 4), (3, 4), (4, 5, 6, 2)
STEPS, MASK = (6, 2), (6,)
DRAW = np.random.default_rng(1)
TOKENS = DRAW.integers(6, size=(6, 4))
ATTENDED, SOURCES = DRAW.normal(size=(6, 3, 8)), DRAW.normal(size=(6, 5, 4))
PAIRS_MASK = DRAW.integers(2, size=(6, 3, 5))
PAIRS_MASK[0, 1] = 0

ACTIVATION_NAMES = get_args(Activation.Config.model_fields["activation"].annotation)
PADDINGS = ("valid", "same", "same_lower")
KERNEL = {"kernel_size": 2, "strides": 2}
POOL = {"pool_size": 3, "strides": 2}
NO_BIAS = {"use_bias": False}


def recurrent(**options: list[object]) -> list[Case]:
    """Return cases of a recurrent layer: all directions, with and without mask and states."""
    cases = []
    flags = "return_sequences", "return_state", "go_backwards", "bidirectional"
    for masked, *values in product((False, True), *[(False, True)] * len(flags)):
        chosen = {"units": 3, **dict(zip(flags, values, strict=True))}
        for name, choices in options.items():
            chosen[name] = choices[len(cases) % len(choices)]
        if chosen["bidirectional"]:
            chosen["merge_mode"] = ("concat", "sum", "mul", "ave")[len(cases) // 2 % 4]
        shapes = [STEPS, MASK] if masked else [STEPS]
        cases.append((chosen, shapes, {"mask": 1} if masked else {}))
    return cases


def with_states(states: int) -> list[Case]:
    """Return cases of a recurrent layer that gets its initial states."""
    options = {"units": 2, "initial_state": True, "return_sequences": True, "return_state": True}
    both = {**options, "bidirectional": True, "merge_mode": "sum"}
    return [
        (options, [STEPS, *[(2,)] * states], {}),
        (options, [STEPS, MASK, *[(2,)] * states], {"mask": 1}),
        ({**both, "go_backwards": True}, [STEPS, MASK, *[(2,)] * (2 * states)], {"mask": 1}),
    ]


FURTHER: dict[str, list[Case]] = {
    "activation": [layer({"activation": name}, SEQUENCE) for name in ACTIVATION_NAMES],
    "avg_pool1d": [
        layer({**POOL, "padding": [1, 0], "ceil_mode": True, "count_include_pad": include}, SERIES)
        for include in (False, True)
    ],
    "avg_pool2d": [
        layer({**POOL, "padding": "same_lower"}, IMAGE),
        layer({**POOL, "padding": [1, 0], "ceil_mode": True}, IMAGE),
    ],
    "avg_pool3d": [
        *(layer({**POOL, "padding": padding}, VOLUME) for padding in PADDINGS),
        layer({**POOL, "padding": 1, "count_include_pad": True}, VOLUME),
    ],
    "batch_norm": [
        layer({"epsilon": 0.1, "center": center, "scale": scale}, IMAGE)
        for center, scale in product((False, True), repeat=2)
    ],
    "conv1d": [layer({"filters": 2, **KERNEL, "padding": p}, SERIES) for p in PADDINGS],
    "conv1d_transpose": [
        layer({"filters": 2, **KERNEL, **NO_BIAS, "padding": p}, SERIES) for p in PADDINGS
    ],
    "conv2d": [layer({"filters": 2, **KERNEL, "padding": p}, IMAGE) for p in PADDINGS],
    "conv2d_transpose": [
        *(layer({"filters": 2, **KERNEL, **NO_BIAS, "padding": p}, IMAGE) for p in PADDINGS),
        layer({"filters": 2, "kernel_size": 2, "strides": 3, "output_padding": 2}, IMAGE),
    ],
    "conv3d": [layer({"filters": 2, **KERNEL, "padding": p}, VOLUME) for p in PADDINGS],
    "conv3d_transpose": [
        *(layer({"filters": 2, **KERNEL, **NO_BIAS, "padding": p}, VOLUME) for p in PADDINGS),
        layer({"filters": 2, "kernel_size": 2, "dilation_rate": [1, 2, 1]}, VOLUME),
    ],
    "cosine_similarity": [layer({"axis": -2, "keepdims": True}, IMAGE, (6, 1))],
    "cropping2d": [layer({"cropping": [[0, 1], [2, 0]]}, IMAGE)],
    "cumulative_sum": [
        layer({"axis": axis, "exclusive": exclusive, "reverse": reverse}, SEQUENCE)
        for axis, exclusive, reverse in product((1, 2), (False, True), (False, True))
    ],
    "depthwise_conv1d": [layer({**KERNEL, **NO_BIAS, "padding": p}, SERIES) for p in PADDINGS],
    "depthwise_conv2d": [layer({**KERNEL, **NO_BIAS, "padding": p}, IMAGE) for p in PADDINGS],
    "dot": [layer({"axes": [1, 3], "normalize": True}, (4, 2), IMAGE), layer({}, IMAGE, (4,))],
    "embedding": [
        layer({"input_dim": 6, "output_dim": 2}, (), inputs=[TOKENS[:, 0]]),
        layer({"input_dim": 6, "output_dim": 2}, (4,), inputs=[TOKENS.astype(float)]),
        layer({"input_dim": 6, "output_dim": 2}, (2, 2), inputs=[TOKENS.reshape(-1, 2, 2)]),
    ],
    "gather": [layer({"indices": [-1, -1, 0], "axis": -2}, IMAGE)],
    "global_avg_pool2d": [layer({"keepdims": True}, IMAGE)],
    "global_avg_pool3d": [layer({"keepdims": True}, VOLUME)],
    "global_max_pool3d": [layer({"keepdims": True}, VOLUME)],
    "gru": [
        *recurrent(reset_after=[True, False, False], use_bias=[True, True, False, True, True]),
        *with_states(1),
        layer({"units": 2, "dropout": 0.5, "recurrent_dropout": 0.5}, STEPS),
    ],
    "layer_norm": [
        layer({"epsilon": 0.1, "axis": axis, "center": center, "scale": scale}, IMAGE)
        for axis, (center, scale) in product((-1, [-2, -1]), product((False, True), repeat=2))
    ],
    "lstm": [
        *recurrent(unit_forget_bias=[True, False], use_bias=[True, True, False]),
        *with_states(2),
    ],
    "matmul": [
        layer({"transpose_b": True}, (2, 3, 4), (5, 4)),
        layer({"transpose_a": True}, (4, 3), (2, 4, 5)),
    ],
    "max_pool1d": [
        *(layer({**POOL, "padding": padding}, SERIES) for padding in PADDINGS),
        layer({**POOL, "ceil_mode": True}, (6, 2)),
        layer({"pool_size": 2, "strides": 1, "dilation_rate": 3}, SERIES),
    ],
    "max_pool2d": [layer({**POOL, "padding": "same_lower"}, IMAGE)],
    "max_pool3d": [
        *(layer({**POOL, "padding": padding}, VOLUME) for padding in PADDINGS),
        layer({**POOL, "ceil_mode": True}, VOLUME),
    ],
    "multi_head_attention": [
        layer({"num_heads": 4, "num_key_value_heads": 1, "causal": True}, (6, 8), (6,), mask=1),
        layer(
            {"num_heads": 4, "num_key_value_heads": 2, "causal": True, "use_bias": False},
            *((3, 8), (5, 4), (3, 5)),
            inputs=[ATTENDED, SOURCES, PAIRS_MASK],
        ),
        layer(
            {"num_heads": 2, "rotary": True, "rotary_base": 10.0, "causal": True}, (4, 8), (6, 3)
        ),
    ],
    "pad": [
        layer({"pad_width": [0, 0, 2], "mode": mode}, IMAGE)
        for mode in ("constant", "reflect", "edge", "wrap")
    ],
    "permute": [layer({"dims": [1, 2, 3]}, IMAGE), layer({"dims": [2, 3, 1]}, IMAGE)],
    "power": [layer({"exponent": 2}, FLAT)],
    "reduce_max": [layer({"axes": [2], "keepdims": True}, IMAGE)],
    "reshape": [layer({"target_shape": [1, 20, -1]}, IMAGE)],
    "resizing": [
        layer({"height": 5, "width": 3, "interpolation": kind}, IMAGE)
        for kind in ("bilinear", "nearest", "bicubic")
    ],
    "rotary_embedding": [layer({"base": 10.0}, (6, 3, 4))],
    "separable_conv1d": [layer({"filters": 2, **KERNEL, "padding": p}, SERIES) for p in PADDINGS],
    "separable_conv2d": [
        *(layer({"filters": 2, **KERNEL, **NO_BIAS, "padding": p}, IMAGE) for p in PADDINGS),
        layer({"filters": 2, "kernel_size": 2, "dilation_rate": 2}, IMAGE),
    ],
    "sequence_mask": [
        layer({"padding_value": -1}, (4,), inputs=[TOKENS - 1]),
        layer({"max_length": 3}, (1,), inputs=[TOKENS[:, :1].astype(float)]),
    ],
    "simple_rnn": [
        *recurrent(activation=["tanh", "relu"], use_bias=[True, True, False]),
        *with_states(1),
        layer({"units": 2, "dropout": 0.5, "recurrent_dropout": 0.5}, STEPS),
    ],
    "slice": [
        layer({"axis": 1, "step": -1}, SEQUENCE),
        layer({"axis": 2, "start": -3, "stop": 99}, IMAGE),
        layer({"axis": 1, "start": 0, "stop": -1}, SEQUENCE),
    ],
    "split": [layer({"sections": 1}, FLAT), layer({"sections": [2, 1], "axis": -2}, SEQUENCE)],
    "tile": [layer({"repeats": [3, 1]}, IMAGE)],
    "up_sampling2d": [layer({"size": [2, 3], "interpolation": "bilinear"}, IMAGE)],
    "zero_padding2d": [layer({"padding": 0}, IMAGE), layer({"padding": [2, 1]}, IMAGE)],
}
