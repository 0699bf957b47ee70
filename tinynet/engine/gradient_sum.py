"""The sums of the gradients of all shards of a batch, with the same bits for any processes."""

from collections.abc import Mapping, Sequence

from numpy.typing import DTypeLike

from tinynet.engine.adder import Adder, Sum
from tinynet.engine.exchange import Algorithm, ArrayGroup, Exchange, Plan, make_plan
from tinynet.engine.flat_layout import FlatLayout
from tinynet.engine.halving import most_swaps
from tinynet.engine.threads import ThreadPool
from tinynet.engine.tree import Node, Order, additions
from tinynet.kernels.memory import aligned_empty
from tinynet.types import Array, Shape


def owned_shards(shards: int, size: int, order: Order) -> list[range]:
    """Return the shards that each process computes; their numbers are consecutive.

    The largest number of shards of one process is as small as possible. If that allows it, and the
    gradients are added by the tree, each process owns one whole node or nothing, so that it sends
    one sum. Otherwise all processes own nearly the same number of shards. With more processes than
    shards, the first processes own one shard each.

    Args:
        shards: Number of shards of the batch; at least one.
        size: Number of processes.
        order: Order of the additions.
    """
    level = _node_level(shards, size)
    if order == "tree" and level is not None:
        return [Node(level, rank).shards(shards) for rank in range(size)]
    if size > shards:
        return [range(min(rank, shards), min(rank + 1, shards)) for rank in range(size)]
    return [range(shards * r // size, shards * (r + 1) // size) for r in range(size)]


def _node_level(shards: int, size: int) -> int | None:
    """Return the level of the tree of which each process can own one node or nothing.

    None if a process would then own more shards than otherwise.
    """
    fewest = -(-shards // size)
    level = (fewest - 1).bit_length()
    return level if min(1 << level, shards) == fewest else None


def choose_algorithm(shards: int, size: int, order: Order) -> Algorithm:
    """Return the faster algorithm.

    Both move the same number of bytes if each process has one vector; otherwise only ``direct`` is
    possible. Then ``halving`` copies less in memory, and its largest messages stay on one machine.
    But its messages wait for each other, while those of ``direct`` overlap. So it is chosen if no
    process makes more than half as many swaps as there are processes: for 2, 4, 6, 8, 10, 12 and
    most larger numbers. The length of the vectors matters little for that.

    Args:
        shards: Number of shards of the batch.
        size: Number of processes.
        order: Order of the additions.
    """
    possible = order == "tree" and _node_level(shards, size) is not None
    return "halving" if possible and 2 * most_swaps(size) <= size else "direct"


class GradientSum:
    """Sums the gradients of one batch after another, and keeps the memory for that."""

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        dtype: DTypeLike,
        pool: ThreadPool,
        group: ArrayGroup | None = None,
        algorithm: Algorithm | None = None,
    ) -> None:
        """Allocate nothing large yet.

        Args:
            shapes: Shape of each parameter that all shards have gradients of, by address, in the
                same order in all processes.
            dtype: Type of the elements of all gradients.
            pool: The threads that add.
            group: The processes; None if there is only this one.
            algorithm: By default that of `choose_algorithm` for each batch.
        """
        self._algorithm = algorithm
        self._adder = Adder(pool, dtype)
        self._sums: dict[str, Array] = {}
        self._group = group if group is not None and group.size > 1 else None
        if self._group is not None:
            self._layout = FlatLayout(shapes, dtype)
            self._exchange = Exchange(self._group, dtype, self._adder)
            self._plans: dict[tuple[int, Order], Plan] = {}

    def sum(
        self, parts: Mapping[str, Sequence[Array]], own: range, shards: int, order: Order
    ) -> dict[str, Array]:
        """Return the sum of the gradients of each parameter, by address.

        All processes call this together. The arrays are valid until the next call; in a single
        process, the sum over one shard is the gradient itself.

        Args:
            parts: The gradients of the shards of this process, in order, by address, in any order
                of memory; empty sequences if it has no shards. A single process may also give
                parameters with one gradient for all shards.
            own: The numbers of these shards; see `owned_shards`.
            shards: Number of shards of the batch.
            order: Order of the additions.
        """
        if self._group is None:
            return self._sum_alone(parts, order)
        plan = self._plans.get((shards, order))
        if plan is None:
            plan = self._plans[shards, order] = self._plan(self._group, shards, order)
        assert own == plan.own, f"process {self._group.rank} owns the shards {plan.own}, not {own}"
        if not own:
            total = self._exchange.run(plan, [])
        elif shards > 1:
            total = self._exchange.run(plan, self._layout.place(parts, len(own)))
        else:
            total = self._exchange.run(plan, self._layout.place_one(parts))
        return self._layout.views(total) if shards > 1 else self._layout.views_of_one(total)

    def _sum_alone(self, parts: Mapping[str, Sequence[Array]], order: Order) -> dict[str, Array]:
        result = {address: gradients[0] for address, gradients in parts.items()}
        sums = []
        for address, gradients in parts.items():
            if len(gradients) > 1:
                if address not in self._sums:
                    first = gradients[0]
                    self._sums[address] = aligned_empty(first.shape, first.dtype)
                result[address] = self._sums[address]
                sums.append(Sum(additions(order, len(gradients)), gradients, result[address]))
        if sums:
            self._adder.run(sums)
        return result

    def _plan(self, group: ArrayGroup, shards: int, order: Order) -> Plan:
        length = self._layout.length if shards > 1 else self._layout.full_length
        algorithm = self._algorithm or choose_algorithm(shards, group.size, order)
        owned = owned_shards(shards, group.size, order)
        return make_plan(group.rank, owned, order, algorithm, length)
