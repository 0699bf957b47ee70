"""The share of a batch that each process of a group computes.

A batch is cut into shards by the network and the spec. Each process has shards that follow each
other; a group of one has all.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class BatchShare:
    """The shards of a batch that one process computes.

    Attributes:
        slices: The rows of every shard of the batch, in order.
        own: The numbers of the shards of this process; it may be empty.
        some_are_idle: True if a process has no shard.
    """

    slices: tuple[slice, ...]
    own: range
    some_are_idle: bool = False

    @classmethod
    def whole(cls, slices: tuple[slice, ...]) -> "BatchShare":
        """Return the share of a process that computes all shards."""
        return cls(slices, range(len(slices)))

    @cached_property
    def samples(self) -> int:
        """Number of samples in the batch."""
        return int(self.slices[-1].stop)

    @cached_property
    def rows(self) -> slice:
        """The rows of the batch that this process computes."""
        if not self.own:
            return slice(0, 0)
        return slice(self.slices[self.own[0]].start, self.slices[self.own[-1]].stop)

    @cached_property
    def own_slices(self) -> tuple[slice, ...]:
        """The rows of the batch in each of the own shards."""
        return self.slices[self.own.start : self.own.stop]

    @cached_property
    def local_slices(self) -> tuple[slice, ...]:
        """The same among the rows that this process has."""
        first = self.rows.start
        return tuple(slice(part.start - first, part.stop - first) for part in self.own_slices)
