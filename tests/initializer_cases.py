"""The cases that test_contract.py checks of initializers: options and arguments."""

from typing import Any

MATRICES: dict[str, Any] = {"shapes": [(6, 4), (4, 6)]}
WINDOWS: dict[str, Any] = {"shapes": [(3, 2, 4), (3, 3, 2, 4), (2, 2, 2, 3, 6)]}

WITHOUT_OPTIONS = (
    "glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform ones"
)

INITIALIZERS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    **{name: [({}, {})] for name in f"{WITHOUT_OPTIONS} uniform zeros".split()},
    "constant": [({"value": -0.5}, {})],
    "dirac": [({}, WINDOWS), ({"groups": 2}, {"shapes": [(3, 3, 2, 4), (1, 5, 1, 2)]})],
    "identity": [({}, MATRICES), ({"gain": 0.5}, MATRICES)],
    "normal": [({"stddev": 0.5}, {})],
    "orthogonal": [({"gain": 2.0}, {"shapes": [(6, 4), (4, 6), (3, 3, 2, 5)]})],
    "truncated_normal": [({}, {}), ({"mean": 1.0, "stddev": 0.5}, {})],
    "variance_scaling": [
        ({}, {}),
        ({"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}, {}),
        ({"mode": "fan_out", "distribution": "untruncated_normal"}, {}),
    ],
}
