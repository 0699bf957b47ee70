"""A spec of digits that trains in a fraction of a second, for tests of runs and of loggers."""

from typing import Any

SCALED = {"type": "digits", "transforms": [{"type": "scale", "factor": 0.0625}]}
"""All digits."""

HUNDRED = {"type": "digits", "split": {"validation": 60, "test": 1637}}
"""One hundred digits to train with."""


def small_spec(name: str = "small", *, data: Any = SCALED, **training: Any) -> dict[str, Any]:
    """Return a spec of a single dense layer.

    Args:
        name: Its name.
        data: Its data.
        **training: Keys of its section ``training``, also in place of the usual ones.
    """
    length = {} if "steps" in training else {"epochs": 3}
    usual = {"batch_size": 512, "loss": "softmax_cross_entropy", "optimizer": "adam"}
    return {
        "tinynet": 1,
        "name": name,
        "data": data,
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {**length, **usual, **training},
    }
