"""The cases that test_contract.py checks of layers of shapes, reductions and products."""

from typing import Any, TypeAlias

import numpy as np

from tinynet.types import Shape

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

FLAT, SEQUENCE, IMAGE = (5,), (3, 4), (5, 6, 4)
DRAW = np.random.default_rng(0)
POSITIVE, POSITIVE_ROWS = DRAW.uniform(0.5, 2, (6, 3, 4)), DRAW.uniform(0.5, 2, (6, 4))
REDUCED: list[Case] = [
    ({}, [IMAGE], {}),
    ({"axes": [1, 2], "keepdims": True}, [IMAGE], {}),
    ({"axes": -1}, [SEQUENCE], {}),
    ({"axes": [1, 3]}, [IMAGE], {}),
]
SEVERAL: list[Case] = [
    ({}, [FLAT, FLAT], {}),
    ({}, [SEQUENCE, SEQUENCE, SEQUENCE], {}),
    ({}, [SEQUENCE, (3, 1), (4,)], {}),
]

TENSORS: dict[str, list[Case]] = {
    **dict.fromkeys(("average", "maximum", "minimum"), SEVERAL),
    **{name: [({}, [SEQUENCE], {}), ({}, [IMAGE], {})] for name in ("absolute", "cos", "sin")},
    **{f"reduce_{name}": REDUCED for name in ("max", "mean", "min", "std", "sum")},
    "bilinear": [
        ({"units": 3}, [FLAT, (4,)], {}),
        ({"units": 2, "use_bias": False, "weight_initializer": "normal"}, [SEQUENCE, (3, 2)], {}),
    ],
    "cosine_similarity": [
        ({}, [FLAT, FLAT], {}),
        ({"axis": 1, "keepdims": True}, [SEQUENCE, SEQUENCE], {}),
        ({"epsilon": 2.0}, [SEQUENCE, (4,)], {}),
    ],
    "cumulative_sum": [
        ({}, [SEQUENCE], {}),
        ({"axis": 2, "exclusive": True, "reverse": True}, [IMAGE], {}),
    ],
    "divide": [({}, [FLAT, FLAT], {}), ({}, [(4,), SEQUENCE], {})],
    "expand_dims": [({}, [SEQUENCE], {}), ({"axis": 1}, [FLAT], {})],
    "gather": [
        ({"indices": [3, 0, -2, 3]}, [SEQUENCE], {}),
        ({"indices": [1], "axis": 1}, [IMAGE], {}),
    ],
    "identity": [({}, [SEQUENCE], {})],
    "log": [({}, [SEQUENCE], {"inputs": [POSITIVE]})],
    "pad": [
        ({"pad_width": [[1, 2], 0], "constant_values": 0.5}, [SEQUENCE], {}),
        ({"pad_width": [2, [0, 3]], "mode": "reflect"}, [IMAGE], {}),
        ({"pad_width": [[0, 4], 2], "mode": "edge"}, [IMAGE], {}),
        ({"pad_width": [[1, 5], 2], "mode": "wrap"}, [IMAGE], {}),
    ],
    "power": [
        ({}, [SEQUENCE, (4,)], {"inputs": [POSITIVE, POSITIVE_ROWS]}),
        ({"exponent": 3}, [SEQUENCE], {}),
        ({"exponent": -0.5}, [SEQUENCE], {"inputs": [POSITIVE]}),
        ({"exponent": 0}, [FLAT], {}),
    ],
    "scale": [
        ({}, [SEQUENCE], {}),
        ({"axis": [1, 3], "center": True, "gamma_initializer": "normal"}, [IMAGE], {}),
        ({"axis": [], "center": True}, [FLAT], {}),
    ],
    "squeeze": [({}, [(3, 1, 4, 1)], {}), ({"axis": [-1]}, [(3, 1, 4, 1)], {})],
    "tile": [({"repeats": 3}, [SEQUENCE], {}), ({"repeats": [2, 1, 3]}, [IMAGE], {})],
}
