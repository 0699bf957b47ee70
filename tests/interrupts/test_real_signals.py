"""Real signals at real training steps, as often as `--torture-count` says."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("real_signals.py")

NATIVE = bool(entry_points(group="tinynet.kernels", name="native"))


@pytest.mark.torture
@pytest.mark.parametrize(
    "kernels",
    [
        "numpy",
        pytest.param(
            "native", marks=pytest.mark.skipif(not NATIVE, reason="tinynet-native is not installed")
        ),
    ],
)
@pytest.mark.parametrize("call", ["step", "loop", "predict", "save"])
def test_real_signals_neither_hang_nor_tear_nor_leak(call, kernels, torture_count):
    command = [sys.executable, str(PROGRAM), call, kernels, str(torture_count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
