"""Python's own reports (warnings, errors in threads and finalizers), printed like all output."""

import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tinynet_cli.output import echo, warn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


@contextmanager
def reporting() -> Iterator[None]:
    """Print what Python reports by itself."""
    before = threading.excepthook, sys.unraisablehook
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        threading.excepthook, sys.unraisablehook = _show_thread, _show_ignored
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = before


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    # A warning of tinynet has the place of its caller, which is this package.
    own = category is UserWarning and Path(filename).is_relative_to(Path(__file__).parent)
    warn(str(message) if own else f"{message} ({category.__name__} at {filename}:{lineno})")


def _show_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_type is not SystemExit:
        name = failure.thread.name if failure.thread is not None else "unknown"
        _show(f"error in the thread {name}", failure.exc_value)


def _show_ignored(failure: "UnraisableHookArgs") -> None:
    _show(failure.err_msg or "ignored error", failure.exc_value)


def _show(what: str, error: BaseException | None) -> None:
    lines = traceback.format_exception(error) if error is not None else []
    echo("".join([f"{what}:\n", *lines]).rstrip("\n"), err=True, multiline=True)
