"""What nodes are called that the spec gives no name."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tinynet.text.document import MAX_KEY, MAX_LENGTH


@dataclass(frozen=True)
class DeclaredName:
    """What a node's name follows from.

    Attributes:
        kind: The layer's type, or the block; empty where the node shares another's layer.
        given: The name that the spec gives it, or None.
        repeat: How many nodes it stands for, or None where the spec does not say.
    """

    kind: str
    given: str | None = None
    repeat: int | None = None


_ORDINAL = re.compile(r".+_[0-9]+")


def is_position(name: str, kind: str) -> bool:
    """Whether a node's name says no more than where the node stands.

    Args:
        name: The name; of a node that comes from a block, after the block's uses.
        kind: The layer's type; empty where it shares another's.
    """
    *uses, last = name.split(".")
    short = kind.rpartition(":")[2] or "shared"
    own = last.removeprefix(f"{short}_")
    return (own != last and own.isdecimal()) or any(map(_ORDINAL.fullmatch, uses))


def names(nodes: Iterable[DeclaredName]) -> list[tuple[str, ...]]:
    """The names of each: the given one, or its kind and ordinal: ``conv2d_1``, ``conv2d_2``.

    A node that is repeated has a name for each time: ``stage_1``, ``stage_2`` where ``stage`` is
    given. Named nodes count, so that a name given to one changes no other's.

    There is a name for one node more than a network can have, but for no others, and what is too
    long for a name is cut.
    """
    count: Counter[str] = Counter()
    left = MAX_LENGTH + 1
    found = []
    for node in nodes:
        short = node.kind[-MAX_KEY:].rpartition(":")[2] or "shared"
        given = None if node.given is None else node.given[:MAX_KEY]
        own = []
        for time in range(1, min(node.repeat or 1, left) + 1):
            count[short] += 1
            if given is None:
                own.append(f"{short}_{count[short]}")
            else:
                own.append(given if node.repeat is None else f"{given}_{time}")
        left -= len(own)
        found.append(tuple(own))
    return found
