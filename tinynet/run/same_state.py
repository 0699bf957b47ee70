"""Comparison of the state of a run in all processes that train it."""

from collections import Counter

import numpy as np
from xxhash import xxh3_128

from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import CheckpointMismatchError
from tinynet.text.wording import format_list
from tinynet.training.trainer import Trainer


def require_same_state(trainer: Trainer) -> None:
    """Require the state of a run to be the same in all processes, before it is saved.

    All processes call this after the same step. The arrays have the same bits in each of them,
    unless the machines compute different things.

    Raises:
        CheckpointMismatchError: in every process, naming those whose state differs.
    """
    group = trainer.group
    if group is None:
        return
    group.doing = f"the save after step {trainer.step:,}"
    digests = group.gather(state_digest(trainer))
    if len(set(digests)) > 1:
        raise CheckpointMismatchError(
            f"after step {trainer.step:,} {_different(group, digests)}; the checkpoint was not"
            " saved, earlier ones are kept. CPUs of other models, or other versions of a library,"
            " round differently, and a plugin may use a random number of its own: train on"
            " machines of one kind"
        )


def state_digest(trainer: Trainer) -> str:
    """Return XXH3-128 of every array of the state, and of the position in the run."""
    digest = xxh3_128(repr(trainer.progress).encode())
    for name, array in sorted(trainer.state().items()):
        digest.update(f"{name}\0{array.dtype.str}{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _different(group: ProcessGroup, digests: list[str]) -> str:
    """Return which processes have another state than most of them; of two halves, the second."""
    counts = Counter(digests)
    usual = max(counts, key=lambda digest: counts[digest])  # The first of the most frequent ones.
    others = [rank for rank, digest in enumerate(digests) if digest != usual]
    names = [f"process {rank} on {group.hosts[rank]}" for rank in others[:_MAX_LISTED]]
    if more := len(others) - len(names):
        names.append(f"{more:,} more")
    verb = "has" if len(others) == 1 else "have"
    return f"{format_list(names)} {verb} computed other numbers than the rest of {group.size:,}"


_MAX_LISTED = 5
