"""Packages that only some commands need; `pip install 'tinynet-core[EXTRA]'` installs them."""

from collections.abc import Iterator
from contextlib import contextmanager

from tinynet.errors import UsageError


class MissingPackageError(UsageError):
    """A package that a command or function needs is not installed."""


@contextmanager
def importing(extra: str, purpose: str) -> Iterator[None]:
    """Explain a failed import of an optional package.

        with importing("plot", "tinynet plot"):
            import matplotlib

    Args:
        extra: The extra of tinynet-core that installs the package.
        purpose: The subject of the message: the command or function that needs it.

    Raises:
        MissingPackageError: with the line that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or extra).partition(".")[0]
        raise MissingPackageError(
            f"{purpose} needs the package {package}: pip install 'tinynet-core[{extra}]'"
        ) from error
