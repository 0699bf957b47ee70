"""Encodings of the texts in requests."""

import codecs
from typing import Any

from tinynet import registry
from tinynet.commands.serve.limits import RequestError
from tinynet.prediction.model import Model
from tinynet.text.wording import quote

_SLOW_OR_ODD = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7")
"""Codecs of Python that are not encodings of files."""


def charset_of(content_type: str) -> str:
    """Return the charset that a content type states; empty without one.

    Raises:
        RequestError: for an unknown one.
    """
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return _known(value.strip().strip("\"'"))
    return ""


def require_utf8(charset: str) -> None:
    """Raise `RequestError` for JSON in another encoding than UTF-8 (RFC 8259)."""
    if charset and codecs.lookup(charset).name not in ("utf-8", "utf-8-sig", "ascii"):
        raise RequestError(415, f"JSON is sent in UTF-8, not in {charset}")


def in_encoding(model: Model, content: bytes, charset: str) -> bytes:
    """Return a text in the encoding in which the model reads files.

    Raises:
        RequestError: for bytes that are not of the charset, and for characters that the encoding
            of the model lacks.
    """
    own = _encoding(model)
    if not charset or codecs.lookup(charset) == codecs.lookup(own):
        return content
    try:
        text = content.decode(charset)
    except UnicodeError as error:
        at = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise RequestError(400, f"the text is not in the charset {charset}{at}") from error
    try:
        return text.removeprefix("\ufeff").encode(own)
    except UnicodeEncodeError as error:
        lacking = quote(text[error.start])
        raise RequestError(
            422, f"the model reads texts in {own}, which lacks the character {lacking}"
        ) from error


def _known(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        is_text = getattr(codec, "_is_text_encoding", True)
        is_odd = not is_text or codec.name in _SLOW_OR_ODD
    except (LookupError, ValueError, UnicodeError):
        is_odd = True
    if is_odd:
        raise RequestError(415, f"the charset {quote(name)} is not known; send utf-8")
    return name


def _encoding(model: Model) -> str:
    """Return the encoding of files that the spec states."""
    data = model.spec.data
    config: Any = None if data is None else registry.default().config(data)
    return str(getattr(config, "encoding", "utf-8"))
