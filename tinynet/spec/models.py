"""The pydantic models of a spec.

Validation looks up every plugin, and validates and completes its options by its ``Config``. So a
`Spec` is resolved: it has every value, and can be saved and loaded again.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, PrivateAttr
from pydantic_core import PydanticCustomError

from tinynet.errors import LocatedError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.expansion.variables import escape_dollars
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.origin import Origin
from tinynet.spec.parts import Name, SpecModel
from tinynet.spec.training_spec import TrainingSpec
from tinynet.spec.tuning_spec import TuningSpec
from tinynet.text.wording import format_value


def _version(value: Any) -> Any:
    if type(value) is int and value > 1:
        raise PydanticCustomError(
            "version",
            "version {version} of the spec language needs a newer tinynet; this one reads 1",
            {"version": format_value(value)},
        )
    if type(value) is not int:
        raise PydanticCustomError("version", "the version of the spec language, 1, is expected")
    return value


class Spec(SpecModel):
    """A whole spec."""

    written = ("vars", "$schema")

    tinynet: Annotated[Literal[1], BeforeValidator(_version)] = Field(
        description="Version of the spec language, which is 1."
    )
    name: Name = Field(description="The network's name; run folders are named after it.")
    data: DataSpec | None = Field(default=None, description="The data.")
    network: NetworkSpec = Field(description="The network.")
    training: TrainingSpec = Field(description="The training.")
    tuning: TuningSpec | None = Field(
        default=None,
        exclude=True,  # it is not part of what a run computes
        description="The values that tinynet tune varies; training ignores them.",
    )
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """The origin of the spec: its file, overrides and expansion."""
        return self._origin

    @property
    def folder(self) -> Path:
        """The spec's folder, where relative data paths start by default."""
        return self._origin.folder or Path.cwd()

    def resolved(self) -> dict[str, JsonValue]:
        """Return the spec as JSON, with all defaults."""
        resolved = escape_dollars(self.model_dump(mode="json", exclude_none=True))
        assert isinstance(resolved, dict)
        return resolved

    def with_inferred(self, inferred: Mapping[str, Mapping[str, JsonValue]]) -> Self:
        """Return the spec with what datasets inferred, by the part of the spec that names each.

        A dataset's option ``inferred`` holds it; one that the spec already has is kept.
        """
        data = self.data
        if data is None:
            return self
        for place, values in inferred.items():
            data = data.with_inferred(place.removeprefix("data").lstrip("."), values)
        return self.model_copy(update={"data": data})

    def locate(self, error: LocatedError) -> LocatedError:
        """Return the same error with line and column, if the spec was read from a file."""
        return self._origin.locate(error)
