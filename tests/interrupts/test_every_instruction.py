"""An interrupt at any bytecode instruction leaves nothing behind: each instruction is tried."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("every_instruction.py")


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param("pool", id="the thread pool"),
        pytest.param("predict", id="prediction"),
        pytest.param("signal-in-update", id="a signal in a training step"),
        pytest.param("exception-in-update", id="any exception in a training step"),
        pytest.param("loop", id="the training loop and its prefetching"),
        pytest.param("save", id="saving in the background"),
    ],
)
def test_an_interrupt_at_every_instruction_is_harmless(scenario):
    """In a process of its own, so that a hang is a failure."""
    command = [sys.executable, str(PROGRAM), scenario]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 100, "instructions that were tried"
