"""Validation of the arrays of one update by hand."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from tinynet.engine.inputs import NUMBERS, Inputs, plain_array
from tinynet.errors import DataError, ShapeError, SpecError
from tinynet.network.network import Network
from tinynet.spec.graph import is_input
from tinynet.training.compatibility import (
    first_bad_target,
    positions_problem,
    require_rows,
    target_problems,
    targets_by_loss,
    weight_problems,
)
from tinynet.training.step_samples import StepSamples
from tinynet.types import Array, Shape


class StepArguments:
    """The checks of the arguments of `Trainer.train_step`.

    Shapes and dtypes are checked only where they differ from those of the step before.
    """

    def __init__(self, network: Network, data_targets: Callable[[], Collection[str]]) -> None:
        """Create the checks.

        Args:
            network: The network, with its losses.
            data_targets: Returns the names of the targets in the data.
        """
        self._network, self._data_targets = network, data_targets
        self._checked: tuple[Shape, Shape, np.dtype[Any]] | None = None
        part, *others = network.losses
        takes_y = part.takes_target and not is_input(part.target or part.name)
        self._only_loss = part.name if takes_y and not others else None

    def samples(
        self, x: Inputs, y: Array | Mapping[str, Array] | None, weights: Array | None
    ) -> StepSamples:
        """Return the samples of a step; arguments and errors are those of `train_step`."""
        only, arrays = self._only_loss, None
        if only is not None and type(y) is np.ndarray:
            targets: dict[str, Array] = {only: y}
            if weights is None and type(x) is np.ndarray:
                arrays = x.shape, y.shape, y.dtype
        else:
            targets = targets_by_loss(self._network, x, y, self._data_targets)
        weights = None if weights is None else plain_array("the array of weights", weights)
        if arrays is None or arrays != self._checked:
            self._check(x, targets, weights)
            self._checked = arrays
        bad = first_bad_target(self._network, targets)
        if bad is not None:
            raise DataError(f"target {bad[0]} of the batch: {bad[1]}")
        return StepSamples(x, targets, weights, weights)

    def _check(self, x: Inputs, targets: Mapping[str, Array], weights: Array | None) -> None:
        network = self._network
        require_rows(x, targets, weights)
        _require_numbers(targets)
        if weights is not None:
            _require_weights(weights)
        shapes = {output: array.shape[1:] for output, array in targets.items()}
        if weights is not None:
            if wrong := weight_problems(network, sample_weights=True):
                raise SpecError(wrong)
            if problem := positions_problem(network.losses, weights.shape[1:], shapes):
                raise ShapeError(problem)
        if problems := target_problems(network, shapes):
            raise ShapeError(problems)


def _require_numbers(targets: Mapping[str, Array]) -> None:
    """Require numbers that can be converted to the dtype of a network, as its inputs are.

    Raises:
        DataError: for complex numbers, objects, texts and dates.
    """
    for name, array in targets.items():
        if array.dtype.kind not in NUMBERS:
            which = f"targets of {name!r}" if len(targets) > 1 else "targets"
            raise DataError(f"{which} must hold real numbers; the dtype is {array.dtype}")


def _require_weights(weights: Array) -> None:
    """Require real numbers that are finite and at least 0.

    Raises:
        DataError: for others, with the row of the first one.
    """
    if weights.dtype.kind not in NUMBERS:
        raise DataError(f"weights must hold real numbers; the dtype is {weights.dtype}")
    usable = np.isfinite(weights) & (weights >= 0)
    if not usable.all():
        place = tuple(map(int, np.argwhere(~usable)[0]))
        raise DataError(
            f"weight of row {place[0]} (counted from 0) of the batch: {weights[place]:g}; weights"
            " are finite and at least 0"
        )
