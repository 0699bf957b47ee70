"""States of plugins through a file and back, as checkpoints do it."""

import tempfile
from pathlib import Path
from typing import Any

from tinynet import archive
from tinynet.data.fields import field_problem
from tinynet.dataset import Field
from tinynet.engine.plugin_state import state_problem
from tinynet.testing.arrays import Arrays
from tinynet.testing.checks import CheckFailed


def saved_and_loaded(arrays: Arrays) -> Arrays:
    """Return the arrays as they come back from an archive."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.msgpack"
        archive.write(path, {}, arrays, run_id="check", step=0)
        return archive.read(path).tensors


def require_storable(state: Any, method: str, *, finite: bool) -> None:
    """Raise `CheckFailed` for a state that training would refuse; see `state_problem`."""
    if problem := state_problem(state, method, "state", finite=finite):
        raise CheckFailed(problem)


def require_field(field: Field, what: str) -> None:
    """Raise `CheckFailed` for a field that no checkpoint can hold."""
    if problem := field_problem(field):
        raise CheckFailed(f"{what}: {problem}")
