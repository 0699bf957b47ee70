"""Places of bodies: clients that send slowly, or nothing, do not block others."""

import asyncio

import pytest

from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.readers import SHORT, Readers

pytestmark = pytest.mark.extra


async def read_forever(readers):
    async with readers.place():
        await asyncio.Event().wait()


def test_a_body_that_does_not_end_is_408():
    async def read():
        readers = Readers(Limits(readers=1, read_timeout=0.05))
        with pytest.raises(RequestError, match=r"not arrive within 0\.05 seconds") as caught:
            await read_forever(readers)
        assert caught.value.status == 408
        async with readers.place():  # it is free again
            pass

    asyncio.run(read())


def test_stalled_clients_give_their_places_to_others():
    """As many clients as there are places would block the server for as long as they like."""

    async def read():
        readers = Readers(Limits(readers=64, read_grace=1e-9))
        stalled = [asyncio.create_task(read_forever(readers)) for _ in range(64)]
        await asyncio.sleep(0)
        for _ in range(3):
            async with readers.place():
                pass
        done, waiting = await asyncio.wait(stalled, return_when=asyncio.FIRST_EXCEPTION)
        assert done == {stalled[0]}  # the others did not need to end
        with pytest.raises(RequestError, match="others needed its place") as caught:
            await stalled[0]
        assert caught.value.status == 408
        for task in waiting:
            task.cancel()

    asyncio.run(read())


def test_short_bodies_need_no_place():
    async def read():
        readers = Readers(Limits(readers=1, read_grace=60, read_timeout=0.05))
        async with readers.place(), readers.place(100), readers.place(SHORT):
            pass
        with pytest.raises(RequestError, match="not arrive within"):
            async with readers.place(100):
                await asyncio.Event().wait()

    asyncio.run(read())


def test_bodies_that_began_a_moment_ago_keep_their_places():
    async def read():
        readers = Readers(Limits(readers=1, read_grace=60))
        async with readers.place():
            with pytest.raises(RequestError, match="1 bodies are being read") as caught:
                async with readers.place():
                    pass
        assert caught.value.status == 503

    asyncio.run(read())
