"""The pydantic models of a spec: what a JSON file may say.

A spec names plugins and numbers, and nothing else. Validation looks up every plugin that is named,
checks its options against its ``Config`` and completes them, so that a `Spec` is resolved: it says
everything, and can be written down and read again.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, PrivateAttr
from pydantic_core import PydanticCustomError

from tinynet.errors import LocatedError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.expansion.variables import literals
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.origin import Origin
from tinynet.spec.parts import Name, SpecModel
from tinynet.spec.training_spec import TrainingSpec
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
    name: Name = Field(description="The network's name; run directories are called after it.")
    data: DataSpec | None = Field(default=None, description="What it learns from.")
    network: NetworkSpec = Field(description="What it is.")
    training: TrainingSpec = Field(description="How it learns.")
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """Where it was read, and what became of what is written there."""
        return self._origin

    @property
    def folder(self) -> Path:
        """Where relative data paths start unless a data root is given: the spec's own folder."""
        return self._origin.folder or Path.cwd()

    def resolved(self) -> dict[str, JsonValue]:
        """The spec as JSON, every default filled in."""
        resolved = literals(self.model_dump(mode="json", exclude_none=True))
        assert isinstance(resolved, dict)
        return resolved

    def locate(self, error: LocatedError) -> LocatedError:
        """The same error, with line and column where the spec was read from a text."""
        return self._origin.place(error)
