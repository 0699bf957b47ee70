"""Messages between the processes that train together, besides arrays of the engine.

A request, such as that of a signal, reaches all of them with the results of the next step or of the
next batches of an evaluation. A step in which they agree to stop changes nothing, so that all have
the state in which the request was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tinynet.engine.process_group import ProcessGroup

T = TypeVar("T")


@dataclass(frozen=True)
class Requests:
    """The requests of a process, or those that all processes agree on.

    Attributes:
        signal: The number of a signal that a process received; the run is saved, and stops.
        stop: True if an observer stops the run.
        save: True to save the run after the step.
    """

    signal: int | None = None
    stop: bool = False
    save: bool = False

    @property
    def ends(self) -> bool:
        """True if the run stops."""
        return self.signal is not None or self.stop

    @classmethod
    def merged(cls, requests: Sequence["Requests"]) -> "Requests":
        """Return the requests of several processes together; of several signals the first."""
        signals = [one.signal for one in requests if one.signal is not None]
        return cls(
            signals[0] if signals else None,
            any(one.stop for one in requests),
            any(one.save for one in requests),
        )


class Abandoned(Exception):  # noqa: N818 (the step or evaluation is abandoned; nothing failed)
    """All processes agreed to stop; the step or the evaluation has changed nothing."""


class Exchange:
    """The requests of this process, and what it agreed on with the others.

    Attributes:
        group: The processes that train together; None for one process.
        agreed: The requests that all processes know since the last step or evaluation.
    """

    def __init__(self, group: ProcessGroup | None = None) -> None:
        """Start without requests."""
        self.group = group
        self.agreed = Requests()
        self._own = Requests()

    def request(self, requests: Requests) -> None:
        """Add to the requests of this process."""
        self._own = Requests.merged([self._own, requests])

    def gather(self, item: T) -> list[T]:
        """Return the items of all processes, in order, and agree on their requests.

        Raises:
            Abandoned: if they agree to stop.
        """
        if self.group is None:
            return [item]
        # None is sent and read faster, in nearly every step.
        own = None if self._own == Requests() else self._own
        gathered = self.group.gather((item, own))
        self._agree([requests for _, requests in gathered if requests is not None])
        return [of_process for of_process, _ in gathered]

    def begin(self) -> None:
        """Agree on the requests before a step of a single process.

        Raises:
            Abandoned: if this process stops.
        """
        if self.group is None:
            self._agree([self._own])

    def _agree(self, requests: Sequence[Requests]) -> None:
        self.agreed, self._own = Requests.merged(requests), Requests()
        if self.agreed.ends:
            raise Abandoned
