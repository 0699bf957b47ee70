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
    "cyclical": [
        {"step_size_up": 3},
        {"step_size_up": 1, "step_size_down": 2, "mode": "triangular2", "min_factor": 0.0},
        {"step_size_up": 2, "mode": "exp_range", "gamma": 0.9},
    ],
    "exponential": [{"decay_rate": 0.5, "decay_steps": 3}],
    "inverse_sqrt": [{}, {"warmup_steps": 3}, {"timescale": 1}],
    "inverse_time": [
        {"decay_rate": 0.5, "decay_steps": 3},
        {"decay_rate": 2.0, "decay_steps": 4, "staircase": True},
    ],
    "linear": [{}, {"decay_steps": 5, "start_factor": 0.1, "end_factor": 2.0}],
    "one_cycle": [
        {},
        {"pct_start": 0.0, "anneal_strategy": "linear"},
        {"pct_start": 1.0},
        {"pct_start": 0.5, "three_phase": True, "div_factor": 1.0, "final_div_factor": 2.0},
    ],
    "piecewise_constant": [{"boundaries": [2, 100], "values": [0.0, 2.0, 0.5]}],
    "polynomial": [{}, {"decay_steps": 5, "power": 0.5, "end_factor": 0.1, "cycle": True}],
    "reduce_on_plateau": [
        {},
        {"patience": 1, "factor": 0.5, "cooldown": 2, "min_factor": 0.01, "min_delta": 0.5},
        {"patience": 3, "metric": "train/loss", "warmup_steps": 4},
    ],
    "step": [{"step_size": 4}],
}
