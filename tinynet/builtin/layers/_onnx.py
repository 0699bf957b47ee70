"""Attributes of ONNX operators that several layers need."""

from collections.abc import Sequence
from itertools import chain

from tinynet.builtin.layers._sides import Pair


def pads(sides: Sequence[Pair]) -> list[int]:
    """Return the padding (before, after) of each axis as ONNX has it: all before, all after."""
    return list(chain(*zip(*sides, strict=True)))
