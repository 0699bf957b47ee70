"""A process that trains a run together with the first one, which logs and saves."""

from contextlib import closing
from dataclasses import dataclass, field

from tinynet.run.interrupts import Interrupted, recorded_signals
from tinynet.run.locating import locating_errors
from tinynet.run.same_state import require_same_state
from tinynet.run.save_policy import SavePolicy
from tinynet.training.events import Stopping
from tinynet.training.exchange import Requests
from tinynet.training.trainer import Trainer


@dataclass(eq=False)
class JoinedSession:
    """A process that trains a run together with the first one; see `Session`.

    It computes the same steps, and decides the same at the same time, but touches no file of the
    run. At every save its state is compared with that of the others.

    Attributes:
        trainer: The trainer, before its next step.
        is_new: True for a new run, False for a resumed one.
    """

    trainer: Trainer
    is_new: bool
    _stopped: Requests = field(default_factory=Requests, init=False)

    def train(self) -> None:
        """Train to the end, or until the processes agree to stop.

        Raises:
            Interrupted: after a signal to any process; the run is saved.
            PeerFailure: if another process fails.
        """
        trainer, group = self.trainer, self.trainer.group
        assert group is not None
        if not self.is_new and trainer.finished:
            return
        with (
            locating_errors(trainer.spec),
            recorded_signals() as interrupts,
            closing(trainer.run()) as events,
        ):
            if group.share():
                require_same_state(trainer)
            policy = SavePolicy(trainer)
            for event in events:
                if isinstance(event, Stopping):
                    self._stopped = event.requests
                    break
                if policy.due(event):
                    require_same_state(trainer)
                if interrupts.received is not None and not trainer.finished:
                    trainer.request(Requests(signal=interrupts.received))
            if self._stopped.ends:
                require_same_state(trainer)
            if self._stopped.signal is not None:
                raise Interrupted(group.share(), self._stopped.signal)
