"""A graph cut where the samples of a batch see each other.

Between two such places the parts of a batch go their way alone, each on a thread of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinynet.network.execution import Meeting, Operation


@dataclass(frozen=True)
class Leg:
    """A stretch of the way on which the parts of a batch are alone.

    Attributes:
        operations: What they go through, in order.
        place: Where they meet afterwards; None at the end of the way.
        meeting: What they have of each other there; None at the end.
    """

    operations: tuple[Operation, ...]
    place: Operation | None = None
    meeting: Meeting | None = None


def legs(operations: Sequence[Operation], *, training: bool) -> tuple[Leg, ...]:
    """The way through a graph, cut at every meeting.

    Args:
        operations: The graph in topological order.
        training: Whether it is gone in training; fewer layers look across the batch in evaluation.
    """
    return tuple(_legs(operations, training))


def _legs(operations: Sequence[Operation], training: bool) -> Iterator[Leg]:
    alone: list[Operation] = []
    for op in operations:
        meeting = op.meets_in_training if training else op.meets_in_evaluation
        if meeting is None:
            alone.append(op)
        else:
            yield Leg(tuple(alone), op, meeting)
            alone = []
    yield Leg(tuple(alone))
