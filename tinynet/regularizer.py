"""The protocol of regularizers, and every name that the author of a regularizer imports.

A regularizer returns a penalty of a parameter's values, which training minimizes beside the loss.
"""

from typing import Any, ClassVar, Protocol

from tinynet.config import Config
from tinynet.types import Array

__all__ = ["Array", "Regularizer", "RegularizerConfig"]


class RegularizerConfig(Config):
    """The base of a regularizer's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "params", "comment"})


class Regularizer(Protocol):
    """A penalty of the values of a parameter. Constructed as ``Type(config)``.

    It is computed once in each step, for the whole parameter, and has no state.
    """

    Config: ClassVar[type[Any]]

    def value_and_gradient(self, param: Array) -> tuple[float, Array]:
        """Return the penalty and its gradient.

        Args:
            param: The parameter, any shape; not to be changed.

        Returns:
            The penalty, and its gradient with the shape and the dtype of ``param``.
        """
        ...
