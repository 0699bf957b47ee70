"""The place in the spec that an error points to."""

from collections.abc import Iterator
from contextlib import contextmanager

from tinynet.errors import LocatedError, PluginError
from tinynet.spec.models import Spec


@contextmanager
def locating_errors(spec: Spec) -> Iterator[None]:
    """Add line and column to errors that point to a value of the spec."""
    try:
        yield
    except LocatedError as error:
        if isinstance(error, PluginError) and not any(p.pointer for p in error.problems):
            raise
        raise spec.locate(error) from error
