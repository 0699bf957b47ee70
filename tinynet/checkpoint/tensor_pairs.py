"""Explicit pairs of tensors: ``--map embedding_1/weight.T=dense_1/weight``."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from tinynet.checkpoint.tensor_layout import TensorLayout, find_tensor
from tinynet.errors import CheckpointMismatchError
from tinynet.spec.network_spec import TRANSPOSED
from tinynet.text.wording import quote, suggest

Pairs: TypeAlias = list[tuple[str, str]]
"""Old and new names."""


def split_pairs(renamed: Sequence[tuple[str, str]]) -> tuple[Pairs, Pairs]:
    """Return the pairs of nodes and blocks, and those of tensors, whose names have a slash.

    Raises:
        CheckpointMismatchError: listing the pairs of a node and a tensor.
    """
    wrong = [
        f"--map {before}={after}: {quote(one)} is a node and {quote(other)} a parameter; map a node"
        " to a node, or a parameter to a parameter"
        for before, after in renamed
        for one, other in ((before, after), (after, before))
        if "/" not in one and "/" in other
    ]
    if wrong:
        raise CheckpointMismatchError("\n  ".join(wrong))
    nodes = [pair for pair in renamed if "/" not in pair[0]]
    return nodes, [pair for pair in renamed if "/" in pair[0]]


def paired_tensors(
    pairs: Iterable[tuple[str, str]],
    tensors: Mapping[str, TensorLayout],
    targets: Collection[str],
    origin: str,
) -> dict[str, TensorLayout]:
    """Return the tensor of each target, by the target's address.

    Args:
        pairs: Addresses of tensors, with ``.T`` for a transpose, each with that of its target.
        tensors: The tensors by address.
        targets: The addresses of the network's parameters and buffers.
        origin: The name of the tensors' file in messages.

    Raises:
        CheckpointMismatchError: listing the wrong pairs.
    """
    chosen: dict[str, TensorLayout] = {}
    problems = []
    for before, after in pairs:
        tensor = find_tensor(before, tensors)
        if tensor is None:
            hint = suggest(before, tensors)
            problems.append(f"--map: {origin} has no parameter {quote(before)}; {hint}")
        problems += target_problems(before, after, targets, chosen)
        if tensor is not None:
            chosen[after] = tensor
    if problems:
        raise CheckpointMismatchError("\n  ".join(problems))
    return chosen


def target_problems(
    before: str, after: str, targets: Collection[str], chosen: Collection[str]
) -> Iterator[str]:
    """Yield the mistakes in the target of a pair; ``chosen`` are the targets of earlier pairs."""
    if after in chosen:
        yield f"--map: two arrays are mapped to {quote(after)}; keep one of the two"
    elif after not in targets and after.removesuffix(TRANSPOSED) in targets:
        pair = f"{before}{TRANSPOSED}={after.removesuffix(TRANSPOSED)}"
        yield f"--map: {quote(after)} cannot be a target; transpose the source: --map {pair}"
    elif after not in targets:
        yield f"--map: the network has no parameter {quote(after)}; {suggest(after, targets)}"
