"""The profile of a run: its files in the run folder, and the event for observers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tinynet.errors import CheckpointError
from tinynet.profiling.profile import NAME, TRACE_NAME, Profile
from tinynet.profiling.profiler import DEFAULT_STEPS, Profiler
from tinynet.profiling.summary import profile_of
from tinynet.profiling.trace import write_trace
from tinynet.run.interrupts import Interrupted
from tinynet.run.joined_session import JoinedSession
from tinynet.run.options import Settings
from tinynet.run.session import Session
from tinynet.text.wording import path_text
from tinynet.training.events import Profiled, Warned


@contextmanager
def profiled(session: Session | JoinedSession, settings: Settings) -> Iterator[Sequence[Profile]]:
    """Profile the steps that a session makes within the context.

    The first process writes the files as soon as the steps are recorded. An error in that is a
    warning, since the run itself is intact. At the end it tells the observers.

    Args:
        session: The session.
        settings: The settings, with a ``profile``.

    Yields:
        A sequence that has the profile after the context, in the first process, unless no step was
        recorded.
    """
    chosen = settings.get("profile")
    steps = DEFAULT_STEPS if chosen is True or chosen is None else int(chosen)
    profiler, profiles = Profiler(session.trainer, steps, session), list[Profile]()
    files = None
    if isinstance(session, Session):
        files = _Files(session, profiler)
        profiler.on_complete = files.write
    ended = False
    try:
        with profiler.active():
            yield profiles
        ended = True
    except (Interrupted, KeyboardInterrupt):
        ended = True
        raise
    finally:
        profiler.complete()
        if files is not None:
            profiles += files.report(ended=ended)


class _Files:
    """The files of a profile in a run folder."""

    def __init__(self, session: Session, profiler: Profiler) -> None:
        self._session, self._profiler = session, profiler
        self._path, self._trace = (session.folder.path / name for name in (NAME, TRACE_NAME))
        self._failed = False

    def write(self) -> None:
        """Write the recorded steps, if there are any."""
        profile, recordings = profile_of(self._profiler), self._profiler.recordings
        if profile is not None:
            name = path_text(self._session.folder.path)
            self._try(partial(write_trace, self._trace, name, recordings))
            self._try(partial(profile.write, self._path))

    def report(self, *, ended: bool) -> list[Profile]:
        """Update the profile to the end of the run, tell the observers, and return it.

        Args:
            ended: True unless an error ended the run.
        """
        profile, steps = profile_of(self._profiler), self._profiler.steps.count
        if profile is None:
            if ended and steps:
                self._warn(
                    f"no step was profiled: this process made {steps:,}, and the first"
                    f" {self._profiler.left_out} are left out; train for more steps, or with a"
                    " smaller batch_size"
                )
            return []
        self._try(partial(profile.write, self._path))
        paths = (None, None) if self._failed else (self._path, self._trace)
        self._session.tell(Profiled(profile, *paths))
        return [profile]

    def _try(self, write: Callable[[], None]) -> None:
        """Write a file, unless an earlier one could not be written."""
        if self._failed:
            return
        try:
            write()
        except CheckpointError as error:
            self._failed = True
            self._warn(f"the profile is not saved: {error}")

    def _warn(self, message: str) -> None:
        self._session.tell(Warned(message))
