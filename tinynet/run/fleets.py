"""The choice of the fleet: the plugin that connects the processes that a launcher started."""

import os
from collections.abc import Mapping

from tinynet import registry
from tinynet.engine.process_group import DEFAULT_TIMEOUT, ProcessGroup
from tinynet.errors import PluginError
from tinynet.fleet import Fleet
from tinynet.registry import AmbiguousTypeError, UnknownTypeError
from tinynet.run.options import Settings
from tinynet.text.plugin_errors import PluginErrors

NONE = "none"
"""The name that stands for no fleet: each process works by itself."""

LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),  # mpiexec of Open MPI
    ("PMI_SIZE", "PMI_RANK"),  # mpiexec of MPICH, Intel MPI and MS-MPI; srun --mpi=pmi2
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),  # mpirun_rsh of MVAPICH
    ("FLUX_JOB_SIZE", "FLUX_TASK_RANK"),  # flux run
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # srun; a batch script itself has no step
)
"""The variables with the number of processes, and with that of this one, of each launcher.

A launcher within a Slurm job starts its own helpers by srun, so Slurm's variables count last.
"""


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Return the number of processes that a launcher started, and the number of this one from 0.

    Returns:
        None without a launcher.
    """
    for size, rank in LAUNCHERS:
        texts = environment.get(size, ""), environment.get(rank, "")
        if all(text.isdecimal() for text in texts):
            return int(texts[0]), int(texts[1])
    return None


def open_group(settings: Settings) -> ProcessGroup | None:
    """Connect the processes of this job; all of them must call this.

    Returns:
        None for one process.

    Raises:
        PluginError: if the fleet is missing or broken, if several are installed and none is chosen,
            or if it does not connect the processes that the launcher started.
    """
    fleet = _choose(settings.get("fleet"), launched())
    if fleet is None or fleet.size == 1:
        return None
    return ProcessGroup(fleet, settings.get("fleet_timeout", DEFAULT_TIMEOUT))


def _choose(choice: str | Fleet | None, started: tuple[int, int] | None) -> Fleet | None:
    if choice is not None and not isinstance(choice, str):
        return choice
    size = started[0] if started else 1
    if choice == NONE or (choice is None and size == 1):
        return None
    name = _find(choice) if choice is not None else _only_installed(size)
    cls = registry.default().load("fleets", name)
    with PluginErrors(cls, "it could not be constructed:"):
        fleet: Fleet = cls()
    if started and fleet.size != size:
        raise PluginError(
            f"the launcher started {size} processes, but the fleet {name!r} connects"
            f" {fleet.size}: the launcher belongs to another library than the fleet. Use the"
            " mpiexec that was installed with the fleet's library, or on Slurm another type of"
            " srun --mpi=list; --fleet none lets each process work by itself"
        )
    return fleet


def _find(name: str) -> str:
    try:
        return registry.default().find("fleets", name).qualified
    except UnknownTypeError as error:
        install = "pip install tinynet-mpi, or " if name == "mpi" else ""
        raise UnknownTypeError(
            f"{error} ({install}--fleet none: each process works by itself)"
        ) from error


def _only_installed(size: int) -> str:
    entries = registry.default().entries("fleets")
    if not entries:
        raise PluginError(
            f"{size} processes were launched, but no fleet that connects them is installed:"
            " pip install tinynet-mpi, or add --fleet none to let each process work by itself"
        )
    if len(entries) > 1:
        forms = " or ".join(f"--fleet {entry.qualified}" for entry in entries)
        raise AmbiguousTypeError(f"more than one fleet is installed; add {forms}")
    return entries[0].qualified
