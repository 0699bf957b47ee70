"""The events of training for observers, and the request of an observer to stop a run.

``tinynet.train(spec, observer=f)`` calls ``f(event)`` with each of these objects, in the thread
that trains, between two steps. ``observer=[f, g]`` calls several, in this order. Events are plain
data, whose dicts are read-only: an observer never changes the result. An exception that an observer
raises ends the run; `StopTraining` saves it first.
"""

from tinynet.training.events import (
    BestEvaluation,
    Ended,
    Evaluated,
    Evaluating,
    Event,
    Processes,
    Profiled,
    RunEvent,
    Saved,
    Started,
    Statistics,
    StepDone,
    StoppedEarly,
    Stopping,
    StopReason,
    Transferred,
    Warned,
)

__all__ = [
    "BestEvaluation",
    "Ended",
    "Evaluated",
    "Evaluating",
    "Event",
    "Processes",
    "Profiled",
    "RunEvent",
    "Saved",
    "Started",
    "Statistics",
    "StepDone",
    "StopReason",
    "StopTraining",
    "StoppedEarly",
    "Stopping",
    "Transferred",
    "Warned",
]


class StopTraining(Exception):  # noqa: N818 - a request, not an error
    """The request of an observer to stop the run: ``raise StopTraining("accurate enough")``.

    All observers get the event, then the run is saved and `tinynet.train` returns. The run is not
    finished and can be resumed: `Run.finished` is False and `Run.stop_reason` is ``"observer"``.
    A run that ends with this very event is finished, and the request has no effect.

    Attributes:
        reason: The reason, for people; it may be empty.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
