"""The cases that test_contract.py checks of activations: options, input shapes, arguments."""

from typing import Any, TypeAlias

import numpy as np

from tinynet.types import Shape

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

FLAT, SEQUENCE, IMAGE = (5,), (3, 4), (5, 6, 4)
SMALL = {"inputs": [np.random.default_rng(0).normal(size=(6, *SEQUENCE))]}

WITHOUT_OPTIONS = (
    "hard_sigmoid hard_silu hard_tanh log_sigmoid mish relu relu6 selu sigmoid silu softplus"
    " softsign swiglu tanh tanh_shrink"
)

ACTIVATIONS: dict[str, list[Case]] = {
    **{name: [({}, [SEQUENCE], {}), ({}, [IMAGE], {})] for name in WITHOUT_OPTIONS.split()},
    "activation": [
        *(({"activation": name}, [SEQUENCE], {}) for name in ("relu", "gelu", "softmax", "glu")),
        ({"activation": "exponential"}, [SEQUENCE], SMALL),
    ],
    "celu": [({}, [SEQUENCE], {}), ({"alpha": 0.5}, [FLAT], {})],
    "clip": [({"max": 0.7}, [SEQUENCE], {}), ({"min": -0.5, "max": 1}, [FLAT], {})],
    "elu": [({}, [SEQUENCE], {}), ({"alpha": 0.5}, [FLAT], {})],
    "exponential": [({}, [SEQUENCE], SMALL)],
    "gelu": [({}, [SEQUENCE], {}), ({"approximate": "tanh"}, [FLAT], {})],
    "glu": [({}, [SEQUENCE], {}), ({"axis": 2}, [IMAGE], {})],
    "hard_shrink": [({}, [SEQUENCE], {}), ({"threshold": 0}, [FLAT], {})],
    "leaky_relu": [({}, [SEQUENCE], {}), ({"negative_slope": 0.2}, [FLAT], {})],
    "log_softmax": [({}, [FLAT], {}), ({"axis": -2}, [SEQUENCE], {})],
    "prelu": [
        ({}, [SEQUENCE], {}),
        ({"shared_axes": [1, 2]}, [IMAGE], {}),
        ({"shared_axes": [-1], "alpha_initializer": "uniform"}, [FLAT], {}),
    ],
    "soft_shrink": [({}, [SEQUENCE], {}), ({"threshold": 1.2}, [FLAT], {})],
    "softmax": [({}, [FLAT], {}), ({"axis": -2}, [SEQUENCE], {})],
    "sparsemax": [({}, [FLAT], {}), ({"axis": -2}, [SEQUENCE], {})],
    "threshold": [
        ({"threshold": 0.3}, [SEQUENCE], {}),
        ({"threshold": -0.5, "default_value": 2}, [FLAT], {}),
    ],
}
