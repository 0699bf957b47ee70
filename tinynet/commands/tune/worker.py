"""The process that trains trials, one after the other, for `tinynet tune`.

It reads jobs from stdin and writes messages to stdout, a JSON object on a line each:

    job       {"run": folder, "spec": ..., "overrides": ..., "settings": ...,
               "allow_data_change": ...}
    message   {"kind": "evaluated", "step": ..., "epoch": ..., "figures": ...}, which is answered
              by {"prune": ...}; "warning"; and at the end "finished", "failed" (with the "type" of
              the error, see `tinynet.commands.tune.failures.name_of`) or "interrupted"

It ends with the process that reads its messages: the end of stdin stops a trial, which is saved.
"""

import json
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from tinynet.commands.tune.failures import name_of
from tinynet.errors import RunBusyError, TinynetError
from tinynet.events import Evaluated, RunEvent, StopTraining, Warned
from tinynet.run.folder import RunFolder
from tinynet.run.interrupts import Interrupted
from tinynet.run.result import Run
from tinynet.run.training_run import resume, train
from tinynet.text.options import named_for_command_line

_WAIT = 0.1
"""Seconds between attempts to train in a run folder that an orphaned worker still saves."""

_ATTEMPTS = 300


@named_for_command_line()
def main() -> None:
    """Train trials until stdin ends."""
    # Ctrl-C reaches every process of a terminal; the process that reads the messages decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Text that a plugin prints must not mix with the messages.
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    Worker(messages).work()


class Worker:
    """Trains the jobs that arrive on stdin."""

    def __init__(self, messages: TextIO) -> None:
        self._messages = messages
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._training = False
        threading.Thread(target=self._receive, daemon=True).start()

    def work(self) -> None:
        """Train jobs until stdin ends."""
        while (job := self._inbox.get()) is not None:
            self._send(self._train(job))

    def _receive(self) -> None:
        """Read stdin on a thread of its own: its end must stop a trial at any time."""
        for line in sys.stdin:
            self._inbox.put(json.loads(line))
        self._inbox.put(None)
        if self._training:
            os.kill(os.getpid(), signal.SIGTERM)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._messages.write(json.dumps(message) + "\n")
            self._messages.flush()
        except OSError:  # the reader is gone, and stdin ends too
            pass

    def _train(self, job: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        self._training = True
        try:
            return _result(self._attempt(job))
        except Interrupted:
            return {"kind": "interrupted"}
        except TinynetError as error:
            return _failure(error, str(error), started)
        except MemoryError as error:
            return _failure(error, f"not enough memory. {error}".strip(), started)
        except Exception as error:
            return _failure(error, f"{type(error).__name__}: {error}", started)
        finally:
            self._training = False

    def _attempt(self, job: dict[str, Any]) -> Run:
        settings = {**job["settings"], "observer": self._observe, "fleet": "none"}
        for attempt in range(_ATTEMPTS):
            try:
                if job["allow_data_change"] and RunFolder(Path(job["run"])).steps():
                    return resume(job["run"], allow_data_change=True, **settings)
                return train(
                    job["spec"], job["run"], resume=True, overrides=job["overrides"], **settings
                )
            except RunBusyError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_WAIT)
        raise AssertionError

    def _observe(self, event: RunEvent) -> None:
        if isinstance(event, Warned):
            self._send({"kind": "warning", "message": event.message})
        if isinstance(event, Evaluated):
            figures = {n: value for n, value in event.figures.items() if math.isfinite(value)}
            message = {"kind": "evaluated", "step": event.step, "epoch": event.epoch}
            self._send({**message, "figures": figures})
            answer = self._inbox.get()
            if answer is None:  # `_receive` has sent SIGTERM, which saves the run
                self._inbox.put(None)
            elif answer["prune"]:
                raise StopTraining("pruned")


def _result(run: Run) -> dict[str, Any]:
    best = run.best_evaluation
    return {
        "kind": "finished",
        "pruned": not run.finished,
        "value": None if best is None else best.value,
        "best_step": None if best is None else best.step,
        "best_epoch": None if best is None else best.epoch,
        "step": run.step,
        "epoch": run.epoch,
        "seconds": round(run.seconds, 3),
    }


def _failure(error: Exception, message: str, started: float) -> dict[str, Any]:
    seconds = round(time.monotonic() - started, 3)
    return {"kind": "failed", "type": name_of(error), "error": message, "seconds": seconds}
