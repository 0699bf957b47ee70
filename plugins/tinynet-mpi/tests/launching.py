"""The launcher of the tests, and what is particular about it."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

BESIDE_PYTHON = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else shutil.which("mpiexec")

VARIABLES = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
"""Variables that let Open MPI start more processes than cores, also in a container."""


def launcher(processes):
    """Return the words that start a number of processes; none for one without a launcher."""
    return [] if processes is None else [MPIEXEC, "-n", str(processes)]


def environment(**variables):
    """Return the variables of a process, with additional ones."""
    return {**os.environ, **VARIABLES, **variables}


@cache
def is_mpich():
    """Return True if the launcher is that of MPICH, which prints nothing of its own."""
    version = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True, check=False)
    return "HYDRA" in version.stdout


def messages(stderr):
    """Return the lines on stderr, without those that the launcher of Open MPI adds."""
    lines = stderr.splitlines()
    if is_mpich():
        return lines
    return [line for line in lines if line.startswith(("process ", "warning: ", "error: "))]
