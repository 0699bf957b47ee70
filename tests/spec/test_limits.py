"""Memory and time for refusing a hostile spec are limited.

``python tests/benchmarks/spec_limits.py`` checks the hard limits, 1 s and 256 MiB for each; a test
must not fail because a machine is slow.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "spec_limits.py"

MEMORY = 2**30
"""Bytes of address space for all specs and the libraries; one unlimited spec would take more."""

PATIENCE = 600
"""Seconds of processor time for all specs, which take ten; one unlimited spec would take hours."""

LONGEST = 10_000
"""Most characters of a message, which may name 64 places."""


def limit() -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))


def test_hostile_specs_are_refused_within_limits():
    done = subprocess.run(
        [sys.executable, PROGRAM, "--traps"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each thread takes address space
        preexec_fn=limit, capture_output=True, text=True, check=False,
    )  # fmt: skip
    outcomes = dict(map(json.loads, done.stdout.splitlines()))
    assert done.returncode == 0, f"after {list(outcomes)[-1:]}: {done.stderr[-500:]}"
    assert len(outcomes) > 30
    for name, message in outcomes.items():
        assert len(message) < LONGEST, name
