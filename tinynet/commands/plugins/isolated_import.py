"""Import plugins in a child process, so that one that crashes, hangs or exits affects no other.

The child process runs `tinynet.commands.plugins.import_process`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from tinynet.errors import OutdatedInstallationError
from tinynet.registry import Entry

MAX_OUTPUT = 10_000
"""Most bytes of a plugin's output that are kept."""


@dataclass(frozen=True)
class Answer:
    """The result of loading one type."""

    seconds: float | None  # None if the process ended
    problem: str  # what is wrong, or empty
    output: str = ""  # text that the plugin printed


def load_apart(entries: Sequence[Entry], patience: float) -> dict[Entry, Answer]:
    """Load types in a child process of at most ``patience`` seconds.

    If a type ends the process, load the rest in another.

    Raises:
        OutdatedInstallationError: if the metadata of tinynet itself names code that is gone.
    """
    answers: dict[Entry, Answer] = {}
    left = list(entries)
    while left:
        received, fate = _ask(left, patience)
        answers |= zip(left, received, strict=False)
        left = left[len(received) :]
        if left:
            answers[left.pop(0)] = Answer(None, fate)
    return answers


def _ask(entries: Sequence[Entry], patience: float) -> tuple[list[Answer], str]:
    """Return the answers of one process, and a description of its end."""
    request = json.dumps({"path": sys.path, "entries": [vars(entry) for entry in entries]})
    # Files, not pipes: a plugin's own processes may keep a pipe open.
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tinynet.commands.plugins.import_process", request],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            fate = _fate(process.wait(patience))
        except subprocess.TimeoutExpired:
            fate = f"its import takes longer than {patience:g} s"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        last = _lines(stderr)[-1:]
        return list(_answers(stdout, stderr)), ": ".join([fate, *last])


def _fate(code: int) -> str:
    if code < 0:
        return f"its import ends the process with a signal, {signal.strsignal(-code) or -code}"
    return f"its import ends the process with exit code {code}"


def _answers(stdout: IO[bytes], stderr: IO[bytes]) -> Iterator[Answer]:
    start = 0
    for line in _lines(stdout):
        answer = json.loads(line)
        if answer["outdated"]:
            raise OutdatedInstallationError(answer["problem"])
        stderr.seek(start)
        printed = stderr.read(min(answer["printed"] - start, MAX_OUTPUT))
        start = answer["printed"]
        yield Answer(answer["seconds"], answer["problem"], printed.decode("utf-8", "replace"))


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return file.read().decode("utf-8", "replace").split("\n")[:-1]
