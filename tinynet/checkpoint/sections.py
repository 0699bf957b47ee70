"""The table of the JSON sections of a checkpoint.

To add a section, add a field to `Sections` here, and its value to `Checkpoint.of`. Writing (from
`Checkpoint.write`, by `Sections.to_json`), reading, defaults for older files, ``tinynet inspect``
and ``tinynet diff`` follow from the field. Give it ``absent``, or older files are refused. A
section that changes during a run is one of `CHANGING`, and must also be set in `Session._save`, and
its longest value in `draft_checkpoint`.

A reader refuses sections and keys that are not in the table: a newer tinynet wrote them, and to
ignore them would lose state silently.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, get_type_hints

from pydantic import AfterValidator, JsonValue, ValidationError, create_model
from pydantic import Field as Constraint
from pydantic_core import PydanticCustomError, to_json, to_jsonable_python
from xxhash import xxh3_128_hexdigest

from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.checkpoint.revisions import NEWEST
from tinynet.config import Frozen
from tinynet.data.fields import field_problem
from tinynet.dataset import Field
from tinynet.errors import CheckpointFormatError, CheckpointVersionError
from tinynet.files import canonical_json
from tinynet.files.canonical_json import Encoded
from tinynet.text.labels import label_key
from tinynet.text.mistakes import problems
from tinynet.training.progress import Count, Progress

if TYPE_CHECKING:
    from tinynet.data.data import Data

_MAX_LISTED = 5


def _plausible(field: Field) -> Field:
    if problem := field_problem(field):
        raise PydanticCustomError("field", "{problem}", {"problem": problem})
    return field


Fields: TypeAlias = dict[str, Annotated[Field, AfterValidator(_plausible)]]
"""The content of arrays of a dataset, by name."""


@dataclass(frozen=True)
class LogMark:
    """The length of the log in bytes, and XXH3-128 of these bytes as hexadecimal text."""

    length: Count = 0
    digest: str = xxh3_128_hexdigest(b"")


@dataclass(frozen=True)
class DataFacts:
    """A description of the training data before preprocessing.

    ``fingerprints`` are those of the datasets, by the part of the spec that names each.
    """

    root: str
    fingerprints: dict[str, str]
    inputs: Annotated[Fields, Constraint(min_length=1)]
    targets: Fields

    @classmethod
    def of(cls, data: "Data") -> "DataFacts":
        """Describe opened data."""
        return cls(
            str(data.root),
            data.fingerprints,
            {name: data.raw[name] for name in data.inputs},
            {name: data.raw[name] for name in data.targets},
        )

    @property
    def raw(self) -> dict[str, Field]:
        """The content of each array before preprocessing."""
        return {**self.inputs, **self.targets}

    def changes(self, now: "DataFacts") -> list[str]:
        """Return the differences from this description to another, a line each."""
        changed = [
            f"the dataset {part!r} has changed since the checkpoint was made"
            for part in sorted(self.fingerprints.keys() | now.fingerprints.keys())
            if self.fingerprints.get(part) != now.fingerprints.get(part)
        ]
        for name in sorted(self.raw.keys() | now.raw.keys()):
            before, here = self.raw.get(name), now.raw.get(name)
            if before is None or here is None:
                changed.append(f"the array {name!r} is {'new' if before is None else 'gone'}")
                continue
            changed += [
                f"{what} of {name!r}: {old} -> {new}"
                for what, old in vars(before).items()
                if _spelled(what, old) != _spelled(what, new := vars(here)[what])
            ]
        return changed


def _spelled(what: str, value: Any) -> Any:
    """Return a property of a field; classes in one spelling: older versions kept a table's."""
    return tuple(map(label_key, value)) if what == "classes" and value is not None else value


@dataclass(frozen=True)
class Section:
    """Properties of a section, as an annotation of its type.

    Attributes:
        write: Convert the value to JSON.
        absent: The value in files that were written before the section existed; ``...`` makes its
            absence an error.
        is_state: True if `tinynet diff` reports two checkpoints as unequal where it differs.
    """

    write: Callable[[Any], JsonValue] = to_jsonable_python
    absent: Any = ...
    is_state: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Sections:
    """The JSON sections of a checkpoint, each with its type.

    Attributes:
        spec: The spec as JSON, every default filled in.
        progress: The position in the run.
        data: The training data.
        log: The length of the log.
        lineage: The checkpoints that the run was started or resumed from, oldest first.
        environment: The software and hardware; see `tinynet.checkpoint.environment`.
        types: The distribution of each type; see `tinynet.checkpoint.plugin_lock`.
        revision: The newest revision of the computation, 0 in files that have none; see
            `tinynet.checkpoint.revisions`.
    """

    spec: Annotated[dict[str, JsonValue], Section(dict)]
    progress: Annotated[Progress, Section()]
    data: Annotated[DataFacts, Section()]
    log: Annotated[LogMark, Section(is_state=False)]
    lineage: Annotated[tuple[dict[str, JsonValue], ...], Section(list, is_state=False)]
    environment: Annotated[dict[str, str], Section(dict, is_state=False)]
    types: Annotated[dict[str, TypeFacts], Section(is_state=False)]
    revision: Annotated[Count, Section(absent=0, is_state=False)] = NEWEST

    def to_json(self) -> dict[str, JsonValue]:
        """Return the sections of the file, by name."""
        values = {name: part.write(getattr(self, name)) for name, part in SECTIONS.items()}
        return {**values, SPEC_HASH: hash_of(self.spec)}

    @cached_property
    def _fixed(self) -> dict[str, Encoded]:
        """The encoding of these sections for all steps of a run; see `at`."""
        return self._encode_fixed()

    def _encode_fixed(self) -> dict[str, Encoded]:
        """Return the encoded JSON of the sections that do not change in a run."""
        fixed = {name: json for name, json in self.to_json().items() if name not in CHANGING}
        return {name: Encoded(canonical_json.encode(json)) for name, json in fixed.items()}

    def encoded(self) -> dict[str, JsonValue | Encoded]:
        """Return the sections as `to_json`; those that do not change in a run are encoded."""
        # Only `at` shares an encoding: any other checkpoint may have been changed since the last.
        fixed = vars(self).get("_fixed") or self._encode_fixed()
        changing = {name: SECTIONS[name].write(getattr(self, name)) for name in CHANGING}
        return {**fixed, **changing}

    def at(self, progress: Progress, log: LogMark, **changes: Any) -> Self:
        """Return the sections of the same run at another step, and other fields of a subclass."""
        later = replace(self, progress=progress, log=log, **changes)
        later.__dict__["_fixed"] = self._fixed
        return later


_HINTS = get_type_hints(Sections, include_extras=True)

SECTIONS: dict[str, Section] = {
    name: next(item for item in hint.__metadata__ if isinstance(item, Section))
    for name, hint in _HINTS.items()
}
"""Every section by its name."""

CHANGING = ("progress", "log")
"""The sections that change from save to save."""

SPEC_HASH = "spec_hash"
"""One more section, which only guards another: the hash of ``spec``."""

_FIELDS: dict[str, Any] = {name: (_HINTS[name], part.absent) for name, part in SECTIONS.items()}
_FIELDS[SPEC_HASH] = (str, ...)
_File = create_model("_File", __base__=Frozen, **_FIELDS)


def hash_of(spec: dict[str, JsonValue]) -> str:
    """Return XXH3-128 of a spec as canonical JSON, as hexadecimal text."""
    return xxh3_128_hexdigest(canonical_json.encode(spec))


def parse_sections(path: Path | str, raw: dict[str, Any]) -> Sections:
    """Validate the sections of an archive; messages name its path.

    Raises:
        CheckpointFormatError: listing every section and key that is wrong.
        CheckpointVersionError: if the only faults are keys that are not in the table.
    """
    try:
        # Through JSON, since strict validation of Python values refuses a list for a tuple.
        parsed = _File.model_validate_json(to_json(raw))
    except ValidationError as error:
        lines = error.errors(include_url=False)
        if all(line["type"] in _UNKNOWN_KEY for line in lines):
            names = ", ".join("/".join(map(str, line["loc"])) for line in lines[:_MAX_LISTED])
            raise CheckpointVersionError(
                f"{path} was written by a newer tinynet than this one, which does not know {names}"
            ) from None
        faults = [str(problem) for problem in problems(error, raw)]
        if len(faults) > _MAX_LISTED:
            faults[_MAX_LISTED:] = ["..."]
        raise CheckpointFormatError(f"{path}: {_NO_CHECKPOINT}: {'; '.join(faults)}") from None
    sections = Sections(**{name: getattr(parsed, name) for name in SECTIONS})
    if missing := [name for name in vars(sections.progress) if name not in raw["progress"]]:
        raise CheckpointFormatError(f"{path}: {_NO_CHECKPOINT}: /progress has no {missing[0]!r}")
    if hash_of(sections.spec) != raw[SPEC_HASH]:
        raise CheckpointFormatError(f"{path}: /spec_hash is not the hash of /spec")
    return sections


_NO_CHECKPOINT = "it is an archive, but not a tinynet checkpoint"

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""Pydantic's names of a key that a model, or a dataclass, does not have."""
