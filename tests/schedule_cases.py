"""The cases that test_contract.py checks of learning-rate schedules: their options."""

from typing import Any

SCHEDULES: dict[str, list[dict[str, Any]]] = {
    "constant": [{}],
    "cosine": [{}, {"decay_steps": 5, "alpha": 0.1}],
    "cosine_restarts": [
        {"first_decay_steps": 3},
        {"first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1},
        {"first_decay_steps": 1, "t_mul": 1.000001, "m_mul": 0.9},
    ],
    "exponential": [{"decay_rate": 0.5, "decay_steps": 3}],
    "inverse_sqrt": [{}, {"warmup_steps": 3}, {"timescale": 1}],
    "inverse_time": [
        {"decay_rate": 0.5, "decay_steps": 3},
        {"decay_rate": 2.0, "decay_steps": 4, "staircase": True},
    ],
    "piecewise_constant": [{"boundaries": [2, 100], "values": [0.0, 2.0, 0.5]}],
    "polynomial": [{}, {"decay_steps": 5, "power": 0.5, "end_factor": 0.1, "cycle": True}],
    "step": [{"step_size": 4}],
}
