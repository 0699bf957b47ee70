"""The order of additions follows from the number of shards alone."""

import numpy as np
import pytest

from tinynet.engine.tree import Node, additions, root, subtrees, tree_additions


def value(leaves):
    """Return the sum of all leaves by the tree, computed by recursion alone."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return value(leaves[:half]) + value(leaves[half:])


def draw(count, length=3):
    return list(np.random.default_rng(count).normal(size=(count, length)))


def run(sums, parts):
    out = np.full_like(parts[0], np.nan)
    sums.run(parts, out, [np.full_like(out, np.nan) for _ in range(sums.temporaries)])
    return out


@pytest.mark.parametrize("shards", range(1, 41))
def test_the_sum_of_all_shards_is_that_of_the_tree(shards):
    leaves = draw(shards)
    sums = additions("tree", shards)
    assert run(sums, leaves).tobytes() == value(leaves).tobytes()
    assert len(sums.steps) == shards - 1
    assert sums.temporaries <= shards.bit_length()


def test_the_sequential_sum_is_that_of_earlier_versions():
    """Old runs must resume with the same bits."""
    leaves = draw(9)
    total = leaves[0].copy()
    for leaf in leaves[1:]:
        total += leaf
    assert run(additions("sequential", 9), leaves).tobytes() == total.tobytes()


@pytest.mark.parametrize("shards", [1, 2, 5, 6, 8, 13, 23])
def test_any_division_into_subtrees_gives_the_same_bits(shards):
    """Otherwise the bits would depend on the number of processes."""
    leaves = draw(shards)
    for start in range(shards + 1):
        ranges = range(start), range(start, shards)
        nodes = [node for own in ranges for node in subtrees(own, shards)]
        assert [n for node in nodes for n in node.shards(shards)] == list(range(shards))
        values = [value([leaves[n] for n in node.shards(shards)]) for node in nodes]
        total = run(tree_additions(root(shards), tuple(nodes), shards), values)
        assert total.tobytes() == value(leaves).tobytes()


def test_subtrees_are_the_largest():
    """So that a process sends few sums."""
    assert subtrees(range(6), 6) == [Node(3, 0)]
    assert subtrees(range(4, 6), 6) == [Node(2, 1)]
    assert subtrees(range(1, 6), 6) == [Node(0, 1), Node(1, 1), Node(2, 1)]
    assert subtrees(range(1, 4), 8) == [Node(0, 1), Node(1, 1)]
    assert subtrees(range(3, 3), 8) == []
