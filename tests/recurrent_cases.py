"""The cases that test_contract.py checks of recurrent layers: options, input shapes, arguments."""

from typing import Any, TypeAlias

from tinynet.types import Shape

Case: TypeAlias = tuple[dict[str, Any], list[Shape], dict[str, Any]]

STEPS, MASK = (6, 2), (6,)
SEQUENCES, STATES = {"return_sequences": True}, {"return_state": True}
BOTH = {"bidirectional": True}

RECURRENT: dict[str, list[Case]] = {
    "gru": [
        ({"units": 3}, [STEPS], {}),
        ({"units": 3, "reset_after": False, **SEQUENCES}, [STEPS, MASK], {"mask": 1}),
        (
            {"units": 2, "reset_after": False, "initial_state": True, **STATES},
            [STEPS, (2,)],
            {},
        ),
        ({"units": 2, "merge_mode": "mul", "use_bias": False, **BOTH}, [STEPS], {}),
    ],
    "lstm": [
        ({"units": 3, **SEQUENCES}, [STEPS], {}),
        ({"units": 3, **SEQUENCES, **STATES}, [STEPS, MASK], {"mask": 1}),
        (
            {"units": 2, "initial_state": True, "go_backwards": True, **BOTH, **STATES},
            [STEPS, MASK, *[(2,)] * 4],
            {"mask": 1},
        ),
        ({"units": 2, "dropout": 0.3, "recurrent_dropout": 0.3}, [STEPS], {}),
    ],
    "simple_rnn": [
        ({"units": 3}, [STEPS], {}),
        ({"units": 3, "activation": "relu", **SEQUENCES}, [STEPS, MASK], {"mask": 1}),
        (
            {"units": 2, "merge_mode": "ave", "go_backwards": True, **BOTH, **SEQUENCES, **STATES},
            [STEPS],
            {},
        ),
    ],
}
