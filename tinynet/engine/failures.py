"""Objects and errors as processes send them to each other."""

import pickle
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from tinynet import errors
from tinynet.errors import TinynetError

Failure: TypeAlias = tuple[str, str, list[bytes]]
"""The host of a process that failed, the text, and pickled forms of the error."""


class Failures(NamedTuple):
    """The failures of some processes.

    Attributes:
        rank: The lowest number of a process that failed.
        first: Its failure.
        processes: Number of processes that failed.
        alike: True if all of them have the same text.
    """

    rank: int
    first: Failure
    processes: int = 1
    alike: bool = True

    def joined(self, other: "Failures") -> "Failures":
        """Return these failures together with those of other processes."""
        alike = self.alike and other.alike and self.first[1] == other.first[1]
        lowest = min(self, other, key=lambda failures: failures.rank)
        return lowest._replace(processes=self.processes + other.processes, alike=alike)


def errors_text(error: BaseException) -> str:
    """Return the message of an error, or a description if it has none or fails to make one."""
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__


def pickled_errors(error: Exception, rank: int) -> list[bytes]:
    """Return an error in forms of which a process uses the first that it can read.

    Each has the traceback as a note, since a traceback cannot be sent.
    """
    forms: list[bytes] = []
    lines = "".join(traceback.format_exception(error)).rstrip("\n")
    for form in (error, _plain(error)):
        try:
            copy = pickle.loads(pickle.dumps(form))
            if type(copy) is type(form) and str(copy) == str(form):
                copy.add_note(f"in process {rank}:\n{lines}")
                forms.append(pickle.dumps(copy))
        except Exception:  # of a class from a plugin: anything may happen
            continue
    return forms


def _plain(error: Exception) -> TinynetError:
    """Return an error of `tinynet.errors` with the same text, as similar as possible."""
    text = errors_text(error)
    if not isinstance(error, TinynetError):
        return TinynetError(f"{type(error).__name__}: {text}")
    own = (cls for cls in type(error).__mro__ if vars(errors).get(cls.__name__) is cls)
    kind: type[TinynetError] = next(own)
    return kind(text)


def unpickled_error(forms: Sequence[bytes]) -> Exception:
    """Return the first form of an error that this process can read."""
    for form in forms:
        with suppress(Exception):
            error = pickle.loads(form)
            if isinstance(error, Exception):
                return error
    return TinynetError("an error that cannot be read here")


def pickled(item: Any) -> bytes:
    """Return an object as bytes for other processes.

    Raises:
        TinynetError: if it cannot be pickled.
    """
    try:
        return pickle.dumps(item, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise TinynetError(
            f"{type(item).__name__} cannot be sent to the other processes: {error}"
        ) from error


def unpickled(data: bytes) -> Any:
    """Return an object from the bytes of another process.

    Raises:
        TinynetError: if it cannot be read here.
    """
    try:
        return pickle.loads(data)
    except Exception as error:
        raise TinynetError(
            f"an object of another process cannot be read here ({type(error).__name__}: {error});"
            " install the same packages in the same versions on every machine"
        ) from error
