"""Suggestions for columns of runs that do not exist: near names, figures first, at most ten."""

from collections.abc import Sequence
from difflib import get_close_matches

from tinynet.commands.runs.direction import SPLITS
from tinynet.text.wording import closest, quote

_MOST = 10
"""The most names in a message."""

_SIMILAR = 0.7

_MAX_LENGTH = 60
"""The most characters of a name that is compared."""


def is_figure(name: str) -> bool:
    """Return True for a name that a figure of a split may have: ``test/loss``."""
    split, _, label = name.partition("/")
    return split in SPLITS and bool(label.strip())


def near_figures(name: str, figures: Sequence[str]) -> list[str]:
    """Return the figures of the same split that may be meant."""
    split, _, label = name.partition("/")
    labels = [f.partition("/")[2] for f in figures if f.partition("/")[0] == split]
    found = get_close_matches(label[:_MAX_LENGTH], labels, _MOST, _SIMILAR)
    return [f"{split}/{label}" for label in found]


def column_hint(name: str, ends: Sequence[str], usual: Sequence[str], names: Sequence[str]) -> str:
    """Return the end of a message about an unknown column.

    Args:
        name: The name.
        ends: The paths that end with it, where there are several.
        usual: Figures and facts.
        names: All columns.
    """
    if ends:
        return f"several end so: {_listed(ends)}"
    same = [n for n in usual if n.rpartition("/")[2].lower() == name.lower()]
    near = same or near_figures(name, usual)
    if not near and (found := closest(name, usual) or closest(name, names)):
        near = [found]
    if not near:
        lasts = {n.rpartition(".")[2]: n for n in names}
        near = [lasts[n] for n in get_close_matches(name[:_MAX_LENGTH], lasts, 3, _SIMILAR)]
    if near:
        *others, last = map(quote, near[:_MOST])
        return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    return f"available: {_listed(usual)}, and the values of the spec by their paths"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return ", ".join(quote(name)[1:-1] for name in names[:_MOST]) + more
