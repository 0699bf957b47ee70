"""The installed distribution: its entry point, its kernels, and the cost of its import."""

import subprocess
import sys
from importlib.metadata import entry_points

from tinynet_native import NativeKernels, _kernels

from tinynet.kernels.numpy import NumpyKernels


def test_the_entry_point_names_the_kernels():
    (entry_point,) = entry_points(group="tinynet.kernels", name="native")
    assert entry_point.load() is NativeKernels
    assert entry_point.dist.name == "tinynet-native"


NOT_NATIVE = {"ctc"}
"""The kernel that is NumPy's so far: correct, but slower than it could be."""


def test_every_other_kernel_of_the_reference_is_native():
    """A missing kernel would be NumPy's: correct, but silently slow."""
    kernels = {name for name in vars(NumpyKernels) if name[0] != "_"}
    assert kernels - set(vars(NativeKernels)) <= NOT_NATIVE


def test_the_best_level_of_the_machine_is_in_use():
    assert NativeKernels.level == _kernels.levels()[0]
    assert _kernels.levels()[-1] == "baseline"


def test_importing_the_kernels_imports_nothing_else():
    """Every start of `tinynet` would pay for it."""
    code = (
        "import sys, tinynet.kernels.numpy\n"
        "before = set(sys.modules)\n"
        "import tinynet_native\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["tinynet_native"]
