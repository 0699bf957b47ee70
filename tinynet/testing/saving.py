"""States of plugins, saved and loaded as in checkpoints."""

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
    """Return the arrays after saving them to an archive and loading them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.msgpack"
        archive.write(path, {}, arrays, run_id="check", step=0)
        return archive.read(path).tensors


def require_storable(state: Any, method: str, *, finite: bool) -> None:
    """Raise `CheckFailed` for a state that training refuses; see `state_problem`."""
    if problem := state_problem(state, method, "state", finite=finite):
        raise CheckFailed(problem)


def require_field(field: Field, what: str) -> None:
    """Raise `CheckFailed` for a field that no checkpoint can hold."""
    if problem := field_problem(field):
        raise CheckFailed(f"{what}: {problem}")
