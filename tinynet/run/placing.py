"""Places of errors in the text of a spec."""

from collections.abc import Iterator
from contextlib import contextmanager

from tinynet.errors import LocatedError, PluginError
from tinynet.spec.models import Spec


@contextmanager
def placing(spec: Spec) -> Iterator[None]:
    """Give errors line and column; a plugin's only where it is known what names it."""
    try:
        yield
    except LocatedError as error:
        if isinstance(error, PluginError) and not any(p.pointer for p in error.problems):
            raise
        raise spec.locate(error) from error
