"""A trial of saving and loading a run's first checkpoint, before the run is created."""

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
    """Require that a checkpoint can be saved, and then loaded unchanged; nothing is written.

    Raises:
        SpecError: for a spec that cannot be saved, or loaded again.
        DataError: for data whose description is too large for a checkpoint.
        PluginError: for a plugin whose options cannot be loaded again.
        DivergedError: for a tensor with NaN or infinity, which is never saved.
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
        saved = archive.check(
            sections, checkpoint.arrays, run_id=checkpoint.run_id, step=checkpoint.progress.step
        )
    except CheckpointError as error:
        raise _section_error(sections, checkpoint) or SpecError(
            f"the run cannot be saved: {error}"
        ) from error
    try:
        parsed = parse_sections("the first checkpoint", saved)
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
    """Return True if a loaded value is the saved one, defaults that loading fills in aside."""
    if isinstance(saved, Mapping):
        return isinstance(loaded, Mapping) and all(
            key in loaded and _keeps(loaded[key], value) for key, value in saved.items()
        )
    if isinstance(saved, list):
        if not isinstance(loaded, list) or len(loaded) != len(saved):
            return False
        return all(map(_keeps, loaded, saved))
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


def _section_error(sections: Mapping[str, JsonValue], checkpoint: Checkpoint) -> Exception | None:
    """Return the error of the first section that cannot be saved by itself, if there is one."""
    if not is_encodable(root := checkpoint.data.root):
        return DataError(f"the path of the data root {root!r} is not UTF-8; rename that folder")
    refused = "a checkpoint cannot hold the"
    for name, value in sections.items():
        try:
            canonical_json.encode(value)
        except CheckpointError as error:
            if name == "data":
                remedy = _remedy(checkpoint)
                return DataError(f"{refused} description of the data: {error}{remedy}")
            if name == "spec":
                return SpecError(f"{refused} resolved spec: {error}")
            return CheckpointError(f"{refused} section {name!r}: {error}")
    return None


def _remedy(checkpoint: Checkpoint) -> str:
    """Return the remedy for too many names; empty if there are few."""
    counts = {
        name: (len(field.names or ()), len(field.classes or ()))
        for name, field in checkpoint.data.raw.items()
    }
    name = max(counts, key=lambda one: sum(counts[one]))
    names, classes = counts[name]
    if names + classes < _MANY_NAMES:
        return ""
    if names >= classes:
        return (
            f'; {name!r} has {names:,} named features: choose some with "features", or store the'
            " array as an .npy file, whose features have no names"
        )
    return f'; {name!r} has {classes:,} classes: if they are numbers, set "target_type": "number"'
