"""The modules that the tests share: those of this folder, and the jobs of the core's tests."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "tests")]


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Return the outcome of a run that one process trains without an interruption."""
    from torture_jobs import Job, outcome

    run = tmp_path_factory.mktemp("whole") / "run"
    code, lines = Job(run, 1).end()
    assert code == 0, lines
    return outcome(run)
