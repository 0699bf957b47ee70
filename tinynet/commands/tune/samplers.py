"""The samplers and pruners of Optuna that a study uses."""

import warnings
from typing import Any

import numpy as np

from tinynet.commands.tune.plan import Plan
from tinynet.extras import importing


def make_sampler(plan: Plan, number: int) -> Any:
    """Return the sampler of one trial.

    Each trial has a seed of its own, so that a study that was killed draws the same values when it
    is resumed, and never those of an earlier trial.
    """
    with importing("tune", "tinynet tune"):
        from optuna import samplers
        from optuna.exceptions import ExperimentalWarning

    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1)[0])
    if plan.sampler == "grid":
        return _grid_sampler(plan.space.grid_point(number))
    if plan.sampler == "random":
        return samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # constant_liar, in Optuna 4
        return samplers.TPESampler(seed=seed, constant_liar=True)


def _grid_sampler(point: dict[str, Any]) -> Any:
    """Return a sampler of one point.

    Optuna's own grid needs its own loop over trials, which stops it at the end of the grid.
    """
    from optuna.samplers import BaseSampler

    class GridPoint(BaseSampler):  # type: ignore[misc]
        """The sampler of one point of a grid."""

        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(
            self, study: Any, trial: Any, param_name: str, param_distribution: Any
        ) -> Any:
            return point[param_name]

    return GridPoint()


def make_pruner(plan: Plan) -> Any:
    """Return the pruner of a study."""
    with importing("tune", "tinynet tune"):
        from optuna import pruners

    if plan.pruner == "hyperband":
        return pruners.HyperbandPruner(min_resource=1, max_resource=plan.evaluations)
    return pruners.MedianPruner() if plan.pruner == "median" else pruners.NopPruner()
