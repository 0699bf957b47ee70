"""Figures of agreement that are 0 for guesses: of balanced classes, correlation and kappa."""

import math
from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.metrics._class_counts import ClassCounts
from tinynet.builtin.metrics._classes import ClassMetricConfig
from tinynet.metric import State
from tinynet.types import Array, Shape


class Matthews(ClassCounts):
    """Matthews correlation of predicted and true classes: from -1 to 1, and 0 for a guess.

    Predictions and targets as for `accuracy`. Where all predictions or all targets are of one
    class, the correlation is not defined, and counts as 0. The state is three integers for each
    class, so that the figure does not depend on the batches.

    Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", 2004.
    """

    def result(self, state: State) -> float:
        hits, predicted, true = ([int(n) for n in state[name]] for name in _COUNTS)
        samples = sum(true)
        of_predicted = samples**2 - sum(n * n for n in predicted)
        of_true = samples**2 - sum(n * n for n in true)
        if not of_predicted or not of_true:
            return 0.0
        pairs = zip(predicted, true, strict=True)
        covariance = sum(hits) * samples - sum(p * t for p, t in pairs)
        return covariance / (math.sqrt(of_predicted) * math.sqrt(of_true))


class CohenKappa(ClassCounts):
    """Cohen's kappa: 1 - disagreement / disagreement expected by chance, at most 1.

    Predictions and targets as for `accuracy`. With ``weights``, classes are grades, and a
    disagreement counts by the distance of the two classes, or its square. Where chance alone would
    never disagree, because only one class occurs, the figure is 0. The state is three integers for
    each class and one sum of integers, so that the figure does not depend on the batches.

    Sources: Cohen, "A Coefficient of Agreement for Nominal Scales", 1960; "Weighted kappa", 1968.
    """

    class Config(ClassMetricConfig):
        """Parameters of `cohen_kappa`."""

        weights: Literal["none", "linear", "quadratic"] = Field(
            default="none",
            description="Weight of a disagreement: 'none': 1; 'linear': the distance of the two"
            " classes; 'quadratic': the square of the distance.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.weights = config.weights

    def start(self, out_shape: Shape) -> State:
        return super().start(out_shape) | {"disagreement": np.zeros((), np.int64)}

    def count(self, state: State, predicted: Array, true: Array) -> None:
        super().count(state, predicted, true)
        distances = np.abs(predicted - true)
        if self.weights == "none":
            distances = distances > 0
        elif self.weights == "quadratic":
            distances = distances**2
        state["disagreement"] += distances.sum()

    def result(self, state: State) -> float:
        expected = self._expected(state["predicted"], state["true"])
        samples = int(state["true"].sum())
        return 1 - int(state["disagreement"]) * samples / expected if expected else 0.0

    def _expected(self, predicted: Array, true: Array) -> int:
        """Return the sum of the weights over all pairs of a predicted and a true class."""
        samples = int(true.sum())
        if self.weights == "none":
            return samples**2 - int(predicted @ true)
        if self.weights == "linear":
            # The distance of two classes is the number of boundaries between them.
            below = zip(predicted.cumsum().tolist(), true.cumsum().tolist(), strict=True)
            return sum(p * (samples - t) + t * (samples - p) for p, t in below)
        grades = np.arange(len(true))
        squares = int((predicted + true) @ grades**2)
        return samples * squares - 2 * int(predicted @ grades) * int(true @ grades)


_COUNTS = ("hits", "predicted", "true")
