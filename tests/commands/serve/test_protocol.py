"""Connections of a server: those whose request does not arrive are closed."""

import asyncio

import pytest

pytestmark = pytest.mark.extra

OK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b""})


async def sent(first, second=b""):
    """Return all that a connection receives until it is closed.

    The second part is sent once there is an answer to the first.
    """
    uvicorn = pytest.importorskip("uvicorn", reason="needs pip install 'tinynet-core[serve]'")
    from tinynet.commands.serve.protocol import protocol_of

    config = uvicorn.Config(app, log_config=None, ws="none", lifespan="off")
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    protocol = protocol_of(0.05)
    server = await loop.create_server(lambda: protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(first)
        answer = b""
        if second:
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(second)
        received = await asyncio.wait_for(reader.read(), 60)
        writer.close()
    return answer + received


@pytest.mark.parametrize("part", [b"", b"GET", OK[:-2]])
def test_a_connection_without_a_whole_request_is_closed(part):
    """Enough of them would take all connections that the system allows."""
    assert asyncio.run(sent(part)) == b""


def test_the_next_request_of_a_connection_has_a_limit_of_its_own():
    received = asyncio.run(sent(OK, b"GET / HTTP"))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.count(b"HTTP/1.1") == 1
