"""The base of metrics whose state is a sum."""

from tinynet.metric import State


def add(state: State, other: State) -> None:
    """Add each array of ``other`` to its namesake in ``state``, in place."""
    for name, value in other.items():
        state[name] += value
