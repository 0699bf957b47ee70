"""A schedule that reduces the rate when a figure stops improving."""

import math

import numpy as np
from pydantic import Field

from tinynet.schedule import AdaptiveScheduleConfig, Evaluation, State


class ReduceOnPlateau:
    """The factor is multiplied by ``factor`` whenever the monitored figure stops improving.

    That is after ``patience`` evaluations none of which was better than the best one by more than
    ``min_delta``. After a reduction ``cooldown`` evaluations do not count. Keras's
    ``ReduceLROnPlateau``; its cooldown is one evaluation shorter. Torch's, with ``threshold_mode``
    "abs", reduces after one evaluation more.
    """

    class Config(AdaptiveScheduleConfig):
        """Parameters of `reduce_on_plateau`."""

        factor: float = Field(
            default=0.1, gt=0, lt=1, description="Factor of the rate at each reduction."
        )
        patience: int = Field(
            default=10, ge=1, description="Evaluations without improvement before a reduction."
        )
        min_delta: float = Field(
            default=1e-4, ge=0, description="Least change that counts as an improvement."
        )
        cooldown: int = Field(
            default=0, ge=0, description="Evaluations after a reduction that do not count."
        )
        min_factor: float = Field(
            default=0.0, ge=0, le=1, description="The least factor of the optimizer's rate."
        )

    def __init__(self, config: Config) -> None:
        self._config = config

    def start(self) -> State:
        counts = {name: np.zeros((), np.int64) for name in ("improvements", "stale", "cooldown")}
        return {"factor": np.ones(()), "best": np.zeros(()), **counts}

    def update(self, state: State, evaluation: Evaluation) -> None:
        config, stale, cooldown = self._config, state["stale"], state["cooldown"]
        stale += 1
        if self._improved(state, evaluation):
            state["best"][...] = evaluation.value
            state["improvements"] += 1
            stale[...] = 0
        if cooldown > 0:
            cooldown -= 1
            stale[...] = 0
        if stale >= config.patience:
            state["factor"][...] = max(state["factor"] * config.factor, config.min_factor)
            stale[...], cooldown[...] = 0, config.cooldown

    def _improved(self, state: State, evaluation: Evaluation) -> bool:
        """Return True if the figure is better than the best; NaN and infinity never are."""
        value, best = evaluation.value, float(state["best"])
        if not math.isfinite(value) or not state["improvements"]:
            return math.isfinite(value)
        gain = value - best if evaluation.greater_is_better else best - value
        return gain > self._config.min_delta

    def factor(self, step: int, total_steps: int, state: State) -> float:
        return float(state["factor"])
