"""A batch on its way through a graph and back: a pass for each shard, and their meetings."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinynet.kernels.memory import Workspace
from tinynet.network import calls
from tinynet.network.crew import ThreadPool
from tinynet.network.execution import Operation, Pass
from tinynet.network.legs import Leg
from tinynet.network.parts import joined
from tinynet.types import Array

Told = tuple[Operation, list[Any]]
"""An operation where shards meet, and the summaries of all, in order."""


class Trip:
    """The passes of one batch.

    Attributes:
        passes: One for each shard, in order.
        rows: Which samples of the batch each shard has.
    """

    def __init__(
        self,
        legs: Sequence[Leg],
        passes: tuple[Pass, ...],
        rows: tuple[slice, ...],
        pool: ThreadPool,
        workspaces: Sequence[Workspace],
        *,
        own: bool,
    ) -> None:
        """Stand at the start.

        Args:
            legs: The way.
            passes: One for each shard, in order; at the start.
            rows: Which samples of the batch each shard has.
            pool: The threads that run them.
            workspaces: Where they take memory from.
            own: Whether each shard has a workspace of its own; otherwise there is only the last
                leg, and those that are through leave theirs to others.
        """
        self.passes, self.rows = passes, rows
        self._legs, self._pool = legs, pool
        self._free = None if own else deque(workspaces)
        self._said: list[Any] = [None] * len(passes)  # what each shard tells at the next meeting
        if own:
            for passing, workspace in zip(passes, workspaces, strict=False):
                workspace.reset()
                passing.workspace = workspace

    @property
    def all_rows(self) -> slice:
        """All samples of the batch."""
        return slice(0, self.rows[-1].stop)

    def each(self, go: Callable[[int], None]) -> None:
        """Call a function with the number of every shard, and wait until all are done."""
        self._pool.run([partial(go, number) for number in range(len(self.passes))])

    def out(self, then: Callable[[int], None]) -> None:
        """Go all the way, and then do something with each shard while it is still in the cache.

        Args:
            then: Gets the number of the shard.
        """
        *before, last = self._legs
        told: Told | None = None
        for leg in before:
            self.each(partial(self._advance, leg, told))
            told = self._meet(leg)

        def finish(number: int) -> None:
            self._advance(last, told, number)
            then(number)

        self.each(finish if self._free is None else partial(self._with_memory, finish))

    def meet_at_the_end(self) -> tuple[dict[str, Array], Workspace | None]:
        """Go all the way: the outputs of the whole batch by name, and memory to work on them."""
        self.out(lambda number: None)
        outputs = joined([passing.outputs for passing in self.passes])
        return outputs, self.passes[0].workspace

    def _with_memory(self, go: Callable[[int], None], number: int) -> None:
        """Do something with a shard that has no workspace of its own."""
        assert self._free is not None
        passing, workspace = self.passes[number], self._free.popleft()
        workspace.reset()
        passing.workspace = workspace
        try:
            go(number)
            passing.leave_workspace()
        finally:
            self._free.append(workspace)

    def _advance(self, leg: Leg, told: Told | None, number: int) -> None:
        passing = self.passes[number]
        if told is not None:
            passing.forward_with(*told)
        passing.advance(leg.operations)
        if leg.meeting == "summaries" and leg.place is not None:
            self._said[number] = passing.summarize(leg.place)

    def _meet(self, leg: Leg) -> Told | None:
        """What all tell each other; nothing where they go through a layer together."""
        assert leg.place is not None
        if leg.meeting == "summaries":
            return leg.place, list(self._said)
        parts = [passing.inputs(leg.place) for passing in self.passes]
        whole = [_whole(arrays) for arrays in zip(*parts, strict=True)]
        ctx = self.passes[0].context(leg.place)
        y, cache = calls.forward(leg.place.node, ctx, whole)
        for passing, rows in zip(self.passes, self.rows, strict=True):
            passing.arrive(leg.place, ctx, y[rows], cache)
        return None

    def turn(self, number: int, d_outputs: Mapping[str, Array]) -> None:
        """Turn one shard round, and bring it back over the last leg.

        Args:
            number: The shard.
            d_outputs: Gradient of each output, (n, *out_shape), by name.
        """
        self.passes[number].turn(d_outputs)
        self._retreat(len(self._legs) - 1, number)

    def back(self) -> None:
        """Bring all shards back over the legs before the last."""
        for index in reversed(range(len(self._legs) - 1)):
            told = self._meet_again(self._legs[index])
            self.each(partial(self._go_back, index, told))

    def gradients(self) -> dict[str, list[Array]]:
        """The gradients of every parameter, by address: those that the shards have, in order.

        A layer that gets the whole batch has one gradient of it, which the first shard keeps. The
        others have one as well only if its parameters are shared with a layer of single samples.
        """
        parts: dict[str, list[Array]] = {}
        for passing in self.passes:
            for address, gradient in passing.gradients.items():
                parts.setdefault(address, []).append(gradient)
        return parts

    def _go_back(self, index: int, told: Told | None, number: int) -> None:
        if told is not None:
            self.passes[number].backward_with(*told)
        self._retreat(index, number)

    def _retreat(self, index: int, number: int) -> None:
        passing = self.passes[number]
        passing.retreat(self._legs[index].operations)
        before = self._legs[index - 1] if index else None
        if before is not None and before.meeting == "summaries" and _returns(before):
            assert before.place is not None
            self._said[number] = passing.summarize_gradient(before.place)

    def _meet_again(self, leg: Leg) -> Told | None:
        assert leg.place is not None
        op = leg.place
        if not _returns(leg):
            return None
        if leg.meeting == "summaries":
            return op, list(self._said)
        found = [passing.departure(op) for passing in self.passes]
        ctx, cache = found[0][:2]
        dy = _whole([gradient for _, _, gradient in found])
        d_inputs, d_params = calls.backward(op.node, ctx, op.needs, cache, dy)
        self.passes[0].add_params(op, d_params)
        for passing, rows in zip(self.passes, self.rows, strict=True):
            parts = [None if d_input is None else d_input[rows] for d_input in d_inputs]
            passing.add_inputs(op, parts)
        return None


def _returns(leg: Leg) -> bool:
    """Whether any gradient passes through the place where a leg ends."""
    return leg.place is not None and leg.place.backward


def _whole(parts: Sequence[Array]) -> Array:
    """The parts of a batch as one array; itself where there is but one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
