"""The cases that test_contract.py checks of layers of images: options, input shapes, arguments."""

from typing import Any, TypeAlias

from tinynet.types import Shape

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

SERIES, IMAGE, VOLUME = (7, 4), (5, 6, 4), (4, 3, 5, 2)

CASES: dict[str, list[tuple[dict[str, Any], Shape]]] = {
    "adaptive_avg_pool1d": [({"output_size": 3}, SERIES)],
    "adaptive_avg_pool2d": [({"output_size": [3, 8]}, IMAGE)],
    "adaptive_avg_pool3d": [({"output_size": 2}, VOLUME)],
    "avg_pool3d": [
        ({}, VOLUME),
        (
            {"pool_size": 3, "strides": [2, 1, 2], "padding": [1, 0, 2], "ceil_mode": True}
            | {"count_include_pad": True},
            VOLUME,
        ),
    ],
    "conv2d_transpose": [
        ({"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (3, 4, 2)),
        (
            {"filters": 4, "kernel_size": [2, 3], "strides": [3, 2], "padding": [[1, 0], [0, 2]]}
            | {"output_padding": [2, 1], "dilation_rate": [2, 1], "groups": 2},
            (3, 2, 4),
        ),
    ],
    "depthwise_conv2d": [
        ({"kernel_size": 3, "padding": "same_lower", "dilation_rate": 2}, IMAGE),
        ({"kernel_size": [2, 3], "strides": 2, "depth_multiplier": 3}, (5, 4, 2)),
    ],
    "conv3d": [
        ({"filters": 3, "kernel_size": 3, "padding": "same", "strides": [2, 1, 2]}, VOLUME),
        (
            {"filters": 4, "kernel_size": [2, 1, 3], "dilation_rate": [2, 1, 1], "groups": 2}
            | {"padding": [[1, 0], [0, 2], [1, 1]], "use_bias": False},
            VOLUME,
        ),
        ({"filters": 2, "kernel_size": [1, 2, 2]}, VOLUME),
    ],
    "conv3d_transpose": [
        ({"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (2, 3, 2, 2)),
        (
            {"filters": 4, "kernel_size": [2, 3, 1], "strides": [3, 1, 2], "groups": 2}
            | {"padding": [[1, 0], [0, 2], [0, 0]], "output_padding": [2, 0, 1]},
            (2, 3, 2, 2),
        ),
    ],
    "cropping1d": [({"cropping": [2, 0]}, SERIES)],
    "cropping2d": [({"cropping": [1, 2]}, IMAGE), ({}, IMAGE)],
    "cropping3d": [({"cropping": [[0, 2], [1, 0], [1, 1]]}, VOLUME)],
    "depth_to_space": [({"block_size": 2}, (2, 3, 8))],
    "global_avg_pool3d": [({}, VOLUME)],
    "global_max_pool2d": [({}, IMAGE), ({"keepdims": True}, IMAGE)],
    "global_max_pool3d": [({}, VOLUME)],
    "max_pool3d": [
        ({}, VOLUME),
        (
            {"pool_size": [2, 3, 2], "strides": 1, "padding": "same", "dilation_rate": [3, 1, 2]},
            VOLUME,
        ),
    ],
    "resizing": [
        ({"height": 3, "width": 8}, IMAGE),
        ({"factor": [1.5, 0.6], "align_corners": True}, IMAGE),
        ({"height": 7, "width": 4, "interpolation": "nearest"}, IMAGE),
        ({"factor": 0.7, "interpolation": "nearest"}, IMAGE),
        ({"factor": 0.6, "antialias": True}, IMAGE),
        ({"height": 3, "width": 8, "interpolation": "bicubic", "antialias": True}, IMAGE),
        (
            {
                "factor": 1.5,
                "interpolation": "bicubic",
                "cubic_coefficient": -0.75,
                "exclude_outside": False,
            },
            IMAGE,
        ),
    ],
    "separable_conv1d": [
        ({"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
        (
            {"filters": 2, "kernel_size": 2, "strides": 2, "depth_multiplier": 2}
            | {"use_bias": False},
            SERIES,
        ),
    ],
    "separable_conv2d": [
        ({"filters": 3, "kernel_size": 3, "padding": "same", "strides": 2}, IMAGE),
        ({"filters": 2, "kernel_size": [1, 2], "depth_multiplier": 2}, (4, 3, 2)),
    ],
    "space_to_depth": [({"block_size": 2}, (4, 6, 3))],
    "up_sampling1d": [({}, SERIES), ({"size": 3}, (2, 3))],
    "up_sampling3d": [({}, (2, 3, 2, 1)), ({"size": [2, 1, 3]}, VOLUME)],
    "zero_padding1d": [({}, SERIES), ({"padding": [0, 3]}, SERIES)],
    "zero_padding2d": [({"padding": [[1, 2], [0, 3]]}, IMAGE)],
    "zero_padding3d": [({"padding": [2, 0, 1]}, VOLUME)],
}

IMAGES: dict[str, list[Case]] = {
    name: [(options, [in_shape], {}) for options, in_shape in cases]
    for name, cases in CASES.items()
}
