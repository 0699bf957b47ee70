"""The parent's side of the process that predicts: a queue, time limits, and replacement."""

import asyncio
import math
import os
import pickle
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from tinynet.commands.serve.answers import Answer, Job
from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.worker import CODE, FRAME
from tinynet.prediction.model import Model

_START = 120.0
"""The most seconds until a process is ready."""


def _no_warning(message: str) -> None:
    """Ignore a warning; at module level, so that a model can be pickled."""


class WorkerProcess:
    """A process with the model. It predicts one request at a time.

    One that takes too long, or dies, is replaced, so that the next request is not affected.
    """

    def __init__(self, model: Model, limits: Limits, threads: int | None = None) -> None:
        self._limits = limits
        self._model = pickle.dumps((replace(model, warn=_no_warning), limits, threads))
        self._lock = asyncio.Lock()
        self._used = 0
        self._folders: dict[Process, str] = {}
        self._starting: asyncio.Task[Process] | None = None

    async def start(self) -> None:
        """Start the process, and wait until it is ready."""
        await self._ready()

    async def stop(self) -> None:
        """End the process."""
        starting, self._starting = self._starting, None
        if starting is not None:
            await _end(starting)
        for process in [*self._folders]:
            _kill(process)
            self._remove_files(process)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Take a place in the queue for a request whose body was read.

        Raises:
            RequestError: if the queue is full.
        """
        if self._used > self._limits.queue:
            raise RequestError(503, f"{self._used} requests are in progress; try again later")
        self._used += 1
        try:
            yield
        finally:
            self._used -= 1

    async def predict(self, job: Job) -> Answer:
        """Return the answer to a request.

        Only the time of its own computation is limited: it may have waited for others.

        Raises:
            RequestError: if the computation takes too long, or the process dies.
        """
        async with self._lock:
            process = await self._ready()
            if process.returncode is not None:  # it died after the last request
                self._replace()
                process = await self._ready()
            try:
                async with asyncio.timeout(self._limits.timeout):
                    return await _ask(process, job)
            except TimeoutError as error:
                self._replace()
                seconds = f"{self._limits.timeout:g} seconds"
                message = f"the request took longer than {seconds}; send fewer samples at a time"
                raise RequestError(503, message) from error
            except (OSError, asyncio.IncompleteReadError) as error:
                self._replace()
                message = "the process that predicts has died, perhaps for lack of memory; it is"
                raise RequestError(503, f"{message} started again") from error
            except BaseException:  # Otherwise it would compute an answer that is not sent.
                self._replace()
                raise

    async def _ready(self) -> Process:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        try:
            async with asyncio.timeout(_START):
                return await asyncio.shield(self._starting)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._starting = None
            raise RequestError(503, "the process that predicts cannot be started") from error

    async def _start(self) -> Process:
        folder = tempfile.mkdtemp(prefix="tinynet-serve-")
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", CODE, folder, str(os.getpid()), stdin=PIPE, stdout=PIPE
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._folders[process] = folder
        try:
            await _exchange(process, self._model)
        except BaseException:
            _kill(process)
            self._remove_files(process)
            raise
        return process

    def _remove_files(self, process: Process) -> None:
        """Remove the uploads of a process that has ended, or has been killed."""
        folder = self._folders.pop(process, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _replace(self) -> None:
        """Kill the process, and start another one at once."""
        if self._starting is not None and self._starting.done():
            process = self._starting.result()
            _kill(process)
            self._remove_files(process)
        self._starting = asyncio.create_task(self._start())


async def _ask(process: Process, job: Job) -> Answer:
    return await _exchange(process, pickle.dumps(job))


async def _exchange(process: Process, message: bytes) -> Answer:
    source, sink = process.stdout, process.stdin
    assert source is not None
    assert sink is not None
    sink.write(message)
    await sink.drain()
    status, length = FRAME.unpack(await source.readexactly(FRAME.size))
    return Answer(status, await source.readexactly(length))


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _end(starting: "asyncio.Task[Any]") -> None:
    """Kill a process, also one that has not started yet, and wait for its end."""
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
        process = await asyncio.wait_for(starting, 30)
        _kill(process)
        await process.wait()


def retry_after(limits: Limits) -> str:
    """Return the seconds after which a refused request may be sent again."""
    return str(max(1, math.ceil(min(limits.timeout, 5))))
