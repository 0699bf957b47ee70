"""The process that predicts, one request after the other, until its stdin ends.

It reads pickles of its parent, and writes plain frames: a status, a length, and a JSON document.
"""

import os
import pickle
import struct
import sys
from typing import IO

from tinynet.commands.serve.answers import Answer, answer

FRAME = struct.Struct(">HQ")
"""Status and length of an answer."""

CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    " from tinynet.commands.serve.worker import main; main()"
)
"""The program of the process; Ctrl-C in a terminal, which reaches it too, is its parent's."""


def main() -> None:
    """Serve the parent."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what plugins print must not mix with answers
    sys.stdout = sys.stderr
    model, max_rows, threads = pickle.load(source)
    _send(sink, Answer(200, b""))
    while True:
        try:
            job = pickle.load(source)
        except EOFError:
            return
        _send(sink, answer(model, job, max_rows, threads))


def _send(sink: IO[bytes], result: Answer) -> None:
    try:
        sink.write(FRAME.pack(result.status, len(result.content)) + result.content)
        sink.flush()
    except OSError:  # the parent has ended
        os._exit(0)
