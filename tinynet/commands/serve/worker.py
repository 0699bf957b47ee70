"""The process that predicts, one request after the other, until its stdin ends.

Its arguments are a folder for its files, which ends with it, and the process id of its parent.
It reads pickles of its parent, and writes plain frames: a status, a length, and a JSON document.
"""

import os
import pickle
import shutil
import struct
import sys
import tempfile
import threading
import time
from typing import IO

from tinynet.commands.serve.answers import Answer, answer
from tinynet.text.options import named_for_command_line

FRAME = struct.Struct(">HQ")
"""Status and length of an answer."""

CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    " from tinynet.commands.serve.worker import main; main()"
)
"""The program of the process; Ctrl-C in a terminal, which reaches it too, is its parent's."""


@named_for_command_line()
def main() -> None:
    """Serve the parent."""
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what plugins print must not mix with answers
    sys.stdout = sys.stderr
    folder, parent = sys.argv[1], int(sys.argv[2])
    tempfile.tempdir = folder
    threading.Thread(target=_end_with, args=(parent, folder), daemon=True).start()
    model, limits, threads = pickle.load(source)
    _send(sink, Answer(200, b""))
    while True:
        try:
            job = pickle.load(source)
        except EOFError:
            shutil.rmtree(folder, ignore_errors=True)
            return
        _send(sink, answer(model, job, limits, threads))


def _end_with(parent: int, folder: str) -> None:
    """End this process, also while it computes, once its parent has been killed."""
    while os.getppid() == parent:
        time.sleep(0.5)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _send(sink: IO[bytes], result: Answer) -> None:
    try:
        sink.write(FRAME.pack(result.status, len(result.content)) + result.content)
        sink.flush()
    except OSError:  # the parent has ended
        os._exit(0)
