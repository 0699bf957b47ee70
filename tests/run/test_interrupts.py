"""Signals during a run: the first of a kind is recorded, the second has its usual effect."""

import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from tinynet.run.interrupts import SIGNALS, recorded_signals


@pytest.fixture
def handler():
    """Install handlers of signals for one test."""
    with ExitStack() as stack:

        def install(number, new):
            stack.callback(signal.signal, number, signal.signal(number, new))

        yield install


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_is_recorded_and_its_handler_restored(number):
    before = signal.getsignal(number)
    with recorded_signals() as interrupts:
        signal.raise_signal(number)
        assert interrupts.received == number
    assert signal.getsignal(number) == before


def test_first_of_several_kinds_is_recorded():
    with recorded_signals() as interrupts:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.raise_signal(number)
        assert interrupts.received == signal.SIGTERM


def test_second_ctrl_c_interrupts():
    with recorded_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.raise_signal(signal.SIGINT) or signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_second_signal_goes_to_the_previous_handler(handler):
    received = []
    handler(signal.SIGTERM, lambda number, frame: received.append(number))
    with recorded_signals():
        signal.raise_signal(signal.SIGTERM)
        assert not received
        signal.raise_signal(signal.SIGTERM)
    assert received == [signal.SIGTERM]


def test_ignored_hangup_stays_ignored(handler):
    """`nohup tinynet train` must outlive its terminal."""
    handler(signal.SIGHUP, signal.SIG_IGN)
    with recorded_signals() as interrupts:
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.received is None


TWICE = """
import signal
from tinynet.run.interrupts import recorded_signals
with recorded_signals():
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
"""


def test_second_sigterm_ends_the_process_without_a_traceback():
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, b"")


def test_other_threads_defer_no_signal():
    handlers = []

    def work():
        with recorded_signals():
            handlers.extend(signal.getsignal(number) for number in SIGNALS)

    before = [signal.getsignal(number) for number in SIGNALS]
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == before
