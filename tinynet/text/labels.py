"""Names of categories and classes: one spelling of whole numbers, and look-up in any spelling.

A reader of tables with types writes the integer 1 as ``1``; in a text file it may be ``1.0``.
"""

import math
import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII
)
"""A number without leading zeros; with some, it is an identifier."""

_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,14})\.0*", re.ASCII)

_BOOLEANS = {"True", "False"}
_BITS = {"1": "True", "0": "False"}


def label_key(label: str) -> str:
    """Return the usual spelling of a number or boolean: ``1`` for ``1.0``, ``True`` for ``TRUE``.

    Numbers with leading zeros, and all other texts, are returned as they are.
    """
    if _NUMBER.fullmatch(label):
        number = float(label)
        if math.isfinite(number) and abs(number) < 1e15:
            return str(int(number)) if number.is_integer() else repr(number)
    title = label.title()
    return title if title in _BOOLEANS else label


def whole_numbers(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels with whole numbers spelled as integers, if all are numbers.

    Other numbers stay as they are: ``1.10`` may be a version.
    """
    if not all(map(_NUMBER.fullmatch, labels)):
        return tuple(labels)
    return tuple(label_key(label) if _WHOLE.fullmatch(label) else label for label in labels)


class LabelIndex:
    """The positions of labels, which may be looked up in another spelling.

    An exact match is preferred. Where the labels are ``True`` and ``False``, ``1`` and ``0`` stand
    for them, and the other way round.
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self._exact = {label: position for position, label in enumerate(labels)}
        self._keys: dict[str, int] = {}
        for label, position in self._exact.items():
            self._keys.setdefault(label_key(label), position)
        known = {*self._keys}
        for bit, boolean in _BITS.items():
            if known <= _BOOLEANS and boolean in known:
                self._keys[bit] = self._keys[boolean]
            elif known <= {*_BITS} and bit in known:
                self._keys[boolean] = self._keys[bit]

    def __contains__(self, label: str) -> bool:
        return self.get(label, -1) >= 0

    def get(self, label: str, default: int) -> int:
        """Return the position of a label, or a default."""
        if label in self._exact:
            return self._exact[label]
        return self._keys.get(label_key(label), default)
