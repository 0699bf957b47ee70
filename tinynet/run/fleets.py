"""The choice of the fleet: the plugin that connects the processes that a launcher started."""

import os
from typing import NoReturn

from tinynet import registry
from tinynet.engine.process_group import DEFAULT_TIMEOUT, ProcessGroup
from tinynet.engine.watchdog import START, Watchdog
from tinynet.errors import PluginError
from tinynet.fleet import Fleet
from tinynet.registry import AmbiguousTypeError, UnknownTypeError
from tinynet.run.launcher import end_all, launched
from tinynet.run.options import Settings
from tinynet.text.options import option
from tinynet.text.plugin_errors import PluginErrors

NONE = "none"
"""The name that stands for no fleet: each process works by itself."""


def open_group(settings: Settings) -> ProcessGroup | None:
    """Connect the processes of this job; all of them must call this.

    Returns:
        None for one process.

    Raises:
        PluginError: if the fleet is missing or broken, if several are installed and none is chosen,
            or if it does not connect the processes that the launcher started.
    """
    timeout = settings.get("fleet_timeout", DEFAULT_TIMEOUT)
    fleet = _choose(settings.get("fleet"), launched(), timeout)
    if fleet is None or fleet.size == 1:
        return None
    return ProcessGroup(fleet, timeout)


def _choose(
    choice: str | Fleet | None, started: tuple[int, int] | None, timeout: float
) -> Fleet | None:
    if choice is not None and not isinstance(choice, str):
        return choice
    size = started[0] if started else 1
    if choice == NONE or (choice is None and size == 1):
        return None
    name = _find(choice) if choice is not None else _only_installed(size)
    cls = registry.default().load("fleets", name)
    with PluginErrors(cls, "it could not be constructed:"):
        fleet = _construct(cls, started, timeout)
    if started and fleet.size != size:
        raise PluginError(
            f"the launcher started {size} processes, but the fleet {name!r} connects"
            f" {fleet.size}: the launcher belongs to another library than the fleet. Use the"
            " mpiexec that was installed with the fleet's library, or on Slurm another type of"
            f" srun --mpi=list; {_alone()} lets each process work by itself"
        )
    return fleet


def _construct(cls: type[Fleet], started: tuple[int, int] | None, timeout: float) -> Fleet:
    """Construct a fleet, which waits until all launched processes have come this far."""
    if started is None or started[0] == 1:
        return cls()
    watchdog = Watchdog(_Launched(*started), timeout)
    watchdog.start(START)
    try:
        return cls()
    finally:
        watchdog.stop()


def _alone() -> str:
    return option("--fleet none", "fleet='none'")


class _Launched:
    """The launched processes as long as nothing connects them; the part that `Watchdog` uses."""

    def __init__(self, size: int, rank: int) -> None:
        self.size, self.rank = size, rank

    def abort(self, code: int) -> NoReturn:
        """End all processes, or at least this one."""
        end_all(code)
        os._exit(code)


def _find(name: str) -> str:
    try:
        return registry.default().find("fleets", name).qualified
    except UnknownTypeError as error:
        install = "pip install tinynet-mpi, or " if name == "mpi" else ""
        raise UnknownTypeError(
            f"{error} ({install}{_alone()}: each process works by itself)"
        ) from error


def _only_installed(size: int) -> str:
    entries = registry.default().entries("fleets")
    if not entries:
        raise PluginError(
            f"{size} processes were launched, but no fleet that connects them is installed:"
            f" pip install tinynet-mpi, or add {_alone()} to let each process work by itself"
        )
    if len(entries) > 1:
        names = [entry.qualified for entry in entries]
        forms = " or ".join(option(f"--fleet {n}", f"fleet={n!r}") for n in names)
        raise AmbiguousTypeError(f"more than one fleet is installed; add {forms}")
    return entries[0].qualified
