"""Training speed in samples per second."""

import time
from collections import deque
from collections.abc import Callable

from tinynet.training.events import RunEvent, StepDone

WINDOW = 50
"""Steps over which the samples/s and the loss of the bar are averaged."""


class Speed:
    """Training speed in samples per second, without the time of evaluating and saving."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last = clock, clock()
        self._steps: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._samples, self._seconds = 0, 0.0

    def note(self, event: RunEvent) -> float:
        """Measure the time since the last event; return the clock."""
        now = self._clock()
        if isinstance(event, StepDone):
            self._steps.append((event.samples, now - self._last))
            self._samples += event.samples
            self._seconds += now - self._last
        self._last = now
        return now

    @property
    def recent(self) -> str:
        """The speed of the last steps."""
        samples, seconds = map(sum, zip(*self._steps, strict=True))
        return _rate(samples, seconds)

    def take_epoch(self) -> str:
        """Return the speed since the last call."""
        rate = _rate(self._samples, self._seconds)
        self._samples, self._seconds = 0, 0.0
        return rate


def _rate(samples: float, seconds: float) -> str:
    return f"{samples / seconds:,.0f}" if seconds > 0 else "-"
