"""Errors of an archive: only checkpoint errors leave the package, and each names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinynet.errors import CheckpointError, CheckpointIOError, explaining_io


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name the file in every error, and turn others into checkpoint errors."""
    try:
        with explaining_io(path):
            yield
    except CheckpointIOError:
        raise
    except CheckpointError as error:
        raise type(error)(f"{path}: {error}") from error.__cause__
    except MemoryError as error:
        raise CheckpointIOError(f"{path}: not enough memory") from error


@contextmanager
def naming_sections() -> Iterator[None]:
    """Name the JSON sections in errors of canonical JSON."""
    try:
        yield
    except CheckpointError as error:
        raise type(error)(f"the JSON sections: {error}") from error
