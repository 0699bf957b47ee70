"""A command of tinynet with a fault in one of several processes: ``faulty.py RANK FAULT WORD...``.

The folder of this command has the distributions of `test_faults.py` in ``installed`` and ``other``.
"""

import os
import signal
import sys

import numpy as np
from tinynet_cli.main import main

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.run import joined_session
from tinynet.run.launcher import launched
from tinynet.training import evaluation_rounds


def nothing(words):
    """Have no fault."""


def no_plugin(words):
    """Have no distribution with the layer."""
    sys.path.remove("installed")


def other_plugin(words):
    """Have another version of the distribution with the layer."""
    sys.path[sys.path.index("installed")] = "other"


def other_kernels(words):
    """Compute with other kernels."""
    words += ["--kernels", "other"]


def other_numpy(words):
    """Have another version of NumPy."""
    np.__version__ = "1.99.0"


def no_data(words):
    """Have a folder of the data that lacks a file."""
    words += ["--data-root", "other"]


def sigterm_in_a_save(words):
    """Receive SIGTERM while the state is saved, or compared with that of the others."""
    _send(signal.SIGTERM, (Checkpoint, "write"), (joined_session, "require_same_state"))


def sigint_in_a_save(words):
    """Receive SIGINT likewise."""
    _send(signal.SIGINT, (Checkpoint, "write"), (joined_session, "require_same_state"))


def sigterm_in_an_evaluation(words):
    """Receive SIGTERM while a batch is evaluated."""
    _send(signal.SIGTERM, (evaluation_rounds, "_evaluate"))


def _send(number, *places):
    """Send a signal to this process in the third call of a function."""
    calls = []

    def replaced(function):
        def call(*arguments, **options):
            calls.append(None)
            if len(calls) == 3:
                os.kill(os.getpid(), number)
            return function(*arguments, **options)

        return call

    for owner, name in places:
        setattr(owner, name, replaced(getattr(owner, name)))


if __name__ == "__main__":
    rank, fault, *words = sys.argv[1:]
    sys.path.append("installed")
    if launched() is not None and launched()[1] == int(rank):
        globals()[fault](words)
    main(words)
