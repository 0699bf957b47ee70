"""Raw inputs of a model from a stream, such as the standard input of a command."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tinynet.errors import DataError

NAME = "standard input"
"""The name of the stream in messages."""

_ENDINGS = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz", b"\x89PNG": ".png", b"\xff\xd8": ".jpg"}
"""The ending of a file by its first bytes."""


@contextmanager
def as_file(stream: IO[bytes], endings: tuple[str, ...]) -> Iterator[Path]:
    """Copy a stream to a temporary file, whose name ends as its content, or else the data, require.

    Args:
        stream: The stream; it is read to its end.
        endings: The endings of files that the dataset of a model reads.

    Raises:
        DataError: for an empty stream; and the errors of the block, with the name of the stream in
            place of that of the file.
    """
    start = stream.read(8)
    if not start:
        raise DataError(f"{NAME} is empty")
    known = (ending for content, ending in _ENDINGS.items() if start.startswith(content))
    ending = next(known, endings[0] if endings else ".csv")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"input{ending}"
        with path.open("wb") as file:
            file.write(start)
            shutil.copyfileobj(stream, file)
        try:
            yield path
        except DataError as error:
            raise DataError(str(error).replace(str(path), NAME)) from error
