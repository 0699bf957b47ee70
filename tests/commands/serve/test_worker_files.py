"""Files of requests are removed however a process ends, and slow clients do not block others."""

import asyncio
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.commands.serve.test_answers import ROWS, message
from tests.commands.serve.test_worker_process import impatient, started
from tinynet.commands.serve.answers import Job
from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.uploads import Upload

pytestmark = pytest.mark.extra

ROW = Job(b'{"width": 1, "color": "red"}')
FILE = Job([Upload("a.csv", "text/csv", b"width,color\n1,red\n")])


def test_a_process_that_is_ended_leaves_no_uploads(models, tmp_path, monkeypatch):
    """Requests that take too long would fill the disk of the server."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def stall():
        async with started(models["table"]) as worker:
            process = await worker._starting
            (folder,) = tmp_path.iterdir()
            (folder / "upload").write_text("of a request that is computed")
            process.send_signal(signal.SIGSTOP)
            with impatient(worker), pytest.raises(RequestError, match="took longer"):
                await worker.predict(FILE)
            assert not folder.exists()
            await worker._ready()

    asyncio.run(stall())
    assert not [*tmp_path.iterdir()]


_SERVER = """
import asyncio, os, pickle, signal, sys, tempfile
from tinynet.commands.serve.answers import Job
from tinynet.commands.serve.limits import Limits
from tinynet.commands.serve.worker_process import WorkerProcess
tempfile.tempdir = sys.argv[1]

async def serve():
    with open(sys.argv[2], "rb") as file:
        worker = WorkerProcess(pickle.load(file), Limits(), threads=1)
    await worker.start()
    if sys.argv[3] == "idle":
        os.kill(os.getpid(), signal.SIGKILL)
    await worker.predict(Endless())

class Endless(Job):
    def __init__(self):
        super().__init__(b"")

    def __reduce__(self):
        code = f"import os\\nos.kill({os.getpid()}, {int(signal.SIGKILL)})\\nwhile True: pass"
        return exec, (code,)

asyncio.run(serve())
"""
"""A server that is killed while its process is idle, or computes: it unpickles a job that never
ends, and kills the server first."""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_the_process_ends_with_a_server_that_is_killed(models, tmp_path, state):
    import pickle
    from dataclasses import replace

    from tinynet.commands.serve.worker_process import _no_warning

    model, files = tmp_path / "model", tmp_path / "files"
    model.write_bytes(pickle.dumps(replace(models["table"], warn=_no_warning)))
    files.mkdir()
    command = [sys.executable, "-c", _SERVER, str(files), str(model), state]
    # Its end is that of stderr, which the process that predicts has, too.
    ended = subprocess.run(command, stderr=subprocess.PIPE, cwd=Path.cwd(), timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not [*files.iterdir()]


def test_waiting_for_a_slow_request_is_not_its_own_time(models):
    async def wait():
        async with started(models["table"]) as worker:
            process = await worker._starting
            process.send_signal(signal.SIGSTOP)
            with impatient(worker):
                slow = asyncio.create_task(worker.predict(ROW))
                queued = asyncio.create_task(worker.predict(ROW))
                with pytest.raises(RequestError, match="took longer"):
                    await slow
            assert (await queued).status == 200  # Its time starts with a process that computes.

    asyncio.run(wait())


def test_a_client_that_leaves_is_one_quiet_line(models, capfd):
    for package in ("fastapi", "jinja2", "uvicorn"):
        pytest.importorskip(package, reason=f"needs {package}, of the extra serve")
    from tinynet.commands.serve.app import create_app

    lines = []
    app = create_app(models["table"], log=lines.append)
    scope = {
        "type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict",
        "query_string": b"", "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    messages = [
        {"type": "http.request", "body": b"[", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive():
        return messages.pop(0)

    async def send(_):
        pass

    asyncio.run(app(scope, receive, send))
    assert [line.rpartition(" 499 ")[0] for line in lines] == ["POST /predict"]
    assert capfd.readouterr().err == ""


def test_a_client_that_sends_nothing_is_answered_with_408(models):
    for package in ("fastapi", "jinja2", "uvicorn"):
        pytest.importorskip(package, reason=f"needs {package}, of the extra serve")
    from tinynet.commands.serve.app import create_app

    app = create_app(models["table"], limits=Limits(read_timeout=0.05))
    scope = {
        "type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict",
        "query_string": b"", "headers": [(b"content-length", b"100")],
    }  # fmt: skip
    messages = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    assert messages[0]["status"] == 408
    assert b"not arrive within 0.05 seconds" in messages[1]["body"]


def test_an_answer_that_would_be_too_large_is_413(client_of):
    """A small request may stand for an answer that fills the memory."""
    text = message(client_of("table", max_values=3), 413, json=ROWS)
    assert text.startswith("the answer would have more than 3 values, at 2 for each sample; send")
    assert "at most 1 sample at a time (the operator of the server can raise --max-values)" in text
    assert "sample; the operator" in message(client_of("table", max_values=1), 413, json=ROWS[0])
