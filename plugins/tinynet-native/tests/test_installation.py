"""The installed tinynet-native, as tinynet and its users see it."""

import subprocess
import sys
from importlib.metadata import entry_points

from tinynet_native import NativeKernels, _kernels

from tinynet.kernels.numpy import NumpyKernels


def test_tinynet_finds_it_by_its_entry_point():
    (found,) = entry_points(group="tinynet.kernels", name="native")
    assert found.load() is NativeKernels
    assert found.dist.name == "tinynet-native"


def test_it_has_every_kernel_that_the_reference_has():
    """A missing kernel would be NumPy's: correct, but silently slow."""
    kernels = {name for name in vars(NumpyKernels) if name[0] != "_"}
    assert kernels <= set(vars(NativeKernels))


def test_the_best_level_of_the_machine_is_in_use():
    assert NativeKernels.level == _kernels.levels()[0]
    assert _kernels.levels()[-1] == "baseline"


def test_importing_it_imports_nothing_else():
    """Every start of `tinynet` would pay for it."""
    code = (
        "import sys, tinynet.kernels.numpy\n"
        "before = set(sys.modules)\n"
        "import tinynet_native\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})\n"
    )
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == ["tinynet_native"]
