"""The reason for a loss that is not finite: the data of the step, or else a layer."""

import math
from collections.abc import Mapping

import numpy as np

from tinynet.engine.engine import Engine
from tinynet.engine.inputs import Inputs
from tinynet.engine.results import BatchResult
from tinynet.engine.shard_pass import RandomKey
from tinynet.errors import DataError, DivergedError
from tinynet.transform import SampleError
from tinynet.types import Array


def divergence(
    engine: Engine,
    result: BatchResult,
    x: Inputs,
    y: Mapping[str, Array],
    key: RandomKey,
    first_row: int,
    dtype: "np.dtype[np.generic]",
) -> DataError | DivergedError:
    """Return the error for a batch whose loss is not finite; the pass is run once more.

    ``first_row`` is the row of the batch's first sample in the step.
    """
    inputs = x if isinstance(x, Mapping) else {"x": x}
    arrays = {f"the input {name!r}": array for name, array in inputs.items()}
    arrays |= {f"the target of {name!r}": array for name, array in y.items()}
    for name, array in arrays.items():
        if (bad := _not_finite(np.asanyarray(array), dtype)) is not None:
            row, value = bad
            why = f"{name} holds {value:g}, which is not a finite {dtype.name}"
            return SampleError(
                first_row + row, f"{why}; correct the data, or scale them with a transform"
            )
    node = engine.first_not_finite(x, key)
    culprit = (
        f"NaN or infinity first appeared in the output of {node!r}"
        if node is not None
        else f"the outputs of all layers are finite, but the loss{_output_of(result)} is not"
    )
    return DivergedError(
        f"the loss is not finite at step {key.step + 1}: {culprit}."
        " A smaller learning_rate or a clip_norm may help"
    )


def _not_finite(array: Array, dtype: "np.dtype[np.generic]") -> tuple[int, float] | None:
    """Return row and value of the first number that is not finite in ``dtype``, or None."""
    if array.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(array.astype(dtype, copy=False))
    if finite.all():
        return None
    place = np.unravel_index(np.argmin(finite), finite.shape)
    return int(place[0]), float(array[place])


def _output_of(result: BatchResult) -> str:
    """Return the output whose loss is not finite, where there are several."""
    bad = [output for output, loss in result.losses.items() if not math.isfinite(loss)]
    return f" of {bad[0]!r}" if bad and len(result.losses) > 1 else ""
