"""No mutant of a checkpoint, sealed or not, makes the reader crash, hang or accept it."""

import subprocess
import sys
from pathlib import Path


def test_mutants_are_refused_or_read_completely() -> None:
    """A small sample; `python tests/archive/fuzz.py --count 1000000` runs more."""
    fuzz = Path(__file__).with_name("fuzz.py")
    done = subprocess.run(
        [sys.executable, str(fuzz), "--count", "4000", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4,000 mutants, 0 findings" in done.stdout
