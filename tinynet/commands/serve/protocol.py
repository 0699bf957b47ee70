"""HTTP connections that are closed if no request arrives; imported only with uvicorn."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_of(head_timeout: float) -> type[Any]:
    """Return uvicorn's protocol with a limit on the time until the headers have arrived.

    uvicorn has none: connections that send nothing would take all file descriptors.
    """

    class Protocol(H11Protocol):  # type: ignore[misc]  # uvicorn has no types here
        """A connection; its time runs whenever it waits for the headers of a request."""

        _limit: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_watch()
            super().connection_lost(exc)

        def _watch(self) -> None:
            if not self._waits:
                self._end_watch()
            elif self._limit is None:
                self._limit = self.loop.call_later(head_timeout, self._end)

        @property
        def _waits(self) -> bool:
            return self.cycle is None or bool(self.cycle.response_complete)

        def _end_watch(self) -> None:
            if self._limit is not None:
                self._limit.cancel()
                self._limit = None

        def _end(self) -> None:
            self._limit = None
            if self._waits and not self.transport.is_closing():
                self.transport.close()

    return Protocol
