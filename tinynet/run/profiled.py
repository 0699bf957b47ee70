"""The profile of a run: its files in the run folder, and the event for observers."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tinynet.errors import CheckpointError
from tinynet.profiling.profile import NAME, TRACE_NAME, Profile
from tinynet.profiling.profiler import DEFAULT_STEPS, WARM_UP, Profiler
from tinynet.profiling.summary import profile_of
from tinynet.profiling.trace import write_trace
from tinynet.run.interrupts import Interrupted
from tinynet.run.joined_session import JoinedSession
from tinynet.run.options import Settings
from tinynet.run.session import Session
from tinynet.text.wording import path_text
from tinynet.training.events import Profiled, Warned


@contextmanager
def profiled(session: Session | JoinedSession, settings: Settings) -> Iterator[None]:
    """Profile the steps that a session makes within the context.

    The first process writes the files as soon as the steps are recorded. An error in that is a
    warning, since the run itself is intact. At the end it tells the observers.

    Args:
        session: The session.
        settings: The settings, with a ``profile``.
    """
    chosen = settings.get("profile")
    steps = DEFAULT_STEPS if chosen is True or chosen is None else int(chosen)
    profiler = Profiler(session.trainer, steps, session)
    if isinstance(session, Session):
        profiler.on_complete = partial(_write, session, profiler)
    ended = False
    try:
        with profiler.active():
            yield
        ended = True
    except (Interrupted, KeyboardInterrupt):
        ended = True
        raise
    finally:
        profiler.complete()
        if isinstance(session, Session):
            _report(session, profiler, ended=ended)


def _write(session: Session, profiler: Profiler) -> Profile | None:
    """Write the trace and the profile; return the profile, None if no step was recorded."""
    profile, folder = profile_of(profiler), session.folder.path
    if profile is not None:
        try:
            write_trace(folder / TRACE_NAME, path_text(folder), profiler.recordings)
            profile.write(folder / NAME)
        except CheckpointError as error:
            session.tell(Warned(f"the profile is not saved: {error}"))
    return profile


def _report(session: Session, profiler: Profiler, *, ended: bool) -> None:
    """Update the profile to the end of the run, and tell the observers."""
    folder, profile = session.folder.path, profile_of(profiler)
    if profile is None:
        if ended and profiler.steps.count:
            session.tell(
                Warned(
                    f"no step was profiled: this process made {profiler.steps.count:,}, and the"
                    f" first {WARM_UP} are left out; train for more steps, or with a smaller"
                    " batch_size"
                )
            )
        return
    path, trace = folder / NAME, folder / TRACE_NAME
    try:
        profile.write(path)
    except CheckpointError as error:
        session.tell(Warned(f"the profile is not saved: {error}"))
    session.tell(Profiled(profile, path, trace))
