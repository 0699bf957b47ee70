"""A regressor of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from tinynet.sklearn.estimator import NetworkEstimator, as_rows
from tinynet.sklearn.inputs import validated_inputs
from tinynet.sklearn.specs import Task
from tinynet.types import Array


class TinynetRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that predicts numbers, trained in memory.

    The parameters are those of `tinynet.sklearn.estimator.NetworkEstimator`. Inputs are arrays
    (N, ...), DataFrames with columns of any kind, or lists of texts. Targets are (N,) or
    (N, targets).
    """

    @property
    def _task(self) -> Task:
        return "regression"

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train from the start on inputs (N, ...) and targets (N,) or (N, targets)."""
        inputs = validated_inputs(self, X, reset=True)
        targets = _targets(inputs, y)
        return self._fit(inputs, targets, _count(targets), {})

    def partial_fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train for one epoch on these samples, from the current state.

        Scales of inputs and targets are those of the first call.
        """
        first = not hasattr(self, "model_")
        inputs = validated_inputs(self, X, reset=first)
        targets = _targets(inputs, y)
        return self._fit_partially(inputs, targets, _count(targets), {})

    def predict(self, X: Any) -> Array:  # noqa: N803
        """Return the predicted targets, (N,) or (N, targets)."""
        predictions = self._predictions(X)
        values = as_rows(np.asarray(predictions.outputs[self._output].values, np.float64))
        one = self.model_.targets[self.model_.target_of_output[self._output]].shape == ()
        return values.reshape(len(values)) if one else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _targets(inputs: Any, y: Any) -> Array:
    """Return checked targets, (N,) or (N, targets), as floats."""
    if y is None:
        raise ValueError(
            "TinynetRegressor requires y to be passed, but the target y is None: give targets (N,)"
        )
    targets = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = column_or_1d(targets, warn=True)
    check_consistent_length(inputs, targets)
    return np.asarray(targets, np.float64)


def _count(targets: Array) -> int:
    return 1 if targets.ndim == 1 else targets.shape[1]
