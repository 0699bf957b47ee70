"""The processes of MPI as the process group of tinynet."""

from importlib.util import find_spec
from typing import Any

LINES = {"mpi4py": "pip install mpi4py mpich", "tinynet_mpi": "pip install ./plugins/tinynet-mpi"}


def missing(*packages: str) -> str | None:
    """Return the line that installs the first missing package; None if all are here."""
    return next((LINES[name] for name in packages if find_spec(name) is None), None)


def mpi_group() -> Any:
    """Return the group of this process."""
    from tinynet_mpi import MPI

    from tinynet.engine.process_group import ProcessGroup

    return ProcessGroup(MPI())
