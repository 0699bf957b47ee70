"""The JSON of a checkpoint: what each section holds, strictly.

A section or a field that is not known here was written by a newer tinynet, and is refused as such:
to overlook it would be to lose state silently. So additions need no other mark.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, JsonValue, ValidationError
from pydantic import Field as Constraint
from pydantic_core import PydanticCustomError, to_json
from xxhash import xxh3_128_hexdigest

from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.config import Frozen
from tinynet.data.data import Data
from tinynet.data.fields import field_problem
from tinynet.dataset import Field
from tinynet.errors import CheckpointFormatError, CheckpointVersionError
from tinynet.files import canonical_json
from tinynet.text.mistakes import problems
from tinynet.training.progress import Count, Progress

_MAX_LISTED = 5


def _plausible(field: Field) -> Field:
    if problem := field_problem(field):
        raise PydanticCustomError("field", "{problem}", {"problem": problem})
    return field


Fields: TypeAlias = Annotated[
    dict[str, Annotated[Field, AfterValidator(_plausible)]], Constraint(min_length=1)
]
"""What some arrays of a dataset hold, by name."""


@dataclass(frozen=True)
class LogMark:
    """How far the log was when a checkpoint was made.

    Attributes:
        length: Its bytes.
        digest: XXH3-128 of them, as hexadecimal text.
    """

    length: Count
    digest: str


@dataclass(frozen=True)
class DataFacts:
    """What the run knew of its data.

    Attributes:
        root: The folder where relative data paths started.
        fingerprints: Of each dataset, by the part of the spec that names it.
        inputs: What each input held before preprocessing.
        targets: What each target held before preprocessing.
    """

    root: str
    fingerprints: dict[str, str]
    inputs: Fields
    targets: Fields

    @classmethod
    def of(cls, data: Data) -> "DataFacts":
        """What is known of data that were opened."""
        return cls(
            str(data.root),
            data.fingerprints,
            {name: data.raw[name] for name in data.inputs},
            {name: data.raw[name] for name in data.targets},
        )

    @property
    def raw(self) -> dict[str, Field]:
        """What each array held before preprocessing."""
        return {**self.inputs, **self.targets}

    def changes(self, now: "DataFacts") -> list[str]:
        """What is not as it was, a line each."""
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
                if old != (new := vars(here)[what])
            ]
        return changed


class Sections(Frozen):
    """All sections; see `tinynet.checkpoint.Checkpoint` for what they mean."""

    spec: dict[str, JsonValue]
    spec_hash: str
    progress: Progress
    data: DataFacts
    log: LogMark
    lineage: tuple[dict[str, JsonValue], ...]
    environment: dict[str, str]
    types: dict[str, TypeFacts]
    revision: Count = 0


def hash_of(spec: dict[str, JsonValue]) -> str:
    """XXH3-128 of a spec as canonical JSON, as hexadecimal text."""
    return xxh3_128_hexdigest(canonical_json.encode(spec))


def parse_sections(path: Path | str, raw: dict[str, Any]) -> Sections:
    """What the sections of an archive say.

    Args:
        path: The file, for messages.
        raw: Its sections.

    Raises:
        CheckpointFormatError: naming every section and field that is not as it should be.
        CheckpointVersionError: if all that is wrong is what only a newer tinynet can know.
    """
    try:
        # Through JSON, since strict validation of Python values refuses a list for a tuple.
        sections = Sections.model_validate_json(to_json(raw))
    except ValidationError as error:
        lines = error.errors(include_url=False)
        if all(line["type"] in _UNKNOWN_KEY for line in lines):
            names = ", ".join("/".join(map(str, line["loc"])) for line in lines[:_MAX_LISTED])
            raise CheckpointVersionError(
                f"{path} was written by a newer tinynet than this one, which does not know {names}"
            ) from None
        found = [str(problem) for problem in problems(error, raw)]
        listed = "; ".join(found[:_MAX_LISTED]) + ("; ..." if len(found) > _MAX_LISTED else "")
        raise CheckpointFormatError(f"{path}: {_NO_CHECKPOINT}: {listed}") from None
    if missing := [name for name in vars(sections.progress) if name not in raw["progress"]]:
        raise CheckpointFormatError(f"{path}: {_NO_CHECKPOINT}: /progress has no {missing[0]!r}")
    if hash_of(sections.spec) != sections.spec_hash:
        raise CheckpointFormatError(f"{path}: /spec_hash is not the hash of /spec")
    return sections


_NO_CHECKPOINT = "it is an archive, but not a tinynet checkpoint"

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""Pydantic's names of a key that a model, or a dataclass, does not have."""
