"""Patterns of the addresses of parameters: ``conv2d_*/weight``."""

import json
import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from tinynet.errors import Problem, SpecError
from tinynet.text.wording import format_list, quote, suggest

_PARAMETRIZED = re.compile(r"(?:^|_)(weight_[^_]+)$")
"""The name of an array of a parametrized weight: ``weight_v``, ``recurrent_weight_v``."""


def matching_addresses(
    addresses: Collection[str], patterns: Sequence[str], pointer: str
) -> frozenset[str]:
    """Return the addresses of parameters that patterns choose.

    The last pattern that matches an address decides about it.

    Args:
        addresses: The addresses of all parameters, such as ``conv2d_1/weight``.
        patterns: Shell patterns such as ``conv2d_*/weight``; a pattern after ``!`` excludes.
        pointer: JSON pointer to the patterns in the spec.

    Raises:
        SpecError: listing every pattern that matches nothing, or excludes from nothing.
    """
    suggestions = {*addresses, *(f"{address.partition('/')[0]}/*" for address in addresses)}
    chosen: set[str] = set()
    problems = []
    for index, pattern in enumerate(patterns):
        bare = pattern.removeprefix("!")
        matched = {address for address in addresses if fnmatchcase(address, bare)}
        if not matched:
            message = f"{quote(pattern)} matches no parameter; {suggest(bare, suggestions)}"
            problems.append(Problem(message, f"{pointer}/{index}"))
        elif bare == pattern:
            chosen |= matched
        elif index:
            chosen -= matched
        else:
            message = (
                f"{quote(pattern)} excludes parameters, but none is chosen before it; begin with"
                " '*' to choose all"
            )
            problems.append(Problem(message, f"{pointer}/{index}"))
    if problems:
        raise SpecError(problems)
    return frozenset(chosen)


def chosen_weights(
    addresses: Collection[str], patterns: Sequence[str] | None, pointer: str
) -> frozenset[str]:
    """Return the addresses that patterns choose, or those of all weights without patterns.

    Args:
        addresses: The addresses of all parameters.
        patterns: Patterns of addresses, see `matching_addresses`; None for all weights.
        pointer: JSON pointer to the object of the spec that has the patterns.

    Raises:
        SpecError: for a pattern that matches nothing, or a network without weights.
    """
    if patterns is not None:
        return matching_addresses(addresses, patterns, f"{pointer}/params")
    weights = frozenset(a for a in addresses if is_weight(a.rpartition("/")[2]))
    if not weights:
        raise SpecError([Problem(_without_weights(addresses), pointer)])
    return weights


def _without_weights(addresses: Collection[str]) -> str:
    """Return the message that no address is that of a weight, with patterns of some that exist.

    Arrays that a parametrization computes a weight from come first: ``weight_v``.
    """
    names = sorted({address.rpartition("/")[2] for address in addresses})
    if not names:
        return "the network has no parameters; remove the entry"
    ends = sorted(match[1] for match in map(_PARAMETRIZED.search, names) if match)
    others = [name for name in names if name != "bias"] or names
    chosen = [name for name in names if name.endswith(ends[-1])] if ends else others[-1:]
    patterns = json.dumps([f"*/{name}" for name in chosen])
    return (
        "no parameter is called weight, or ends in _weight; name the parameters:"
        f' "params": {patterns}; the names are {format_list(names)}'
    )


def is_weight(name: str) -> bool:
    """Return True for the name of a weight in its layer: ``weight``, ``recurrent_weight``."""
    return name == "weight" or name.endswith("_weight")
