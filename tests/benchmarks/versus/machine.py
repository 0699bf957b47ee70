"""The machine of a benchmark: processor, versions, and the BLAS in use."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from versus.worker import environment

DISTRIBUTIONS = (
    "tinynet-core",
    "tinynet-native",
    "numpy",
    "torch",
    "jax",
    "onnxruntime",
    "scikit-learn",
)

ASK_BLAS = """
import json, numpy, threadpoolctl
found = threadpoolctl.threadpool_info()
print(json.dumps([pool for pool in found if pool["user_api"] == "blas"]))
"""


def described(threads: int) -> dict[str, Any]:
    """Return the facts about the machine that affect the results."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(terse=True),
        "threads": threads,
        "blas": _blas(threads),
        "gflops": {count: _gflops(count) for count in sorted({1, 2, threads})},
        "versions": {"python": platform.python_version()} | _versions(),
    }


def processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _blas(threads: int) -> str:
    """Return the BLAS of the workers, whose environment chooses its kernels."""
    with environment(threads):
        command = (sys.executable, "-c", ASK_BLAS)
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pools = json.loads(printed)
    words = [
        f"{pool['internal_api']} {pool['version']}, {pool.get('architecture', 'unknown')} kernels"
        for pool in pools
    ]
    return "; ".join(words) or "none that threadpoolctl knows"


def _gflops(threads: int) -> float:
    """Return the speed of NumPy's matrix product in a process with that number of threads."""
    program = Path(__file__).with_name("matrix_product.py")
    with environment(threads):
        command = (sys.executable, str(program), str(threads))
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _versions() -> dict[str, str]:
    versions = {}
    for name in DISTRIBUTIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
