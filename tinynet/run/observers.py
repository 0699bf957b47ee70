"""The observers of one run, and their request to stop it."""

from tinynet.events import StopTraining
from tinynet.run.options import Observer
from tinynet.training.events import RunEvent


class StoppableObserver:
    """An observer that records `StopTraining`, so that the run ends between two steps.

    Attributes:
        stop: The first request to stop; None without one.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.stop: StopTraining | None = None

    def __call__(self, event: RunEvent) -> None:
        """Call the observer."""
        try:
            self._observer(event)
        except StopTraining as stop:
            self.stop = stop if self.stop is None else self.stop
