"""`tinynet serve` as a process: its start, its answers, its limits of time, and its end."""

import http.client
import json
import signal
import socket
import threading
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.extra

SAMPLE = [[[0]] * 8] * 8


@pytest.fixture
def serve(start, run):
    """Start a server of the digits; yield the process and its port."""
    pytest.importorskip("fastapi", reason="needs pip install 'tinynet-core[serve]'")

    @contextmanager
    def serving(*words):
        process = start("serve", run, "--port", "0", "--json", *words)
        try:
            ready = json.loads(process.stdout.readline())
            yield process, int(ready["address"].rpartition(":")[2])
        finally:
            process.kill()
            process.communicate()

    return serving


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
def test_a_server_answers_as_predict_and_ends_by_a_signal(serve, tinynet, run, folder, number):
    import numpy as np

    images = np.arange(3 * 64).reshape(3, 8, 8, 1).astype(np.uint8) % 17
    np.save(folder / "new.npy", images)
    with serve() as (process, port):
        result = send(port, "POST", "/predict", json.dumps(images.tolist()))
        assert result == (200, tinynet("predict", run, "new.npy", "--json").json)
        assert send(port, "GET", "/", Host="evil.example")[0] == 400
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_request_that_takes_too_long_does_not_affect_the_next(serve):
    many = json.dumps([SAMPLE] * 40_000)
    with serve("--timeout", "0.02", "--max-rows", "100000", "--max-size", "1GB") as (_, port):
        status, result = send(port, "POST", "/predict", many)
        assert status == 503
        assert "took longer than 0.02 seconds" in result["error"]["message"]
        # The process that predicts starts anew meanwhile.
        while (answer := send(port, "POST", "/predict", json.dumps(SAMPLE)))[0] == 503:
            pass
        assert answer[0] == 200


def test_a_port_in_use_is_one_sentence(tinynet, run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = tinynet("serve", run, "--port", port)
    assert result.code == 2
    other = port + 1 if port < 65535 else 8000
    assert result.err == (
        f"error: port {port} of 127.0.0.1 is in use; choose another one: --port {other}\n"
    )


def test_a_chunked_body_that_never_ends_is_413(serve):
    """It has no length that could be refused beforehand."""
    with (
        serve("--max-size", "1kB") as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + b"800\r\n" + b" " * 2048 + b"\r\n")
        assert b" 413 " in connection.recv(65536).partition(b"\r\n")[0]


def test_a_client_that_sends_slowly_is_refused_and_others_are_answered(serve):
    with (
        serve("--timeout", "2") as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n["
        )
        assert send(port, "POST", "/predict", json.dumps(SAMPLE))[0] == 200
        assert b" 503 " in connection.recv(65536).partition(b"\r\n")[0]


def test_requests_at_the_same_time_are_all_answered(serve):
    answers = []
    with serve() as (_, port):

        def ask():
            answers.append(send(port, "POST", "/predict", json.dumps([SAMPLE] * 50)))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 200


def test_another_host_is_warned_about(start, run):
    process = start("serve", run, "--host", "0.0.0.0", "--port", "0")
    try:
        assert "http://0.0.0.0:" in process.stdout.readline()
        assert "can be reached from other machines" in process.stderr.readline()
    finally:
        process.kill()
        process.communicate()
