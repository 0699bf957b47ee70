"""A spec may come from a stranger: none takes all memory, or forever, to be refused.

The hard limits, 1 s and 256 MiB for each, are held by ``python tests/benchmarks/spec_limits.py``:
a test must not fail because a machine is slow.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "spec_limits.py"

MEMORY = 2**30
"""Bytes of address space for all of them, libraries included; one trap alone would take more."""

PATIENCE = 600
"""Seconds of processor time for all of them, which take ten; one trap alone would take hours."""

LONGEST = 10_000
"""Characters of a message: a name that is told at 64 places is told with all of them."""


def limit() -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))


def test_no_spec_takes_all_memory_or_forever():
    done = subprocess.run(
        [sys.executable, PROGRAM, "--traps"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each thread takes address space
        preexec_fn=limit, capture_output=True, text=True, check=False,
    )  # fmt: skip
    outcomes = dict(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, f"after {list(outcomes)[-1:]}: {done.stderr[-500:]}"
    assert len(outcomes) > 30
    for name, told in outcomes.items():
        assert len(told) < LONGEST, name
