"""The environment: software and hardware, plugins aside, that may change the bits of a result."""

import platform
from collections.abc import Iterator, Mapping

import numpy as np
from threadpoolctl import threadpool_info

from tinynet import __version__, registry
from tinynet.kernels import Kernels

_UNKNOWN = "unknown"


def environment(kernels: Kernels) -> dict[str, str]:
    """Return the parts of this process's environment, each with its version."""
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
    """Yield the differences between two environments, a line each."""
    for part in sorted(before.keys() | here.keys()):
        old, new = before.get(part, _UNKNOWN), here.get(part, _UNKNOWN)
        if old != new:
            yield f"{part} was {old}, and is {new} here"


def _blas() -> str:
    """Return the name and version of NumPy's BLAS, and the CPU core type that it detected."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not libraries:
        return _UNKNOWN
    # Other packages may have loaded a BLAS of their own.
    library = next((one for one in libraries if "numpy" in one["filepath"]), libraries[0])
    facts = (library.get(key) for key in ("internal_api", "version", "architecture"))
    return " ".join(str(fact) for fact in facts if fact)


def _kernels(kernels: Kernels) -> str:
    """Return the name, version and level of kernels; of unregistered ones, the class."""
    target = f"{type(kernels).__module__}:{type(kernels).__qualname__}"
    for entry in registry.default().entries("kernels"):
        if entry.target == target:
            return f"{entry.qualified} {entry.version} {kernels.level}"
    return target


def _cpu() -> str:
    """Return the instruction sets that NumPy detected."""
    built = np.show_config(mode="dicts")
    sets = built.get("SIMD Extensions", {}).get("found") if isinstance(built, dict) else None
    return " ".join(sets or [_UNKNOWN])
