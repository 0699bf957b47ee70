"""The process that predicts: a full queue is refused, and a dead process is replaced."""

import asyncio
import json
import signal
from contextlib import asynccontextmanager, contextmanager

import pytest

from tinynet.commands.serve.answers import Job
from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.worker_process import WorkerProcess

pytestmark = pytest.mark.extra

ROW = Job(b'{"width": 1, "color": "red"}')


@asynccontextmanager
async def started(model):
    """A process that predicts, which ends with the test, whether it passes or fails."""
    worker = WorkerProcess(model, Limits(), threads=1)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


@contextmanager
def impatient(worker):
    """Requests may take a tenth of a second, which is enough only on a fast machine."""
    patient, worker._limits = worker._limits, Limits(timeout=0.1)
    try:
        yield
    finally:
        worker._limits = patient


def test_a_full_queue_is_503(models):
    async def fill():
        worker = WorkerProcess(models["table"], Limits(queue=1))
        async with worker.slot(), worker.slot():
            with pytest.raises(RequestError, match="2 requests are in progress") as caught:
                async with worker.slot():
                    pass
            assert caught.value.status == 503
        async with worker.slot():  # the places are free again
            pass

    asyncio.run(fill())


def test_a_request_that_takes_too_long_does_not_affect_the_next(models):
    async def stall():
        async with started(models["table"]) as worker:
            first = await worker.predict(ROW)
            process = await worker._starting
            process.send_signal(signal.SIGSTOP)  # as if it computed for hours
            message = r"longer than 0\.1 seconds"
            with impatient(worker), pytest.raises(RequestError, match=message) as caught:
                await worker.predict(ROW)
            assert caught.value.status == 503
            assert await process.wait() == -signal.SIGKILL
            assert await worker.predict(ROW) == first

    asyncio.run(stall())


def test_a_process_that_died_is_replaced_before_the_next_request(models):
    async def kill():
        async with started(models["table"]) as worker:
            first = await worker.predict(ROW)
            process = await worker._starting
            process.kill()
            await process.wait()
            assert await worker.predict(ROW) == first
        return json.loads(first.content)

    assert asyncio.run(kill())["samples"] == 1
