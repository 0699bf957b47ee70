"""The protocol of constraints, and every name that the author of a constraint imports.

A constraint changes a parameter after each update, so that its values stay in a permitted set.
"""

from typing import Any, ClassVar, Protocol

from tinynet.config import Config
from tinynet.types import Array

__all__ = ["Array", "Constraint", "ConstraintConfig"]


class ConstraintConfig(Config):
    """The base of a constraint's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "params", "comment"})


class Constraint(Protocol):
    """A projection of a parameter onto permitted values. Constructed as ``Type(config)``."""

    Config: ClassVar[type[Any]]

    def project(self, param: Array) -> None:
        """Change ``param`` in place to permitted values, and change nothing else.

        Args:
            param: The parameter after an update, any shape.
        """
        ...
