"""Patterns of the addresses of parameters: ``conv2d_*/weight``."""

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from tinynet.errors import Problem, SpecError
from tinynet.text.wording import quote, suggest


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
        message = (
            "no parameter is called weight, or ends in _weight; name the parameters:"
            ' "params": ["*/gamma"]'
        )
        raise SpecError([Problem(message, pointer)])
    return weights


def is_weight(name: str) -> bool:
    """Return True for the name of a weight in its layer: ``weight``, ``recurrent_weight``."""
    return name == "weight" or name.endswith("_weight")
