"""`tinynet serve` as a process: its start, its answers, its limits of time, and its end."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

import tinynet
from tests.cli.conftest import COMMAND, DIGITS

pytestmark = pytest.mark.extra

SAMPLE = [[[0]] * 8] * 8


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The folder of a finished run."""
    pytest.importorskip("fastapi", reason="needs pip install 'tinynet-core[serve]'")
    path = tmp_path_factory.mktemp("served") / "digits"
    training = {**DIGITS["training"], "epochs": 1}
    tinynet.train({**DIGITS, "training": training}, path)
    return path


@contextmanager
def serving(digits, *words):
    """Start a server; yield the process and its port."""
    command = [*COMMAND, "serve", str(digits), "--port", "0", "--json", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            ready = json.loads(process.stdout.readline())
            yield process, int(ready["address"].rpartition(":")[2])
        finally:
            process.kill()


@pytest.fixture(scope="module")
def port(digits):
    """The port of a server that several tests use."""
    with serving(digits, "--max-size", "100kB", "--timeout", "3") as (_, port):
        yield port


def send(port, method, path, body=None, **headers):
    """Return the status and the value of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_answers_as_predict_and_ends_by_a_signal(digits, tinynet, number):
    images = np.arange(3 * 64).reshape(3, 8, 8, 1).astype(np.uint8) % 17
    np.save("new.npy", images)
    with serving(digits) as (process, port):
        result = send(port, "POST", "/predict", json.dumps(images.tolist()))
        assert result == (200, tinynet("predict", digits, "new.npy", "--json").json)
        assert send(port, "GET", "/", Host="evil.example")[0] == 400
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_one_sentence(tinynet, digits):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = tinynet("serve", digits, "--port", port)
    assert result.code == 2
    other = port + 1 if port < 65535 else 8000
    assert result.err == (
        f"error: port {port} of 127.0.0.1 is in use; choose another one: --port {other}\n"
    )


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "1e9", "soon"])
def test_a_timeout_is_a_positive_number_of_seconds(tinynet, digits, seconds):
    result = tinynet("serve", digits, "--timeout", seconds)
    assert result.code == 2
    assert "error: Invalid value for '--timeout'" in result.err


def test_a_damaged_newest_checkpoint_is_refused_as_in_predict(tinynet, digits, tmp_path):
    """The server would answer as the untrained network of step 0."""
    shutil.copytree(digits, tmp_path / "run")
    run = tmp_path / "run"
    older, newest = sorted((run / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-1])
    np.save("new.npy", np.zeros((1, 8, 8, 1), np.uint8))
    served, predicted = tinynet("serve", run, "--port", 0), tinynet("predict", run, "new.npy")
    assert served.code == predicted.code == 4
    assert served.err == predicted.err
    assert f"instead of the run: {older}\n" in served.err
    with serving(run, "--checkpoint", older.name) as (_, port):
        assert send(port, "GET", "/model")[1]["source"].endswith(older.name)


def test_a_chunked_body_that_never_ends_is_413(port):
    """It has no length that could be refused beforehand."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"20000\r\n" + b" " * 0x20000 + b"\r\n")
        assert b" 413 " in connection.recv(65536).partition(b"\r\n")[0]


@pytest.mark.parametrize("length", [100, 90_000])
def test_clients_that_send_slowly_do_not_block_others(port, length):
    """As many of them as there are places for bodies would do so for 30 seconds."""
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n["
    with ExitStack() as stack:
        for start in [head.encode()] * 64 + [b"POST /predict"] * 16:
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            stack.enter_context(connection).sendall(start)
        assert send(port, "POST", "/predict", json.dumps(SAMPLE))[0] == 200


def test_requests_at_the_same_time_are_all_answered(port):
    content = json.dumps([SAMPLE] * 50)
    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(lambda _: send(port, "POST", "/predict", content), range(8))]
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)


def test_another_host_is_warned_about(start, digits):
    process = start("serve", digits, "--host", "0.0.0.0", "--port", "0")
    try:
        assert "http://0.0.0.0:" in process.stdout.readline()
        warning = process.stderr.readline()
        assert "can be reached from other machines" in warning
        assert "there is no password" in warning
    finally:
        process.kill()
        process.communicate()
