"""The sum of gradients has the bits of the plain sum, for any number of processes and threads."""

from collections import Counter

import numpy as np
import pytest

from tests.engine.test_tree import value
from tinynet.engine import adder
from tinynet.engine.gradient_sum import GradientSum, choose_algorithm, owned_shards
from tinynet.engine.halving import most_swaps, swaps
from tinynet.engine.threads import ThreadPool
from tinynet.engine.tree import subtrees
from tinynet.testing.fleets import in_threads

ORDERS = ("sequential", "tree")


def reference(leaves, order):
    if order == "tree":
        return value(leaves)
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    return total


def draw_shapes(rng):
    """Draw shapes of up to five parameters, small ones and empty ones among them."""
    count = rng.integers(1, 6)
    return {
        f"layer_{i}/weight": tuple(map(int, rng.integers(0 if rng.random() < 0.1 else 1, 9, ndim)))
        for i, ndim in enumerate(rng.integers(0, 4, count))
    }


def draw_gradients(rng, shapes, shards, dtype):
    """Draw gradients with values of very different size, some in another order of memory."""
    parts = {}
    for address, shape in shapes.items():
        draws = [
            np.asarray(rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4), dtype)
            for _ in range(shards)
        ]
        if rng.random() < 0.3:
            draws = [draw.T.copy().T for draw in draws]
        parts[address] = draws
    return parts


def sum_in_processes(size, shapes, parts, shards, order, algorithm=None, threads=1):
    """Return the sums in all processes, each after several calls."""
    dtype = next(iter(parts.values()))[0].dtype

    def work(fleet):
        sums = GradientSum(shapes, dtype, ThreadPool(threads), fleet, algorithm)
        own = owned_shards(shards, size, order)[fleet.rank]
        for _ in range(2):
            result = sums.sum(
                {a: g[own.start : own.stop] for a, g in parts.items()}, own, shards, order
            )
        return result

    return in_threads(size, work)


def require_equal(results, parts, shards, order):
    for result in results:
        assert list(result) == list(parts)
        for address, gradients in parts.items():
            expected = reference(gradients, order)
            assert result[address].shape == expected.shape
            assert result[address].dtype == expected.dtype
            assert result[address].tobytes() == expected.tobytes()
            if shards == 1:
                assert result[address].tobytes("A") == gradients[0].tobytes("A")
            else:
                assert result[address].flags.c_contiguous


def draw_shards_for_halving(rng, size):
    """Draw a number of shards of which each process can own one node of the tree, or nothing."""
    possible = [n for n in range(1, 41) if nodes_per_process(n, size) == 1]
    return int(rng.choice(possible))


def nodes_per_process(shards, size):
    return max(len(subtrees(own, shards)) for own in owned_shards(shards, size, "tree"))


@pytest.mark.parametrize("algorithm", ["direct", "halving", None])
@pytest.mark.parametrize("seed", range(16))
def test_any_number_of_processes_adds_by_the_tree(seed, algorithm):
    rng = np.random.default_rng([seed, 1])
    size, shards = int(rng.integers(2, 18)), int(rng.integers(1, 41))
    if algorithm == "halving":
        shards = draw_shards_for_halving(rng, size)
    shapes = draw_shapes(rng)
    parts = draw_gradients(rng, shapes, shards, rng.choice(["float32", "float64"]))
    results = sum_in_processes(size, shapes, parts, shards, "tree", algorithm)
    require_equal(results, parts, shards, "tree")


@pytest.mark.parametrize("seed", range(16))
def test_any_number_of_processes_keeps_the_order_of_old_runs(seed):
    rng = np.random.default_rng([seed, 2])
    size, shards = int(rng.integers(2, 18)), int(rng.integers(1, 41))
    shapes = draw_shapes(rng)
    parts = draw_gradients(rng, shapes, shards, rng.choice(["float32", "float64"]))
    results = sum_in_processes(size, shapes, parts, shards, "sequential")
    require_equal(results, parts, shards, "sequential")


@pytest.mark.parametrize("algorithm", ["direct", "halving"])
@pytest.mark.parametrize(("size", "shards"), [(2, 1), (7, 1), (9, 5), (16, 3), (17, 17)])
def test_processes_without_shards_get_the_sums(size, shards, algorithm):
    """More processes than shards are a waste, but no error."""
    rng = np.random.default_rng(size)
    shapes = {"a": (2, 3), "b": (4,)}
    parts = draw_gradients(rng, shapes, shards, "float64")
    results = sum_in_processes(size, shapes, parts, shards, "tree", algorithm)
    require_equal(results, parts, shards, "tree")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 3, 8])
def test_pieces_and_threads_change_no_bits(size, order, monkeypatch):
    """Large gradients are cut to fit the cache, and threads share the pieces."""
    monkeypatch.setattr(adder, "PIECE", 5)
    monkeypatch.setattr(adder, "LARGE_SUMS", 100)
    rng = np.random.default_rng(size)
    shapes = {"a": (7, 9), "b": (2,), "c": (), "d": (4, 3, 2)}
    parts = draw_gradients(rng, shapes, 11, "float32")
    parts["a"] = [gradient.T.copy().T for gradient in parts["a"]]
    results = sum_in_processes(size, shapes, parts, 11, order, threads=3)
    require_equal(results, parts, 11, order)


def test_numbers_of_shards_alternate():
    """The last batch of an epoch is shorter; its plan must not disturb the others."""
    rng = np.random.default_rng(0)
    shapes = {"a": (3, 5), "b": (2,)}
    draws = {shards: draw_gradients(rng, shapes, shards, "float32") for shards in (8, 3, 1)}

    def work(fleet):
        sums = GradientSum(shapes, "float32", ThreadPool(1), fleet)
        for shards in (8, 3, 1, 8, 1, 3):
            own = owned_shards(shards, 4, "tree")[fleet.rank]
            parts = {a: g[own.start : own.stop] for a, g in draws[shards].items()}
            require_equal([sums.sum(parts, own, shards, "tree")], draws[shards], shards, "tree")

    in_threads(4, work)


def test_the_gradient_of_one_shard_is_not_copied():
    """A small network in one process must not lose time."""
    sums = GradientSum({"a": (2, 3)}, "float32", ThreadPool(1))
    gradient = np.ones((3, 2), "float32").T
    assert sums.sum({"a": [gradient]}, range(1), 1, "sequential")["a"] is gradient


def test_one_process_passes_on_the_only_gradient_of_a_whole_batch():
    """Layers that run on the whole batch have one gradient, however many shards there are."""
    sums = GradientSum({"a": (2,)}, "float32", ThreadPool(1))
    parts = {"a": [np.ones(2, "float32")] * 3, "whole": [np.full(1, 7, "float32")]}
    result = sums.sum(parts, range(3), 3, "tree")
    assert result["a"].tolist() == [3, 3]
    assert result["whole"].tolist() == [7]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_memory_is_used_again(size):
    """A step of training allocates nothing large."""
    parts = {"a": np.ones((size, 9), "float32")}

    def work(fleet):
        sums = GradientSum({"a": (9,)}, "float32", ThreadPool(1), fleet)
        own = owned_shards(size, size, "tree")[fleet.rank]
        mine = {"a": [*parts["a"][own.start : own.stop]] * (2 if size == 1 else 1)}
        first, second = [sums.sum(mine, own, size, "tree")["a"] for _ in range(2)]
        return np.shares_memory(first, second)

    assert all(in_threads(size, work))


# Ownership, and the choice of the algorithm ---------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_shards_are_dealt_out_evenly(order):
    for shards in range(1, 41):
        for size in range(1, 18):
            owned = owned_shards(shards, size, order)
            assert [n for own in owned for n in own] == list(range(shards))
            assert len(owned) == size
            assert 0 in owned[0], "process 0 computes the layers of the whole batch, too"
            assert max(map(len, owned)) == -(-shards // size), (shards, size)


def test_processes_own_whole_nodes_where_that_is_as_even():
    """So that each sends one sum."""
    assert owned_shards(6, 4, "tree") == [range(2), range(2, 4), range(4, 6), range(6, 6)]
    assert owned_shards(6, 4, "sequential") == [range(1), range(1, 3), range(3, 4), range(4, 6)]
    assert nodes_per_process(64, 16) == nodes_per_process(48, 6) == 1
    assert nodes_per_process(12, 4) > 1, "whole nodes would give 4 shards to three processes"


def test_halving_is_chosen_for_few_messages_and_a_node_for_each_process():
    assert choose_algorithm(2, 2, "tree") == "halving"
    assert choose_algorithm(8, 8, "tree") == "halving"
    assert choose_algorithm(64, 16, "tree") == "halving"
    assert choose_algorithm(12, 12, "tree") == "halving"
    assert choose_algorithm(8, 8, "sequential") == "direct"
    assert choose_algorithm(3, 3, "tree") == "direct", "process 2 would swap with both others"
    assert choose_algorithm(24, 8, "tree") == "direct", "whole nodes would be less even"
    assert choose_algorithm(9, 9, "tree") == "direct", "process 8 would swap with all others"


class Counting:
    """A fleet that counts the calls of one process."""

    def __init__(self, fleet):
        self.rank, self.size, self._fleet = fleet.rank, fleet.size, fleet
        self.calls, self.elements = Counter(), 0

    def swap(self, peer, send, receive):
        self.calls["swap"] += 1
        self.elements += len(send)
        self._fleet.swap(peer, send, receive)

    def all_to_all(self, send, sent, receive, received):
        self.calls["all_to_all"] += 1
        self._fleet.all_to_all(send, sent, receive, received)

    def all_gather_array(self, mine, whole, counts):
        self.calls["all_gather_array"] += 1
        self._fleet.all_gather_array(mine, whole, counts)


def count(size, algorithm, length):
    def work(fleet):
        counting = Counting(fleet)
        sums = GradientSum({"a": (length,)}, "float32", ThreadPool(1), counting, algorithm)
        own = range(fleet.rank, fleet.rank + 1)
        sums.sum({"a": [np.ones(length, "float32")]}, own, size, "tree")
        return counting

    return in_threads(size, work)


@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_the_number_of_messages_of_halving_is_logarithmic(size):
    length = 64
    for counting in count(size, "halving", length):
        assert counting.calls == {"swap": 2 * (size.bit_length() - 1)}
        assert counting.elements == 2 * (length - length // size), "no process sends more"


def test_direct_makes_two_calls():
    for counting in count(3, "direct", 10):
        assert counting.calls == {"all_to_all": 1, "all_gather_array": 1}


@pytest.mark.parametrize("size", [1, 2, 3, 6, 11, 16, 33, 48, 100])
def test_swaps_of_halving_match(size):
    """Otherwise processes would wait for each other for ever."""
    schedules = [swaps(rank, size, 1000) for rank in range(size)]
    waiting = [list(schedule) for schedule in schedules]
    ready = list(range(size))
    while ready:
        rank = ready.pop()
        if not waiting[rank]:
            continue
        mine = waiting[rank][0]
        theirs = waiting[mine.peer][0] if waiting[mine.peer] else None
        if theirs and theirs.peer == rank:
            assert (mine.keep, mine.give) == (theirs.give, theirs.keep)
            assert (mine.block, mine.other_block) == (theirs.other_block, theirs.block)
            del waiting[rank][0], waiting[mine.peer][0]
            ready += [rank, mine.peer]
    assert not any(waiting)
    assert max(map(len, schedules)) == most_swaps(size)


def test_the_number_of_swaps_stays_small_for_most_numbers_of_processes():
    assert [most_swaps(1 << level) for level in range(8)] == list(range(8))
    assert [most_swaps(size) for size in (3, 6, 12, 24, 48, 96)] == [2, 3, 4, 5, 6, 7]
