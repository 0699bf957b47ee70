"""The processes that train trials at the same time, and their messages."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

_CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    " from tinynet.commands.tune.worker import main; main()"
)

_POLL = 0.2
"""Seconds after which a signal that arrived meanwhile is noticed."""


class Job:
    """A process that trains one trial after the other; it starts with its first one.

    Attributes:
        trial: Number of the trial that it trains; None without one.
    """

    def __init__(self, inbox: "SimpleQueue[tuple[Job, dict[str, Any]]]") -> None:
        self.trial: int | None = None
        self._inbox = inbox
        self._process: subprocess.Popen[str] | None = None

    def start(self, trial: int, job: dict[str, Any]) -> None:
        """Train a trial."""
        self.trial = trial
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            threading.Thread(target=self._receive, args=[self._process], daemon=True).start()
        self.answer(job)

    def answer(self, message: dict[str, Any]) -> None:
        """Send a message to the process; one that has died reports that by itself."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):  # ValueError: closed, as the process has ended
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()

    def stop(self) -> None:
        """Let the process save its trial and report that it was interrupted."""
        if (process := self._process) is not None:
            process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End the process; a trial that it trains is saved."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with suppress(OSError):
            process.stdin.close()
        process.wait()

    def _receive(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ValueError):
            for line in process.stdout:
                self._inbox.put((self, json.loads(line)))
        process.stdout.close()
        with suppress(OSError):
            process.stdin.close()
        code = process.wait()
        self._process = None if self._process is process else self._process
        message = {"kind": "died", "killed": code < 0, "error": _death(code)}
        self._inbox.put((self, message))


def _death(code: int) -> str:
    """Return the reason why a process ended."""
    if code < 0:
        with suppress(ValueError):
            name = signal.Signals(-code).name
            hint = ", perhaps for lack of memory" if name == "SIGKILL" else ""
            return f"its process was ended by {name}{hint}"
    return f"its process ended with exit code {code}"


class Jobs:
    """The processes of a study."""

    def __init__(self, number: int) -> None:
        self._inbox: SimpleQueue[tuple[Job, dict[str, Any]]] = SimpleQueue()
        self._jobs = [Job(self._inbox) for _ in range(number)]

    @property
    def idle(self) -> list[Job]:
        """The processes without a trial."""
        return [job for job in self._jobs if job.trial is None]

    @property
    def busy(self) -> list[Job]:
        """The processes that train a trial."""
        return [job for job in self._jobs if job.trial is not None]

    def messages(self, check: Callable[[], None]) -> Iterator[tuple[Job, dict[str, Any]]]:
        """Yield messages while a process trains; call ``check`` before each and between them."""
        while self.busy:
            check()
            try:
                job, message = self._inbox.get(timeout=_POLL)
            except Empty:
                continue
            if job.trial is not None:
                yield job, message

    def stop(self) -> None:
        """Let every process save its trial."""
        for job in self.busy:
            job.stop()

    def close(self) -> None:
        """End all processes."""
        for job in self._jobs:
            job.close()


@contextmanager
def processes(number: int) -> Iterator[Jobs]:
    """Processes that end with the block."""
    jobs = Jobs(number)
    try:
        yield jobs
    finally:
        jobs.close()


def threads_of_each(number: int) -> int:
    """Return the threads of each of several processes: the cores are divided among them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // number)
