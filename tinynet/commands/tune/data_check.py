"""The check of a study's data: trials on different data cannot be ranked together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet import archive
from tinynet.commands.tune.failures import with_remedy
from tinynet.commands.tune.plan import Plan
from tinynet.data.data import Data
from tinynet.errors import CheckpointMismatchError, DataError, SpecError, TinynetError
from tinynet.run.folder import RunFolder
from tinynet.run.locating import locating_errors
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.text.shell import shell_path


def check_data(
    plan: Plan, folder: Path, now: dict[str, str] | None = None, *, allow: bool = False
) -> Plan:
    """Return the plan with the fingerprints of the data as they are now.

    Args:
        plan: The plan of the study.
        folder: Its folder, for messages.
        now: The fingerprints, if they are known.
        allow: Allow changed data.

    Raises:
        DataError: if the data cannot be read.
        CheckpointMismatchError: if they have changed since the study was started.
    """
    now = _fingerprints(plan, folder) if now is None else now
    if plan.fingerprints is not None and not allow:
        _require_equal(plan.fingerprints, now, "since the study was started")
    return plan.model_copy(update={"fingerprints": now})


def require_same_data(plan: Plan, run: Path, changes: Mapping[str, JsonValue]) -> None:
    """Require that a trial was trained on the data of the study.

    Trials whose values change the section ``data`` are not checked.

    Raises:
        CheckpointMismatchError: if not.
    """
    folder = RunFolder(run)
    steps = folder.steps()
    if not steps or plan.fingerprints is None:
        return
    data = archive.read_outline(folder.checkpoint(steps[-1])).sections.get("data")
    found = data.get("fingerprints") if isinstance(data, dict) else None
    if isinstance(found, dict) and found != plan.fingerprints and not _varies(plan, changes):
        _require_equal(plan.fingerprints, found, "while the study was running")


def are_readable(plan: Plan) -> bool:
    """Return True if the data can be read with the first values, as before the first trial."""
    try:
        _open(plan, _first_spec(plan))
    except TinynetError:
        return False
    return True


def _varies(plan: Plan, changes: Mapping[str, JsonValue]) -> bool:
    return load_spec(plan.document, changes).data != _first_spec(plan).data


def varies_data(plan: Plan, changes: Mapping[str, JsonValue]) -> bool:
    """Return True if the values of a trial change the section ``data``."""
    try:
        return _varies(plan, changes)
    except SpecError:
        return False


def _first_spec(plan: Plan) -> Spec:
    return load_spec(plan.document, plan.changes(plan.space.first()))


def _fingerprints(plan: Plan, folder: Path) -> dict[str, str]:
    try:
        return _open(plan, _first_spec(plan))
    except DataError as error:
        command = f"tinynet tune --run {shell_path(folder)} --resume --data-root FOLDER"
        raise with_remedy(error, f"if the data were moved: {command}") from error


def _open(plan: Plan, spec: Spec) -> dict[str, str]:
    if spec.data is None:
        return {}
    with locating_errors(spec):
        return Data(spec.data, Path(plan.data_root), spec.training.seed).fingerprints


def _require_equal(before: Mapping[str, Any], now: Mapping[str, Any], when: str) -> None:
    changed = [
        f"the dataset {part!r} has changed {when}"
        for part in sorted(before.keys() | now.keys())
        if before.get(part) != now.get(part)
    ]
    if changed:
        remedy = "add --allow-data-change to continue with the new data, or start a new study"
        raise CheckpointMismatchError("\n  ".join([*changed, remedy]))
