"""Processes that ``mpiexec`` starts, and the core of each."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tinynet.engine.threads import available_cores

ROOT = Path(__file__).parents[3]

LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", "PMI_RANK")
"""Variables in which launchers tell a process its number on this machine."""

NO_LAUNCHER = "there is no mpiexec: pip install mpi4py mpich, or name one with --mpiexec"

LIMIT = 1800
"""Seconds after which a program that hangs is ended."""


def find_mpiexec(named: str | None = None) -> str | None:
    """Return the path of a launcher: the named one, that of this environment, or any."""
    if named is not None:
        return shutil.which(named)
    beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    return beside or shutil.which("mpiexec")


def mpi_command(mpiexec: str, size: int, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs this interpreter in several processes."""
    return [mpiexec, "-n", str(size), sys.executable, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of a process of a benchmark: its BLAS has one thread."""
    numbers = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    # Open MPI refuses root, and more processes than cores, unless it is asked for them.
    allowed = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    return {**allowed, **os.environ, **dict.fromkeys(numbers, "1")}


def output_under_mpi(size: int, module: str, mpiexec: str | None) -> str:
    """Run a module in several processes; return what they print.

    Their stderr is that of this process.

    Raises:
        SystemExit: if there is no launcher, or the program fails.
    """
    launcher = find_mpiexec(mpiexec)
    if launcher is None:
        sys.exit(NO_LAUNCHER)
    command = mpi_command(launcher, size, ["-m", module])
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=LIMIT,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}")
    return done.stdout


def local_rank() -> int:
    """Return the number of this process on its machine; 0 outside of a launcher."""
    return next((int(os.environ[name]) for name in LOCAL_RANKS if name in os.environ), 0)


def hold_to_core(number: int) -> None:
    """Limit this process to one core, if the system supports it and no launcher has done it."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})


def crowding(size: int) -> str:
    """Return a remark if the processes share cores, else an empty text."""
    cores = available_cores()
    if size <= cores:
        return ""
    return (
        f"{size} processes share {cores} cores, and those that wait use them too: these times say"
        " nothing about as many cores"
    )
