"""A batch, cut into shards that go forward and backward on threads of their own.

How a batch is cut follows from the network and its kernels, never from the machine, and gradients
are summed in the order of the shards. BLAS is held to one thread meanwhile. So the same bits come
out on one thread and on sixty-four.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from tinynet.kernels.memory import Workspace, aligned_empty
from tinynet.network.blas import threads_to_use
from tinynet.network.computing import compute
from tinynet.network.crew import ThreadPool
from tinynet.network.execution import Pass, PassKey
from tinynet.network.network import Network
from tinynet.network.node import Node
from tinynet.network.objective import Objective, Samples
from tinynet.network.parts import joined, rows_of
from tinynet.network.trip import Trip
from tinynet.types import Array

T = TypeVar("T")

Inputs: TypeAlias = Array | Mapping[str, Array]

LARGE = 2**20
"""Bytes of gradients above which it pays to sum them on several threads."""


class BatchResult(NamedTuple):
    """What a batch gives.

    Attributes:
        loss: What is minimised, summed over its samples: the losses of all outputs, weighted.
        losses: Sum of the loss of each output over its samples, by the output's name; unweighted.
        predictions: What the loss of each output predicts, (N, *out_shape), likewise.
        gradients: Of every trainable parameter, by address; valid until the engine's next batch.
            Empty in evaluation.
        passes: One for each shard, in order.
    """

    loss: float
    losses: dict[str, float]
    predictions: dict[str, Array]
    gradients: dict[str, Array]
    passes: tuple[Pass, ...]

    def commit(self) -> None:
        """Let layers with running statistics take in the batch."""
        for passing in self.passes:
            passing.commit()


Found: TypeAlias = tuple[dict[str, float], dict[str, Array]]
"""Losses and predictions of some samples, by the output's name."""

Judge: TypeAlias = Callable[
    [slice, Mapping[str, Array], Workspace | None], tuple[Found, dict[str, Array] | None]
]
"""Gets which samples of a batch they are, their outputs, and memory to work on them; gives what the
losses say, and the gradient of each output by its name, unless they are evaluated only."""


class Engine:
    """Runs a network and its losses on batches.

    Attributes:
        threads: How many threads compute.
    """

    def __init__(self, network: Network, threads: int | None = None) -> None:
        """Make an engine.

        Args:
            network: A network with a loss for each output.
            threads: How many threads compute; by default as many as there are cores.

        Raises:
            TinynetError: for less than one thread.
        """
        assert network.heads
        self._network = network
        self._objective = Objective(network.heads, network.kernels)
        self._legs = {training: network.legs(training=training) for training in (True, False)}
        self.threads = threads_to_use(threads)
        self._pool = ThreadPool(self.threads)
        self._workspaces: list[Workspace] = []
        self._sums: dict[str, Array] = {}

    def train(
        self,
        x: Inputs,
        y: Mapping[str, Array],
        weights: Array | None,
        key: PassKey,
        samples: int | None = None,
        *,
        predict: bool = True,
    ) -> BatchResult:
        """Forward and backward in training mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            y: What each output is compared with, (N, *target_shape), by the output's name.
            weights: How much each sample counts, (N,), or None.
            key: Key of everything random.
            samples: What the gradients are divided by; by default N.
            predict: Whether anybody asks for the predictions.
        """
        objective, scale = self._objective, 1 / (samples or _count(x))

        def minimise(
            rows: slice, outputs: Mapping[str, Array], workspace: Workspace | None
        ) -> tuple[Found, dict[str, Array]]:
            part = _part(rows, y, weights, key, workspace)
            losses, gradients = objective.minimise(outputs, part, scale)
            return (losses, self._network.predictions(outputs) if predict else {}), gradients

        def work() -> BatchResult:
            trip = self._start(inputs, rows, training=True, key=key)
            found = self._judged(trip, minimise)
            trip.back()
            return self._result(found, trip, self._summed(trip.gradients()))

        inputs, rows = self._cut(x, training=True)
        return self._compute(work, rows)

    def evaluate(
        self, x: Inputs, y: Mapping[str, Array], weights: Array | None = None
    ) -> BatchResult:
        """Forward in evaluation mode.

        Args:
            x: (N, *input_shape), or such an array for each input by name.
            y: What each output is compared with, (N, *target_shape), by the output's name.
            weights: How much each sample counts, (N,), or None.
        """
        if weights is not None:
            weights = np.asarray(weights, self._network.dtype)

        def measure(
            rows: slice, outputs: Mapping[str, Array], workspace: Workspace | None
        ) -> tuple[Found, None]:
            part = _part(rows, y, weights, PassKey(), workspace)
            found = self._objective.measure(outputs, part), self._network.predictions(outputs)
            return found, None

        def work() -> BatchResult:
            trip = self._start(inputs, rows, training=False, key=PassKey())
            return self._result(self._judged(trip, measure), trip, {})

        inputs, rows = self._cut(x, training=False)
        return self._compute(work, rows)

    def first_not_finite(self, x: Inputs, key: PassKey) -> str | None:
        """The first node that gives a NaN or an infinity where `train` sees ``x``, if one does."""
        bad: set[str] = set()

        def observe(node: Node, y: Array) -> None:
            if not np.isfinite(y).all():
                bad.add(node.name)

        def work() -> None:
            trip = self._start(inputs, rows, training=True, key=key, observe=observe)
            trip.out(lambda number: None)

        inputs, rows = self._cut(x, training=True)
        self._compute(work, rows)
        return next((name for name in self._network.nodes if name in bad), None)

    def _cut(self, x: Inputs, *, training: bool) -> tuple[dict[str, Array], tuple[slice, ...]]:
        """The inputs by name, and which samples each shard has."""
        inputs = self._network.checked(x)
        size = len(next(iter(inputs.values())))
        return inputs, self._network.shards(size, training=training)

    def _compute(self, work: Callable[[], T], rows: Sequence[slice]) -> T:
        """Call `work`, whose kernels may use the threads that have no shard."""
        return compute(work, self._network.kernels, self.threads if len(rows) == 1 else 1)

    def _judged(self, trip: Trip, judge: Judge) -> list[Found]:
        """Send all shards to the end, where their losses turn them round, or that of the batch."""
        found: list[Found] = [({}, {})] * len(trip.passes)

        def turn(number: int) -> None:
            passing = trip.passes[number]
            rows = trip.rows[number]
            found[number], gradients = judge(rows, passing.outputs, passing.workspace)
            if gradients is not None:
                trip.turn(number, gradients)

        if not self._objective.meets:
            trip.out(turn)
            return found
        whole, gradients = judge(trip.all_rows, *trip.meet_at_the_end())
        if gradients is not None:
            trip.each(lambda number: trip.turn(number, rows_of(gradients, trip.rows[number])))
        return [whole]

    def _start(
        self,
        inputs: Mapping[str, Array],
        rows: tuple[slice, ...],
        *,
        training: bool,
        key: PassKey,
        observe: Callable[[Node, Array], None] | None = None,
    ) -> Trip:
        legs = self._legs[training]
        if observe is not None:
            legs = self._network.legs(training=training, observed=True)
        # Shards that wait for each other keep their memory meanwhile.
        own = len(legs) > 1 or self._objective.meets or len(rows) <= self.threads
        for _ in range(len(self._workspaces), len(rows) if own else self.threads):
            self._workspaces.append(Workspace())
        passes = tuple(
            self._network.start(
                rows_of(inputs, part),
                training=training,
                key=key,
                first_sample=part.start,
                observe=observe,
            )
            for part in rows
        )
        return Trip(legs, passes, rows, self._pool, self._workspaces, own=own)

    def _summed(self, parts: Mapping[str, Sequence[Array]]) -> dict[str, Array]:
        """Return the sums of gradients, each added in the order of its parts."""
        sums = {address: gradients[0] for address, gradients in parts.items()}
        several = [address for address, gradients in parts.items() if len(gradients) > 1]
        for address in several:
            first = sums[address]
            if address not in self._sums:
                self._sums[address] = aligned_empty(first.shape, first.dtype)
            sums[address] = self._sums[address]

        def add(addresses: Iterable[str]) -> None:
            for address in addresses:
                first, second, *others = parts[address]
                total = np.add(first, second, out=sums[address])
                for other in others:
                    total += other

        if sum(sums[address].nbytes for address in several) < LARGE:
            add(several)
        else:
            self._pool.run([partial(add, (address,)) for address in several])
        return sums

    def _result(
        self, found: Sequence[Found], trip: Trip, gradients: dict[str, Array]
    ) -> BatchResult:
        losses = {
            head.output: sum(part[head.output] for part, _ in found) for head in self._network.heads
        }
        predictions = joined([part for _, part in found])
        return BatchResult(
            self._objective.total(losses), losses, predictions, gradients, trip.passes
        )


def _part(
    rows: slice,
    y: Mapping[str, Array],
    weights: Array | None,
    key: PassKey,
    workspace: Workspace | None,
) -> Samples:
    part_weights = None if weights is None else weights[rows]
    return Samples(rows, rows_of(y, rows), part_weights, key, workspace)


def _count(x: Inputs) -> int:
    return len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x)
