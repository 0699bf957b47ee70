"""What computes: everything that may change the last bits of a result, but for the plugins."""

import platform
from collections.abc import Iterator, Mapping

import numpy as np
from threadpoolctl import threadpool_info

from tinynet import __version__, registry
from tinynet.kernels import Kernels

_UNKNOWN = "unknown"


def environment(kernels: Kernels) -> dict[str, str]:
    """What computes in this process, each part with its version.

    Args:
        kernels: The numerical kernels that are in use.
    """
    return {
        "tinynet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        "kernels": _kernels(kernels),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": _cpu(),
    }


def differences(before: Mapping[str, str], here: Mapping[str, str]) -> Iterator[str]:
    """What differs between two environments, a line each."""
    for part in sorted(before.keys() | here.keys()):
        old, new = before.get(part, _UNKNOWN), here.get(part, _UNKNOWN)
        if old != new:
            yield f"{part} was {old}, and is {new} here"


def _blas() -> str:
    """NumPy's BLAS with its version and the core type that it chose its routines for."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not found:
        return _UNKNOWN
    # Other packages may have brought a BLAS of their own into the process.
    library = next((one for one in found if "numpy" in one["filepath"]), found[0])
    facts = (library.get(key) for key in ("internal_api", "version", "architecture"))
    return " ".join(str(fact) for fact in facts if fact)


def _kernels(kernels: Kernels) -> str:
    """The kernels' name, version and level; of those that nobody registered, the class."""
    target = f"{type(kernels).__module__}:{type(kernels).__qualname__}"
    for entry in registry.default().entries("kernels"):
        if entry.target == target:
            return f"{entry.qualified} {entry.version} {kernels.level}"
    return target


def _cpu() -> str:
    """The instruction sets that NumPy found, and chooses its routines by."""
    built = np.show_config(mode="dicts")
    found = built.get("SIMD Extensions", {}).get("found") if isinstance(built, dict) else None
    return " ".join(found or [_UNKNOWN])
