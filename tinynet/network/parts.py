"""Arrays by name, of which each holds something for every sample of a batch."""

from collections.abc import Mapping, Sequence

import numpy as np

from tinynet.types import Array


def rows_of(arrays: Mapping[str, Array], rows: slice) -> dict[str, Array]:
    """Those of some samples."""
    return {name: array[rows] for name, array in arrays.items()}


def joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Those of all parts of a batch, one after the other; themselves where there is but one."""
    if len(parts) == 1:
        return dict(parts[0])
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
