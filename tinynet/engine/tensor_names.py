"""Names of a run's arrays in a checkpoint, and the check that two sets of arrays match.

A name is a group and an address: ``params/dense_1/weight``, ``slots/dense_1/weight/momentum``.
"""

from collections.abc import Iterable, Mapping

from tinynet.errors import CheckpointMismatchError
from tinynet.files.array_header import ArrayHeader
from tinynet.types import Array

PARAMS = "params/"
"""The learned arrays of the network."""

BUFFERS = "buffers/"
"""The running statistics of the network."""

SLOTS = "slots/"
"""The optimizer's state."""

AVERAGE = "average/"
"""The averages of the network's arrays, by their full names: ``average/params/dense_1/weight``."""

LOOKAHEAD = "lookahead/"
"""The slow weights of lookahead: ``lookahead/params/dense_1/weight``."""

FIGURES = "figures/"
"""The loss and the metrics of the running epoch."""

SCHEDULE = "schedule/"
"""The state of a schedule that sees the results of evaluations."""

TRANSFORMS = "transforms/"
"""Statistics that preprocessing computed from the training data."""

DATASET = "dataset/"
"""The part of `TRANSFORMS` that the dataset itself learned: ``transforms/dataset/mean``."""

WEIGHTS = (PARAMS, BUFFERS)
"""The groups that make up a trained network."""


def in_group(group: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays by their full names, from their addresses."""
    return {f"{group}{address}": array for address, array in arrays.items()}


def of_group(group: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a group by their addresses, from their full names."""
    return {n.removeprefix(group): a for n, a in arrays.items() if n.startswith(group)}


def named_weights(params: Mapping[str, Array], buffers: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a network by their full names; they are not copied."""
    return in_group(PARAMS, params) | in_group(BUFFERS, buffers)


def require_match(
    own: Mapping[str, Array],
    loaded: Mapping[str, Array] | Mapping[str, ArrayHeader],
    source: object = "the checkpoint",
) -> None:
    """Raise an error unless both have arrays of the same names, shapes and dtypes.

    Args:
        own: The arrays of the network.
        loaded: The arrays, or their headers, to load into it.
        source: The origin of ``loaded``, for the message.

    Raises:
        CheckpointMismatchError: listing every array that does not match.
    """
    lines = [f"{name} is missing" for name in sorted(own.keys() - loaded.keys())]
    lines += [f"{name} is not in the network" for name in sorted(loaded.keys() - own.keys())]
    for name in sorted(own.keys() & loaded.keys()):
        # Headers have no byte order: an archive has its own, whatever that of the array was.
        ours, theirs = ArrayHeader.of(own[name]), ArrayHeader.of(loaded[name])
        if ours != theirs:
            lines.append(
                f"{name} is {theirs.dtype} {theirs.shape}, but in the network {ours.dtype}"
                f" {ours.shape}"
            )
    if lines:
        raise CheckpointMismatchError(mismatch_message(lines, source))


def mismatch_message(lines: Iterable[str], source: object = "the checkpoint") -> str:
    """Return the message for arrays that do not fit, with a line for each."""
    return "\n  ".join([f"{source} does not fit the network:", *lines])
