"""The thread pool: when `run` returns or raises, no worker computes any more."""

import os
import subprocess
import sys
import threading

import pytest

from tinynet.engine import threads
from tinynet.engine.threads import ThreadPool
from tinynet.errors import TinynetError


def test_every_job_is_done_once():
    done = []
    ThreadPool(3).run([lambda number=number: done.append(number) for number in range(50)])
    assert sorted(done) == list(range(50))


def test_the_first_failure_in_the_order_of_the_list_is_raised():
    together = threading.Barrier(2)

    def fail(error):
        together.wait()
        raise error

    with pytest.raises(KeyError):
        ThreadPool(2).run([lambda: fail(KeyError()), lambda: fail(ValueError())])


def test_an_interrupt_of_a_job_is_raised_before_failures():
    together = threading.Barrier(2)

    def fail(error):
        together.wait()
        raise error

    with pytest.raises(KeyboardInterrupt):
        ThreadPool(2).run([lambda: fail(KeyError()), lambda: fail(KeyboardInterrupt())])


def test_workers_end_with_their_pool():
    pool = ThreadPool(3)
    together = threading.Barrier(3)
    workers = set()

    def job():
        workers.add(threading.current_thread())
        together.wait()

    pool.run([job] * 3)
    del pool
    for worker in workers - {threading.current_thread()}:
        worker.join()


def test_error_when_the_system_refuses_threads(monkeypatch):
    class Refused(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads.threading, "Thread", Refused)
    with pytest.raises(TinynetError, match="the system cannot start 5 threads") as refused:
        ThreadPool(5)
    assert "--threads 1" in str(refused.value)


FORK = """
import os, sys, threading
from tinynet.engine.threads import ThreadPool
pool = ThreadPool(2)
pool.run([int, int])
child = os.fork()
if child == 0:
    together = threading.Barrier(2)
    pool.run([together.wait, together.wait])
    os._exit(3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_threads_of_its_own():
    """Otherwise its pool keeps each list of jobs, and their arrays, for threads that are gone."""
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    assert subprocess.run(command, timeout=60, check=False).returncode == 3
