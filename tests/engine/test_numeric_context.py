"""BLAS has one thread while a network runs, and its own number afterwards."""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from threadpoolctl import threadpool_info

from tinynet.kernels.blas import one_blas_thread


@contextmanager
def one_thread():
    holder = object()
    one_blas_thread().hold(holder)
    try:
        yield
    finally:
        one_blas_thread().release(holder)


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_limit_holds_whichever_thread_enters_first_or_leaves_last():
    """Otherwise a network would predict other bits in another thread."""
    before = blas_threads()
    if not before or set(before) == {1}:
        pytest.skip("no BLAS of several threads")
    inside, outside = threading.Event(), threading.Event()
    limits = []

    def other():
        with one_thread():
            limits.append(blas_threads())
            inside.set()
            outside.wait()
        limits.append(blas_threads())

    with one_thread():
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait()
    outside.set()
    thread.join()
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert limits == [[1] * len(before), before, [1] * len(before), before]
    assert blas_threads() == before


FORK = """
import os, sys, threading
from tinynet.kernels.blas import one_blas_thread
inside, outside = threading.Event(), threading.Event()
def other():
    one_blas_thread().hold("other")
    inside.set()
    outside.wait()
    one_blas_thread().release("other")
def held():
    return one_blas_thread().holders
thread = threading.Thread(target=other)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    before = held()
    one_blas_thread().hold("child")
    within = held()
    os._exit(10 * before + within)
outside.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_process_limits_blas_itself():
    """The thread that held the limit when the process forked does not exist in the child."""
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    assert subprocess.run(command, timeout=60).returncode == 1


def test_release_can_be_repeated():
    """An interrupted call is repeated from the start."""
    before = blas_threads()
    with one_thread():
        one_blas_thread().hold("interrupted")
        for _ in range(3):
            one_blas_thread().release("interrupted")
        assert set(blas_threads()) <= {1}
        assert one_blas_thread().holders == 1
    assert blas_threads() == before
