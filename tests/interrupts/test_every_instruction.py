"""An interrupt at any bytecode instruction leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("every_instruction.py")

SCENARIOS = {
    "pool": 1,
    "predict": 1,
    "signal-in-update": 3,
    "exception-in-update": 1,
    "loop": 5,
    "save": 1,
}
"""The scenarios with their stride in the suite: the long ones skip instructions there."""


@pytest.mark.parametrize(("scenario", "stride"), SCENARIOS.items())
def test_an_interrupt_at_any_instruction_is_harmless(scenario, stride):
    """In a process of its own, so that a hang is a failure."""
    interrupt(scenario, stride)


@pytest.mark.torture
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_interrupt_at_every_single_instruction_is_harmless(scenario, torture_count):
    for _ in range(torture_count):
        print(scenario, interrupt(scenario, 1))


def interrupt(scenario, stride):
    command = [sys.executable, str(PROGRAM), scenario, str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 100, "instructions that were tried"
    return done.stdout
