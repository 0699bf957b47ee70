"""The importance of each value of a study for its results."""

import warnings
from typing import Any

from tinynet.commands.tune.study import Study

LEAST_TRIALS = 4
"""Finished trials from which importances are computed."""


def importances(study: Study) -> dict[str, float]:
    """Return the share of each path in the results, the greatest first; empty if unknown.

    fANOVA (Hutter et al., 2014) needs scikit-learn; without it PED-ANOVA (Watanabe et al., 2023).
    """
    from optuna import importance
    from optuna.trial import TrialState

    finished = [trial for trial in study.trials() if trial.state == TrialState.COMPLETE]
    values = {trial.value for trial in finished}
    if len(finished) < LEAST_TRIALS or len(values) < 2:
        return {}
    try:
        import sklearn  # noqa: F401

        evaluator: Any = importance.FanovaImportanceEvaluator(seed=0)
    except ModuleNotFoundError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is experimental
            evaluator = importance.PedAnovaImportanceEvaluator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shares = importance.get_param_importances(study.optuna, evaluator=evaluator)
        except (ValueError, RuntimeError, ZeroDivisionError):
            return {}
    return {path: float(share) for path, share in shares.items() if share == share}
