"""The base of metrics whose state is sums."""

from typing import ClassVar

from tinynet.metric import MetricConfig, State


class Sums:
    """A metric whose state is arrays of sums, so that the states of two parts are added."""

    Config: ClassVar[type[MetricConfig]] = MetricConfig

    def __init__(self, config: MetricConfig) -> None:
        """Take a config that has no fields."""

    def merge(self, state: State, other: State) -> None:
        for name, value in other.items():
            state[name] += value
