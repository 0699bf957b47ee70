"""Limits of the requests that a server accepts."""

import math
import re
from dataclasses import dataclass

from tinynet.errors import TinynetError, UsageError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


@dataclass(frozen=True)
class Limits:
    """Limits of a request.

    Attributes:
        max_size: The most bytes of a body.
        timeout: The most seconds that a request is computed; waiting for others is not counted.
        max_rows: The most samples.
        max_values: The most values of an answer: those of the outputs, of all samples.
        queue: The most requests that wait while one is predicted.
        readers: The most bodies that are read at the same time.
        read_timeout: The most seconds until a body has arrived.
        read_grace: Seconds after which a body that is still being read loses its place to another
            one, if all are taken.
        head_timeout: The most seconds until the line and the headers of a request have arrived.
    """

    max_size: int = 10_000_000
    timeout: float = 30.0
    max_rows: int = 10_000
    max_values: int = 5_000_000
    queue: int = 16
    readers: int = 64
    read_timeout: float = 30.0
    read_grace: float = 2.0
    head_timeout: float = 10.0

    def __post_init__(self) -> None:
        for name in ("timeout", "read_timeout", "read_grace", "head_timeout"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise UsageError(f"{name} is a number of seconds above 0, not {value}")
        for name in ("max_size", "max_rows", "max_values", "readers"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is at least 1, not {getattr(self, name)}")


class RequestError(TinynetError):
    """A request that gets no predictions.

    Attributes:
        status: The status of the HTTP answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def too_many_samples(limits: Limits) -> RequestError:
    """Return the error for more samples than are allowed."""
    return RequestError(
        413,
        f"there are more than {limits.max_rows:,} samples; send fewer of them at a time (the"
        " operator of the server can raise --max-rows)",
    )


def parse_size(text: str) -> int:
    """Return a size such as ``10MB`` in bytes.

    Raises:
        UsageError: for any other text, and for 0.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMG]I?)?B?\s*", text.upper(), re.ASCII)
    size = int(float(match[1]) * _UNITS[match[2] or ""]) if match and len(text) < 20 else 0
    if not size:
        raise UsageError(f"{text!r} is not a size; write it as 10MB, 500kB or 1GiB")
    return size


def size_text(size: int) -> str:
    """Return bytes as a text that `parse_size` reads."""
    for unit in ("G", "M", "K"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.4g} {unit.replace('K', 'k')}B"
    return f"{size} bytes"
