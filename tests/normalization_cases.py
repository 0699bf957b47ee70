"""The cases that test_contract.py checks of normalization and noise."""

from typing import Any, TypeAlias

from tinynet.types import Shape

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

FLAT, SEQUENCE, IMAGE, VOLUME = (6,), (3, 4), (5, 6, 4), (2, 3, 2, 4)

NORMALIZATIONS: dict[str, list[Case]] = {
    "alpha_dropout": [({"rate": 0.4}, [SEQUENCE], {}), ({"rate": 0}, [FLAT], {})],
    "gaussian_dropout": [({"rate": 0.4}, [SEQUENCE], {}), ({"rate": 0}, [FLAT], {})],
    "gaussian_noise": [({"stddev": 0.5}, [SEQUENCE], {}), ({"stddev": 0}, [FLAT], {})],
    "group_norm": [
        ({"groups": 2}, [IMAGE], {}),
        ({"groups": 1, "center": False}, [FLAT], {}),
        ({"groups": 4, "scale": False, "epsilon": 0.1}, [SEQUENCE], {}),
        ({"groups": 3, "gamma_initializer": "normal"}, [(16, 24, 6)], {}),
    ],
    "instance_norm": [
        ({}, [IMAGE], {}),
        ({"center": False, "scale": False}, [SEQUENCE], {}),
        ({"epsilon": 0.1}, [VOLUME], {}),
    ],
    "local_response_norm": [
        ({}, [IMAGE], {}),
        ({"size": 2, "alpha": 0.5, "beta": 1.5, "k": 2}, [FLAT], {}),
        ({"size": 9, "alpha": 3.0}, [SEQUENCE], {}),
    ],
    "spatial_dropout1d": [({"rate": 0.4}, [SEQUENCE], {}), ({"rate": 0}, [SEQUENCE], {})],
    "spatial_dropout2d": [({"rate": 0.4}, [IMAGE], {})],
    "spatial_dropout3d": [({"rate": 0.4}, [VOLUME], {})],
    "stochastic_depth": [({"rate": 0.4}, [SEQUENCE], {}), ({"rate": 0}, [FLAT], {})],
}
