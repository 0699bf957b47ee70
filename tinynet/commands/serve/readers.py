"""Places for the bodies that are being read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tinynet.commands.serve.limits import Limits, RequestError

SHORT = 65536
"""Bytes of a body that needs no place."""


class Readers:
    """A number of places for bodies, so that they do not fill the memory.

    A body that arrives while all are taken gets the place of the oldest one, unless that began a
    moment ago: clients that send nothing do not block others.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started: dict[asyncio.Timeout, float] = {}

    @asynccontextmanager
    async def place(self, length: int | None = None) -> AsyncIterator[None]:
        """Take a place for reading a body of some bytes; a short one needs none.

        Raises:
            RequestError: if too many bodies are being read, if the block takes too long, or if
                another body needed the place.
        """
        now = asyncio.get_running_loop().time()
        is_short = length is not None and length <= SHORT
        if not is_short and len(self._started) >= self._limits.readers:
            self._end_oldest(now)
        limit = self._limits.read_timeout
        place = asyncio.timeout(limit)
        try:
            async with place:
                if not is_short:
                    self._started[place] = now
                yield
        except TimeoutError as error:
            if is_short or place in self._started:
                message = f"the body did not arrive within {limit:g} seconds"
            else:
                message = "the body arrived slowly, and others needed its place; try again later"
            raise RequestError(408, message) from error
        finally:
            self._started.pop(place, None)

    def _end_oldest(self, now: float) -> None:
        place, started = next(iter(self._started.items()))
        if now - started < self._limits.read_grace:
            raise RequestError(503, f"{len(self._started)} bodies are being read; try again later")
        del self._started[place]
        place.reschedule(now)
