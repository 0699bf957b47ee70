"""The stream of progress: stderr, whose failures must never end a training run."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

_REFUSED = (OSError, ValueError)
"""Raised by a stream that is full, broken or closed."""


class ProgressStream:
    """stderr as a text stream that ignores failures and escapes what its encoding lacks."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        if self._stream is not None:  # None where a shell closed it
            with suppress(*_REFUSED):
                encoding = getattr(self._stream, "encoding", None) or "utf-8"
                encoded = text.encode(encoding, "backslashreplace")
                self._stream.write(encoded.decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if that is possible."""
        if self._stream is not None:
            with suppress(*_REFUSED):
                self._stream.flush()

    def isatty(self) -> bool:
        """Return True for a terminal."""
        with suppress(*_REFUSED):
            return self._stream is not None and self._stream.isatty()
        return False

    @property
    def interactive(self) -> bool:
        """True for a terminal on which lines can be redrawn."""
        return self.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
