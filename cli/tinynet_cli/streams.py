"""The standard streams: stdout holds a command's result and nothing else.

While a command runs, Python's ``sys.stdout`` and file descriptor 1 lead to stderr, so that text
printed by a plugin, or by a library written in C, cannot mix with the result. A stderr that cannot
be written is ignored, since losing messages must not end a training run. A reader of stdout that
leaves early (``| head -1``) changes nothing either: the rest of the result is discarded.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO, cast

_REFUSED = (OSError, ValueError)
"""Raised by a stream that is full, broken or closed."""

_result: TextIO | None = None
"""The stream of results while `sys.stdout` is redirected."""

_written = False
"""True once the running command has written to stdout."""


@contextmanager
def guarded() -> Iterator[None]:
    """Make both streams accept every character, and stderr ignore failures."""
    global _written
    _written = False
    _open_missing_descriptors()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    stderr = sys.stderr
    with ExitStack() as stack:
        target = stderr or stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        sys.stderr = cast(TextIO, _Forgiving(target))
        try:
            yield
        finally:
            sys.stderr = stderr


@contextmanager
def reserved_stdout() -> Iterator[None]:
    """Keep stdout for `write_result`; everything else that is printed goes to stderr."""
    global _result
    stdout = sys.stdout
    if stdout is None or _result is not None:
        yield
        return
    with ExitStack() as stack:
        _result = stack.enter_context(_moved(stdout)) if _is_descriptor_1(stdout) else stdout
        sys.stdout = sys.stderr
        try:
            yield
        finally:
            sys.stdout, _result = stdout, None


def write_result(text: str) -> None:
    """Write to stdout; a reader that has left is ignored.

    Raises:
        CheckpointIOError: if stdout cannot be written for another reason, such as a full disk.
    """
    global _written
    stream = sys.stdout if _result is None else _result
    if stream is None:  # a shell closed it
        return
    _written = True
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except _REFUSED as error:
        from tinynet.errors import CheckpointIOError

        _discard(stream)
        reason = getattr(error, "strerror", None) or error
        raise CheckpointIOError(f"standard output cannot be written: {reason}") from error


def result_was_written() -> bool:
    """Return True if the running command has written to stdout, in full or in part."""
    return _written


def result_is_terminal() -> bool:
    """Return True if results are written to a terminal."""
    stream = sys.stdout if _result is None else _result
    try:
        return stream is not None and stream.isatty()
    except _REFUSED:
        return False


def messages_are_terminal() -> bool:
    """Return True if messages are written to a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except _REFUSED:
        return False


def result_is_interactive() -> bool:
    """Return True if results are written to a terminal whose lines can be replaced."""
    return result_is_terminal() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def result_encoding() -> str | None:
    """Return the encoding of stdout."""
    stream = sys.stdout if _result is None else _result
    return getattr(stream, "encoding", None)


def write_message(text: str) -> None:
    """Write to stderr; a failure is ignored."""
    stream = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except _REFUSED:
        _discard(stream)


class _Forgiving:
    """A text stream that discards everything from the first failure on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except _REFUSED:
            _discard(self._stream)
            return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except _REFUSED:
            _discard(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _open_missing_descriptors() -> None:
    """Open /dev/null where a shell closed a standard stream.

    Otherwise the next file that is opened, such as a run's log, takes the number, and output of
    C code ends in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _is_descriptor_1(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except _REFUSED:
        return False


@contextmanager
def _moved(stdout: TextIO) -> Iterator[TextIO]:
    """Move file descriptor 1 out of the way, and let the number lead to stderr."""
    with suppress(*_REFUSED):
        stdout.flush()
    kept = os.dup(1)
    with open(kept, "w", encoding=stdout.encoding, errors="backslashreplace") as result:
        os.dup2(2, 1)
        try:
            yield result
        finally:
            _flush_c_streams()
            os.dup2(kept, 1)


def _flush_c_streams() -> None:
    """Flush text that C code has printed and not yet written."""
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).fflush(None)


def _discard(stream: TextIO) -> None:
    """Let a stream that failed lead to /dev/null, where its buffer can be flushed at exit."""
    with suppress(*_REFUSED):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
