"""Files of requests, as files that a model reads."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinynet.commands.serve.limits import RequestError
from tinynet.dataset import TEXT
from tinynet.errors import DataError
from tinynet.files.images import ENDINGS as IMAGE_ENDINGS
from tinynet.prediction.model import Model
from tinynet.prediction.raw_inputs import TooManySamplesError
from tinynet.text.printing import printable
from tinynet.text.wording import format_list

TYPES = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "text/plain": ".txt",
}
"""The ending of a file by its media type."""

_COMPRESSED = (".gz", ".npz", ".parquet", ".parq", ".pq", ".zip")
"""Endings of files that may hold far more than their size; they are not accepted."""

_SIGNATURES = {
    b"\x93NUMPY": ".npy",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}

_LONGEST = 80
"""Characters of a name that are kept."""


@dataclass(frozen=True)
class Upload:
    """A file of a request.

    Attributes:
        name: Its name; empty for a body without one.
        kind: Its media type.
        content: Its bytes.
    """

    name: str
    kind: str
    content: bytes


@contextmanager
def as_files(model: Model, uploads: Sequence[Upload]) -> Iterator[tuple[list[Path], "Names"]]:
    """Write uploads to temporary files; yield their paths, and the names to show instead.

    Raises:
        RequestError: for files of a kind that is not accepted; and the errors of the block as
            `DataError`, with the names of the uploads.
    """
    if not uploads:
        raise RequestError(400, "the form has no file; add one, as curl -F file=@FILE does")
    with tempfile.TemporaryDirectory(prefix="tinynet-serve-") as folder:
        paths = []
        for number, upload in enumerate(uploads):
            own = Path(folder, str(number))
            own.mkdir()
            paths.append(own / _file_name(model, upload))
            paths[-1].write_bytes(upload.content)
        names = Names(folder)
        try:
            yield paths, names
        except TooManySamplesError:
            raise
        except DataError as error:
            raise DataError(names.shown(str(error))) from error


@dataclass(frozen=True)
class Names:
    """The names of uploads in place of those of temporary files."""

    folder: str

    def shown(self, text: str) -> str:
        """Return a text with the names of the uploads."""
        parts = text.split(f"{self.folder}/")
        return parts[0] + "".join(part.partition("/")[2] or part for part in parts[1:])


def _file_name(model: Model, upload: Upload) -> str:
    """Return a safe name that ends as the content requires."""
    if not upload.content:
        raise RequestError(400, f"{upload.name or 'the body'} is empty")
    base = upload.name.replace("\\", "/").rpartition("/")[2]
    base = printable(base).replace("/", "_").encode("utf-8", "replace").decode().lstrip(".")
    accepted = accepted_endings(model)
    lower = base.lower()
    ending = next((end for end in (*_COMPRESSED, *accepted) if lower.endswith(end)), "")
    if ending in _COMPRESSED:
        raise RequestError(
            415, f"{base} is a compressed file, which is not accepted; send {format_list(accepted)}"
        )
    stem = base[: len(base) - len(ending)] if ending else base
    ending = ending or TYPES.get(upload.kind, "") or _by_content(upload.content)
    if ending not in accepted:
        what = base or f"a body of type {upload.kind or 'unknown'}"
        raise RequestError(
            415, f"{what} is not a file that this model reads; send {format_list(accepted)}"
        )
    return f"{stem[:_LONGEST] or 'input'}{ending}"


def _by_content(content: bytes) -> str:
    return next((end for start, end in _SIGNATURES.items() if content.startswith(start)), "")


def accepted_endings(model: Model) -> tuple[str, ...]:
    """Return the endings of the files that a model reads from a request."""
    own = [end for end in model.input_endings if not end.endswith(_COMPRESSED)]
    texts = any(field.dtype == TEXT for field in model.inputs.values())
    images = any(len(field.shape) in (2, 3) for field in model.inputs.values())
    known = [*own, ".csv", ".npy", *([".txt"] if texts else []), *(IMAGE_ENDINGS if images else ())]
    return tuple(dict.fromkeys(known))
