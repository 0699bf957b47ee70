"""The end of a run in several processes: all of them end, or fail, together."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import PeerFailure
from tinynet.run.arguments import check_arguments
from tinynet.run.fleets import open_group
from tinynet.run.interrupts import Interrupted
from tinynet.run.launcher import launched
from tinynet.run.options import Settings
from tinynet.run.same_call import require_same_call

FIRST_SPEAKS = 5.0
"""Seconds before another process than the first reports that it cannot join.

If the first one fails alike, then the launcher ends all processes, and there is one message: MPICH
at once, Open MPI 1 to 2 seconds later.
"""


class JoinFailure(PeerFailure):
    """A launched process that failed before it reached the others, which do not know of it."""


@contextmanager
def processes(
    function: str, settings: Settings, arguments: Mapping[str, Any]
) -> Iterator[ProcessGroup | None]:
    """Open the group of the launched processes; None for one process.

    The block ends in every process when it has ended in all of them. An exception in one of them
    ends all, each by the same `PeerFailure`. A signal that all have agreed on is raised as it is;
    any other interrupt ends the job.

    Args:
        function: The name of the called function, for messages.
        settings: Its settings.
        arguments: Its arguments by name, which must be the same in all processes, except those that
            belong to a machine; see `same_call`.

    Raises:
        UsageError: for settings of the group that cannot be used, and if the processes call
            different functions, or with different arguments.
        JoinFailure: if the group cannot be opened in this one of several launched processes.
    """
    own = {name: value for name, value in settings.items() if name in ("fleet", "fleet_timeout")}
    check_arguments(function, {"settings": own})
    group = _opened(settings)
    if group is None:
        yield None
        return
    agreed: Interrupted | None = None
    try:
        require_same_call(group, function, arguments)
        try:
            yield group
        except Interrupted as interrupt:
            agreed = interrupt
        # This may raise the error of another process: the first one may fail to save, for example.
        group.gather(None)
    except BaseException as error:
        group.fail(error)
    if agreed is not None:
        raise agreed


def _opened(settings: Settings) -> ProcessGroup | None:
    try:
        return open_group(settings)
    except PeerFailure:
        raise
    except Exception as error:
        place = launched()
        size, rank = place if place is not None else (1, 0)
        if size == 1:
            raise
        if rank:
            time.sleep(FIRST_SPEAKS)
        raise JoinFailure(rank, size, socket.gethostname(), error) from error
