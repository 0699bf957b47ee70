"""The parameters that each group of an optimizer has."""

from collections.abc import Collection, Sequence

from tinynet.network.address_patterns import matching_addresses
from tinynet.spec.training_spec import OptimizerGroup

POINTER = "/training/optimizer/groups"


def group_of_each(
    groups: Sequence[OptimizerGroup] | None, addresses: Collection[str]
) -> dict[str, int]:
    """Return the index of the group of each parameter that is in one, by address.

    Args:
        groups: The groups of the spec.
        addresses: The addresses of all parameters of the network.

    Raises:
        SpecError: for a pattern that matches no parameter.
    """
    chosen: dict[str, int] = {}
    for index, members in enumerate(members_of_each(groups or (), addresses)):
        chosen |= dict.fromkeys(members, index)
    return chosen


def members_of_each(
    groups: Sequence[OptimizerGroup], addresses: Collection[str]
) -> list[frozenset[str]]:
    """Return the addresses that the patterns of each group choose; see `group_of_each`."""
    return [
        matching_addresses(addresses, group.params, f"{POINTER}/{index}/params")
        for index, group in enumerate(groups)
    ]
