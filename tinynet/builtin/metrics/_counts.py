"""What metrics share whose state is sums."""

from tinynet.metric import State


def add(state: State, other: State) -> None:
    """Add each array of ``other`` to its namesake in ``state``, in place."""
    for name, value in other.items():
        state[name] += value
