"""Checks that a network can continue a sequence, and that single positions equal the whole."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tinynet.engine import layer_calls
from tinynet.engine.node import Node
from tinynet.errors import UsageError
from tinynet.kernels.random import derive
from tinynet.layer import Incremental
from tinynet.prediction.sequence_outputs import (
    Calls,
    WholeWindows,
    next_positions,
    takes_several_positions,
)
from tinynet.types import Array

PROBED_POSITIONS = 16
"""Positions at which layers that compute one position at a time are compared with the whole."""


def probe(count: int, steps: int) -> Array:
    """Return a window of random indices below ``count``, (1, steps)."""
    indices: Array = derive("probe", count, steps).integers(count, size=(1, steps))
    return indices


def require_causal(whole: WholeWindows, count: int) -> None:
    """Require that the output at a position depends on no later one; indices are below ``count``.

    Raises:
        UsageError: naming the first node that looks at later positions.
    """
    # Several starts of the later positions: layers that work on blocks of positions may look ahead
    # within a block, and nowhere else.
    half = whole.steps // 2
    starts = sorted({1, 2, 3, half, half + 1, whole.steps - 1} & set(range(1, whole.steps)))
    windows = np.repeat(probe(count, whole.steps), 1 + len(starts), axis=0)
    for row, start in enumerate(starts, 1):
        windows[row, start:] = (windows[row, start:] + 1) % count
    values = whole.compute(windows)

    def looks_ahead(y: Array) -> bool:
        changed = enumerate(starts, 1)
        return not all(_equal(y[:1, :start], y[row : row + 1, :start]) for row, start in changed)

    if not looks_ahead(values[whole.value]):
        return
    for node in whole.nodes:
        for name in node.values:
            has_positions = values[name].shape[1:2] == (whole.steps,)
            if name not in node.final_values and has_positions and looks_ahead(values[name]):
                raise UsageError(
                    f"text cannot be generated, because {node.name} ({node.type}) computes a"
                    " position from later ones, which do not exist yet; train a network whose"
                    ' layers are causal, such as multi_head_attention with "causal": true'
                )
    raise UsageError(
        "text cannot be generated, because the output at a position depends on later positions"
    )


def unequal_nodes(whole: WholeWindows, nodes: Sequence[Node], count: int) -> dict[str, str]:
    """Return the nodes that compute something else for single positions, each with the reason.

    Args:
        whole: The outputs of whole windows.
        nodes: The same nodes for single positions.
        count: Indices are below it.
    """
    values = whole.compute(probe(count, whole.steps))
    problems = {}
    for node in nodes:
        inputs = [values[source] for source in node.inputs]
        expected = [values[name] for name in node.values]
        if isinstance(node.layer, Incremental):
            reason = "its forward_next does not compute the same as its forward"
            pairs = _in_parts(node, whole, inputs, expected)
        else:
            reason = "it looks across positions"
            pairs = _at_once(node, whole, inputs, expected)
        if not all(_equal(actual, right) for actual, right in pairs):
            problems[node.name] = reason
    return problems


Pairs = Iterator[tuple[Array, Array]]


def _at_once(
    node: Node, whole: WholeWindows, inputs: Sequence[Array], expected: Sequence[Array]
) -> Pairs:
    """Yield outputs of a layer for single positions, and those of the whole sequence."""
    ((_, ctx),) = Calls([node], whole.program.kernels).begin()
    yield from zip(next_positions(node, ctx, {}, 0, inputs), expected, strict=True)


def _in_parts(
    node: Node, whole: WholeWindows, inputs: Sequence[Array], expected: Sequence[Array]
) -> Pairs:
    """Yield outputs of an incremental layer for parts of the sequence, and those of the whole."""
    calls = Calls([node], whole.program.kernels)
    caches = {node.name: layer_calls.start_cache(node, 1, whole.steps)}
    for start, stop in pairwise(_ends_of_parts(whole.steps, takes_several_positions(node))):
        ((_, ctx),) = calls.begin()
        here = slice(start, stop)
        outputs = next_positions(node, ctx, caches, start, [x[:, here] for x in inputs])
        for actual, right in zip(outputs, expected, strict=True):
            yield actual, right[:, here]


def _ends_of_parts(steps: int, several: bool) -> list[int]:
    """Return the ends of single positions, the first of them or, with ``several``, amid longer."""
    first = steps // 3 if several else 0
    last = min(first + PROBED_POSITIONS, steps)
    return sorted({0, *range(first, last + 1), *([steps] if several else [])})


def _equal(first: Array, second: Array) -> bool:
    """Return True if arrays differ by no more than rounding errors."""
    tolerance = np.sqrt(np.finfo(first.dtype).eps)
    largest = max(float(np.abs(second).max(initial=0)), 1e-3)
    return bool(np.allclose(first, second, rtol=0, atol=tolerance * largest, equal_nan=True))
