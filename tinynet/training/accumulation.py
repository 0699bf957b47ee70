"""The batches of one update: their samples, and the sums of their gradients."""

from collections.abc import Mapping

from tinynet.engine.engine import BatchResult
from tinynet.engine.inputs import Inputs
from tinynet.types import Array


def rows_of_step(
    rows: slice, x: Inputs, y: Mapping[str, Array], weights: Array | None
) -> tuple[Inputs, dict[str, Array], Array | None]:
    """Return some samples of a step: inputs, targets and weights."""
    part = _rows_of(x, rows) if isinstance(x, Mapping) else x[rows]
    return part, _rows_of(y, rows), None if weights is None else weights[rows]


def _rows_of(arrays: Mapping[str, Array], rows: slice) -> dict[str, Array]:
    return {name: array[rows] for name, array in arrays.items()}


def add_gradients(sums: dict[str, Array], result: BatchResult) -> dict[str, Array]:
    """Return the gradients of several batches together, in memory of their own."""
    if not sums:
        return {address: gradient.copy() for address, gradient in result.gradients.items()}
    for address, total in sums.items():
        total += result.gradients[address]
    return sums
