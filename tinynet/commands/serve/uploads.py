"""Files of requests, as files that a model reads."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinynet.commands.serve.charsets import in_encoding
from tinynet.commands.serve.formats import COMPRESSED, TYPES, accepted_endings
from tinynet.commands.serve.limits import RequestError
from tinynet.errors import DataError
from tinynet.prediction.model import Model
from tinynet.prediction.raw_inputs import TooManySamplesError
from tinynet.text.printing import printable
from tinynet.text.wording import format_list

_SIGNATURES = {
    b"\x93NUMPY": ".npy",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}

_TEXTS = (".csv", ".tsv", ".tab", ".txt", ".conll", ".bio", ".iob")
"""Endings of files of text, whose encoding may be stated."""

_LONGEST = 80
"""Characters of a name that are kept."""


@dataclass(frozen=True)
class Upload:
    """A file of a request.

    Attributes:
        name: Its name; empty for a body without one.
        kind: Its media type.
        content: Its bytes.
        charset: The encoding of a text, if the request states it.
    """

    name: str
    kind: str
    content: bytes
    charset: str = ""


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
            paths[-1].write_bytes(_content(model, upload, paths[-1].suffix))
        bodies = [f"{folder}/{i}/{p.name}" for i, p in enumerate(paths) if not uploads[i].name]
        names = Names(folder, tuple(bodies))
        try:
            yield paths, names
        except TooManySamplesError:
            raise
        except DataError as error:
            raise DataError(names.message(str(error))) from error


@dataclass(frozen=True)
class Names:
    """The names of uploads in place of those of temporary files.

    Attributes:
        folder: The folder of the files.
        bodies: The paths of the files that have no names.
    """

    folder: str
    bodies: tuple[str, ...] = ()

    def message(self, text: str) -> str:
        """Return a message with the names of the uploads."""
        for path in self.bodies:
            text = text.replace(path, "the body")
        return self.shown(text)

    def shown(self, text: str) -> str:
        """Return the path of an upload, or a text with some, as its name."""
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
    ending = next((end for end in (*COMPRESSED, *accepted) if lower.endswith(end)), "")
    if ending in COMPRESSED:
        raise RequestError(
            415, f"{base} is a compressed file, which is not accepted; {_send(accepted)}"
        )
    stem = base[: len(base) - len(ending)] if ending else base
    ending = ending or TYPES.get(upload.kind, "") or _by_content(upload.content)
    if ending not in accepted:
        what = base or f"a body of type {upload.kind or 'unknown'}"
        raise RequestError(415, f"{what} is not a file that this model reads; {_send(accepted)}")
    return f"{stem[:_LONGEST] or 'input'}{ending}"


def _send(accepted: Sequence[str]) -> str:
    return f"send {format_list(accepted)}" if accepted else "send JSON"


def _content(model: Model, upload: Upload, ending: str) -> bytes:
    is_text = upload.kind.startswith("text/") or ending in _TEXTS
    return in_encoding(model, upload.content, upload.charset) if is_text else upload.content


def _by_content(content: bytes) -> str:
    return next((end for start, end in _SIGNATURES.items() if content.startswith(start)), "")
