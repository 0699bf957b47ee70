"""The trial of a run's first checkpoint: all that reading it will demand, before there is a run."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from pydantic import JsonValue, TypeAdapter, ValidationError

from tinynet import archive
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.checkpoint.sections import parse_sections
from tinynet.data.fields import is_encodable
from tinynet.errors import (
    CheckpointError,
    CheckpointFormatError,
    CheckpointMismatchError,
    DataError,
    DivergedError,
    PluginError,
    SpecError,
)
from tinynet.files import canonical_json

_MANY_NAMES = 1000
_MAX_LISTED = 5


def require_loadable(checkpoint: Checkpoint) -> None:
    """Make sure that a checkpoint can be saved, and loaded as it was; nothing is written.

    Raises:
        SpecError: for a spec that cannot be saved, or not be loaded again.
        DataError: for data that are described by more than a checkpoint can hold.
        PluginError: for a plugin whose options cannot be loaded again.
        DivergedError: for a tensor that is not finite, which is never saved.
        CheckpointError: for anything else that cannot be saved.
    """
    if bad := checkpoint.not_finite():
        names = ", ".join(bad[:_MAX_LISTED]) + (", ..." if len(bad) > _MAX_LISTED else "")
        raise DivergedError(
            f"NaN or infinity before the next step, in {names}; check the initializers, and the"
            " checkpoint that they come from if there is one"
        )
    sections = checkpoint.to_json()
    try:
        found = archive.check(
            sections, checkpoint.arrays, run_id=checkpoint.run_id, step=checkpoint.progress.step
        )
    except CheckpointError as error:
        raise _blamed(sections, checkpoint) or SpecError(
            f"the run cannot be saved: {error}"
        ) from error
    try:
        parsed = parse_sections("the first checkpoint", found)
    except CheckpointFormatError:
        _require_recordable(checkpoint.types.values())
        raise
    if (parsed.data, parsed.lineage) != (checkpoint.data, checkpoint.lineage):
        raise CheckpointFormatError("the first checkpoint would not be loaded as it was saved")
    try:
        spec = checkpoint.load_spec()
    except CheckpointMismatchError as error:
        raise SpecError(f"the resolved spec cannot be loaded again: {error}") from error
    if not _keeps(spec.resolved(), checkpoint.spec):
        raise SpecError("the resolved spec would not be loaded as it was saved")


def _keeps(loaded: JsonValue, saved: JsonValue) -> bool:
    """Return whether a loaded value is the saved one, apart from defaults that loading fills in."""
    if isinstance(saved, Mapping):
        return isinstance(loaded, Mapping) and all(
            key in loaded and _keeps(loaded[key], value) for key, value in saved.items()
        )
    if isinstance(saved, list):
        return (
            isinstance(loaded, list)
            and len(loaded) == len(saved)
            and all(map(_keeps, loaded, saved))
        )
    return loaded == saved


def _require_recordable(types: Iterable[TypeFacts]) -> None:
    reader = TypeAdapter(TypeFacts)
    for facts in types:
        try:
            reader.validate_python(asdict(facts))
        except ValidationError as error:
            raise PluginError(
                f"{facts.entry}: a checkpoint cannot record its distribution"
                f" {facts.distribution!r} of version {facts.version!r}; give it a version such as"
                " 1.0"
            ) from error


def _blamed(sections: Mapping[str, JsonValue], checkpoint: Checkpoint) -> Exception | None:
    """Return the error of the first section that cannot be saved even alone, if there is one."""
    for name, value in sections.items():
        try:
            canonical_json.encode(value)
        except (canonical_json.NotCanonicalError, canonical_json.TooLargeError) as error:
            return _explained(name, error, checkpoint)
    return None


def _explained(name: str, error: ValueError, checkpoint: Checkpoint) -> Exception:
    if name == "data" and not is_encodable(checkpoint.data.root):
        return DataError(
            f"the path of the data root {checkpoint.data.root!r} is not UTF-8; rename that folder"
        )
    if name == "data":
        cure = _cure(checkpoint)
        return DataError(f"a checkpoint cannot hold the description of the data: {error}{cure}")
    if name == "spec":
        return SpecError(f"a checkpoint cannot hold the resolved spec: {error}")
    return CheckpointError(f"a checkpoint cannot hold the section {name!r}: {error}")


def _cure(checkpoint: Checkpoint) -> str:
    """Return the remedy for too many names; empty if there are few."""
    fields = checkpoint.data.raw.items()
    names = {name: len(field.names or ()) for name, field in fields}
    classes = {name: len(field.classes or ()) for name, field in fields}
    name = max(names, key=lambda one: names[one] + classes[one])
    if names[name] + classes[name] < _MANY_NAMES:
        return ""
    if names[name] >= classes[name]:
        return (
            f'; {name!r} has {names[name]:,} named features: choose some with "features", or'
            " store the array as an .npy file, whose features have no names"
        )
    return (
        f"; {name!r} has {classes[name]:,} classes: if they are numbers, set"
        ' "target_type": "number"'
    )
