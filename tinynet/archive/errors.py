"""Errors of an archive: only checkpoint errors leave the package, and each names the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinynet.errors import (
    CheckpointError,
    CheckpointFormatError,
    CheckpointIOError,
    CheckpointLimitError,
    explaining_io,
)
from tinynet.files import canonical_json


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
    """Turn errors of canonical JSON into checkpoint errors."""
    try:
        yield
    except canonical_json.NotCanonicalError as error:
        raise CheckpointFormatError(f"the JSON sections: {error}") from error
    except canonical_json.TooLargeError as error:
        raise CheckpointLimitError(f"the JSON sections: {error}") from error
