"""Raw inputs of a model from a stream, such as the standard input of a command."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from tinynet.errors import DataError
from tinynet.prediction.predictions import Predictions

NAME = "standard input"
"""The name of the stream in messages."""

_NEXT_IMAGE = (b"IEND\xaeB`\x82\x89PNG", b"\xff\xd9\xff\xd8\xff")
"""The end of an image and the start of another one, of each format."""

_ENDINGS = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz", b"\x89PNG": ".png", b"\xff\xd8": ".jpg"}
"""The ending of a file by its first bytes."""


def naming_stream(warn: Callable[[str], None], copy: Path) -> Callable[[str], None]:
    """Return a function that warns of the stream instead of its copy."""
    return lambda message: warn(message.replace(str(copy), NAME))


def from_stream(predictions: Predictions) -> Predictions:
    """Return the predictions of a copy of the stream; their file is named ``-``."""
    return replace(predictions, files=tuple(replace(file, name="-") for file in predictions.files))


@contextmanager
def as_file(stream: IO[bytes], endings: tuple[str, ...]) -> Iterator[Path]:
    """Copy a stream to a temporary file, whose name ends as its content, or else the data, require.

    Args:
        stream: The stream; it is read to its end.
        endings: The endings of files that the dataset of a model reads.

    Raises:
        DataError: for an empty stream, and for several images; and the errors of the block, with
            the name of the stream in place of that of the file.
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
        if ending in (".png", ".jpg") and any(map(path.read_bytes().__contains__, _NEXT_IMAGE)):
            raise DataError(
                f"{NAME} holds several images, but is read as one; name the files, or their folder,"
                " instead of -"
            )
        try:
            yield path
        except DataError as error:
            raise DataError(str(error).replace(str(path), NAME)) from error
