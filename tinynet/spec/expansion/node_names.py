"""The names of nodes."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tinynet.text.document import MAX_KEY, MAX_LENGTH


@dataclass(frozen=True)
class DeclaredName:
    """The fields that determine a node's name.

    Attributes:
        kind: The layer's type, or the block; empty where the node shares another's layer.
        name: The name in the spec, or None.
        repeat: The number of repeats in the spec, or None.
    """

    kind: str
    name: str | None = None
    repeat: int | None = None


_ORDINAL = re.compile(r".+_[0-9]+")


def is_position(name: str, kind: str) -> bool:
    """Return True if a node's name depends on its position alone.

    Args:
        name: The name; for a node of a block with the uses before it.
        kind: The layer's type; empty where it shares another's.
    """
    *uses, last = name.split(".")
    short = kind.rpartition(":")[2] or "shared"
    own = last.removeprefix(f"{short}_")
    return (own != last and own.isdecimal()) or any(map(_ORDINAL.fullmatch, uses))


def names(nodes: Iterable[DeclaredName]) -> list[tuple[str, ...]]:
    """Return the names of each node: the declared one, or kind and ordinal: ``conv2d_1``.

    A repeated node has several names: ``stage_1``, ``stage_2`` where ``stage`` is declared. Named
    nodes count, so that naming a node does not rename the others.

    At most one name more than a network can have nodes is returned, and long names are cut.
    """
    count: Counter[str] = Counter()
    left = MAX_LENGTH + 1
    result = []
    for node in nodes:
        short = node.kind[-MAX_KEY:].rpartition(":")[2] or "shared"
        declared = None if node.name is None else node.name[:MAX_KEY]
        own = []
        for time in range(1, min(node.repeat or 1, left) + 1):
            count[short] += 1
            if declared is None:
                own.append(f"{short}_{count[short]}")
            else:
                own.append(declared if node.repeat is None else f"{declared}_{time}")
        left -= len(own)
        result.append(tuple(own))
    return result
