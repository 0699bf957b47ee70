"""Explanations for tensors that are new or unused, because nodes now share parameters otherwise."""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from tinynet.checkpoint.node_matching import Matching
from tinynet.checkpoint.tensor_layout import TensorLayout, find_tensor


def explain_new(
    targets: Sequence[TensorLayout], matching: Matching, tensors: Mapping[str, TensorLayout]
) -> Iterator[str]:
    """Yield a line for each new tensor that was another node's in the checkpoint.

    Args:
        targets: The new tensors.
        matching: The pairs of nodes.
        tensors: The tensors of the checkpoint by address.
    """
    for target in targets:
        shared = matching.shared_before(target.address)
        source = None if shared is None else find_tensor(shared, tensors)
        if source is None:
            continue
        fits = source.shape == target.shape
        pair = shlex.quote(f"{source.label}={target.address}")
        remedy = f": --map {pair} starts with its values" if fits else ""
        message = f"in the checkpoint, {source.label} is shared in place of {target.address}"
        yield message + remedy


def explain_unused(
    sources: Sequence[TensorLayout], matching: Matching, targets: Mapping[str, TensorLayout]
) -> Iterator[str]:
    """Yield a line for each unused tensor in whose place a node now shares another's.

    Args:
        sources: The unused tensors of the checkpoint.
        matching: The pairs of nodes.
        targets: The tensors of the network by address.
    """
    for source in sources:
        shared = matching.shared_after(source.address)
        target = None if shared is None else find_tensor(shared, targets)
        if target is None:
            continue
        yield f"here, {target.label} is shared in place of {source.address}"
