"""The server: its address, its start, and its end."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinynet.errors import UsageError
from tinynet.extras import importing

_GRACE = 5
"""Seconds that requests in progress have when the server ends."""


@dataclass(frozen=True)
class Address:
    """An address that a server listens at.

    Attributes:
        listener: The socket.
        host: The host that was asked for.
    """

    listener: socket.socket
    host: str

    @property
    def port(self) -> int:
        """The port; a free one if 0 was asked for."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The URL of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it."""
        bound: str = self.listener.getsockname()[0]
        return bound == "::1" or bound.startswith("127.")

    @property
    def names(self) -> tuple[str, ...] | None:
        """The host names of requests on loopback; None where others may reach the server."""
        return ("localhost", "127.0.0.1", "::1", self.host.lower()) if self.is_loopback else None


def bind(host: str, port: int) -> Address:
    """Take an address.

    Raises:
        UsageError: if it is in use, or cannot be taken for another reason.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{host!r} is not a host of this machine: --host 127.0.0.1") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(_reason(host, port, error)) from error
    return Address(listener, host)


def _reason(host: str, port: int, error: OSError) -> str:
    import errno

    other = port + 1 if 1024 <= port < 65535 else 8000
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another one: --port {other}"
    if error.errno == errno.EACCES:
        return f"port {port} needs the rights of an administrator; choose another: --port {other}"
    return f"cannot listen at {host}, port {port}: {error.strerror or error}"


def run(app: Any, address: Address, ready: Callable[[], None], head_timeout: float = 10.0) -> None:
    """Serve until Ctrl-C or SIGTERM; ``ready`` is called once requests are answered.

    Requests in progress are given some seconds; a second signal ends them at once. A connection
    whose request has not begun after ``head_timeout`` seconds is closed.
    """
    with importing("serve", "tinynet serve"):
        import uvicorn

        from tinynet.commands.serve.protocol import protocol_of

    config = uvicorn.Config(
        app,
        http=protocol_of(head_timeout),
        log_config=None,
        log_level="critical",  # the application prints its own lines
        access_log=False,
        lifespan="on",
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_GRACE,
    )
    server: Any = uvicorn.Server(config)
    startup = server.startup

    async def started(sockets: Any = None) -> None:
        await startup(sockets=sockets)
        ready()

    server.startup = started
    server.capture_signals = lambda: _until_signal(server.handle_exit)
    with address.listener:
        server.run(sockets=[address.listener])


@contextmanager
def _until_signal(stop: Callable[..., None]) -> Iterator[None]:
    """End the server by signals, which are then over: ending it is what they are for."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    former = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in former.items():
            signal.signal(kind, handler)
