"""ASGI middleware around the application: checks of the sender, headers of security, and a log."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from tinynet.commands.serve.answers import error_answer
from tinynet.commands.serve.limits import RequestError
from tinynet.text.wording import quote

Log = Callable[[str], None]

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every answer that has none of that name of its own."""


class Guard:
    """Refuse requests of other names and of pages of other sites; complete the answers.

    HEAD is answered as GET without a body.
    """

    def __init__(self, app: Any, hosts: Collection[str] | None, log: Log | None) -> None:
        self._app, self._hosts, self._log = app, hosts, log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.monotonic(), 0
        is_head = scope["method"] == "HEAD"

        async def watched(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.start":
                message = {**message, "headers": _completed(message.get("headers", ()))}
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if error := _refusal(scope, self._hosts):
                await _answer(error, watched)
            else:
                own = {**scope, "method": "GET"} if is_head else scope
                await self._app(own, receive, watched)
        finally:
            if self._log is not None:
                milliseconds = 1000 * (time.monotonic() - start)
                self._log(f"{scope['method']} {scope['path']} {status} {milliseconds:,.0f} ms")


def _completed(headers: Any) -> list[tuple[bytes, bytes]]:
    """Return headers with those of security."""
    given = [*headers]
    names = {name.lower() for name, _ in given}
    added = ((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items())
    return [*given, *(pair for pair in added if pair[0] not in names)]


def _refusal(scope: Any, hosts: Collection[str] | None) -> RequestError | None:
    """Return the reason why a request is refused before it is read, or None."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    name = _host(headers.get("host", ""))
    if hosts is not None and name not in hosts:
        return RequestError(
            400,
            f"this server is not named {quote(name)}; open it as http://127.0.0.1, with its port",
        )
    if scope["method"] not in ("GET", "HEAD") and _is_of_another_site(headers):
        return RequestError(
            403, "pages of other sites cannot send requests here; send them from a program"
        )
    return None


def _is_of_another_site(headers: Mapping[str, str]) -> bool:
    """Return True if a browser sends a request for a page of another site.

    Browsers send ``Sec-Fetch-Site`` to this machine and over HTTPS; else there is the origin.
    """
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"].lower() == "cross-site"
    origin = headers.get("origin", "")
    return bool(origin) and _host(urlsplit(origin).netloc) != _host(headers.get("host", ""))


def _host(value: str) -> str:
    """Return the name in a host with a port."""
    name = value.lower().rpartition("@")[2]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


async def _answer(error: RequestError, send: Any) -> None:
    result = error_answer(error)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(result.content)).encode()),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": result.content})
