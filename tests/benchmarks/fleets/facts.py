"""The machine and the versions of a benchmark of fleets."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from versus.machine import processor

from tinynet.engine.threads import available_cores

PACKAGES = ("numpy", "tinynet-native", "mpi4py", "mpich", "openmpi")


def version_of(package: str) -> str | None:
    """Return the version of an installed distribution; None without it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine(*packages: str) -> str:
    """Return the processor, the cores, the load and the versions, in two lines."""
    versions = [(name, version_of(name)) for name in (*PACKAGES, *packages)]
    numbers = ", ".join(f"{name} {number}" for name, number in versions if number)
    return (
        f"{processor()}, {available_cores()} cores, load {os.getloadavg()[0]:.2f},"
        f" {platform.platform(terse=True)}\n"
        f"python {platform.python_version()}, {numbers}; float32, one thread in each process"
    )
