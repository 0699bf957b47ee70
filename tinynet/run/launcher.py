"""The launcher, such as mpiexec, that started this process and others."""

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress

OPEN_MPI = ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")

LAUNCHERS = (
    OPEN_MPI,  # mpiexec of Open MPI
    ("PMI_SIZE", "PMI_RANK"),  # mpiexec of MPICH, Intel MPI and MS-MPI; srun --mpi=pmi2
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),  # mpirun_rsh of MVAPICH
    ("FLUX_JOB_SIZE", "FLUX_TASK_RANK"),  # flux run
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # srun; a batch script itself has no step
)
"""The variables with the number of processes, and with that of this one, of each launcher.

A launcher within a Slurm job starts its own helpers by srun, so Slurm's variables count last.
"""

PRINTS_WITHIN = 0.2
"""Seconds in which the launcher prints the message of this process, before it ends all."""

ENDS_WITHIN = 1.0
"""Seconds that a launcher has to end this process, too, before it ends itself."""


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Return the number of processes that a launcher started, and the number of this one from 0.

    Returns:
        None without a launcher.
    """
    names = variables(environment)
    return None if names is None else (int(environment[names[0]]), int(environment[names[1]]))


def variables(environment: Mapping[str, str] = os.environ) -> tuple[str, str] | None:
    """Return the names of the variables of `LAUNCHERS` that count; None without a launcher."""
    for names in LAUNCHERS:
        if all(environment.get(name, "").isdecimal() for name in names):
            return names
    return None


def process_manager() -> int | None:
    """Return the descriptor on which MPICH's process manager takes commands, in its version 1."""
    text = os.environ.get("PMI_FD", "")
    if not text.isdecimal():
        return None
    try:
        # A process that a launched one has started inherits the variable, but not the descriptor.
        return int(text) if stat.S_ISSOCK(os.fstat(int(text)).st_mode) else None
    except OSError:
        return None


def end_all(code: int) -> None:
    """Ask the launcher to end all processes, before they have been connected.

    MPICH ends them for an exit code only after all have been connected; other launchers end them
    as soon as this process has ended.
    """
    manager = process_manager()
    if manager is not None:
        time.sleep(PRINTS_WITHIN)
        with suppress(OSError):
            os.write(manager, b"cmd=abort exitcode=%d\n" % code)
            time.sleep(ENDS_WITHIN)
