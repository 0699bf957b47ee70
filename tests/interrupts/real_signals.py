"""Interrupt real calls by real signals: `real_signals.py CALL KERNELS COUNT`.

A process of its own sends each SIGINT after a random time. Then the state must be that before or
after the call, nothing global may be changed, and the same call without a signal must give what it
gives always. A call that hangs ends the process after `LIMIT` seconds, with its stack.
"""

import faulthandler
import random
import signal
import subprocess
import sys
from collections import Counter, deque
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from tinynet.engine import sharding
from tinynet.errors import TinynetError
from tinynet.kernels.blas import one_blas_thread
from tinynet.network.kernel_choice import choose_kernels
from tinynet.run.saver import Saver
from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer

LIMIT = 60

SENDER = """
import os, sys, time
for line in sys.stdin:
    time.sleep(float(line))
    os.kill(os.getppid(), 2)
"""

SPEC = {
    "tinynet": 1,
    "name": "interrupted",
    "data": {"type": "digits", "split": {"validation": 16, "test": 1685}},
    "network": {
        "layers": [
            {"type": "conv2d", "filters": 4, "kernel_size": 3},
            "batch_norm",
            "relu",
            "flatten",
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "steps": 5,
        "batch_size": 24,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        "metrics": ["accuracy"],
    },
}
"""Batches of 24 are computed in three shards, on two threads; a last one of 8 in one shard."""


class Case:
    """A call to interrupt.

    Attributes:
        call: Makes the call, from the same state each time.
        outcomes: Values that `state` may return after an interrupt; the last one without any.
        state: Returns everything that the call may change.
    """

    def __init__(self, call, state):
        self.call, self.state = call, state
        before = state()
        call()
        self.outcomes = [before, state()]


def frozen(trainer):
    """Everything in a trainer's state, to compare."""
    arrays = {name: array.tobytes() for name, array in trainer.state().items()}
    return arrays, replace(trainer.progress)


def steps(trainer):
    """One training step, in several shards or in one."""
    start = {name: array.copy() for name, array in trainer.state().items()}
    progress = replace(trainer.progress)
    rng = np.random.default_rng(0)
    cases = []
    for samples in (24, 7):
        x, y = rng.random((samples, 8, 8, 1)), np.arange(samples) % 10

        def call(x=x, y=y):
            trainer.load_state(start, progress)
            trainer.train_step(x, y)

        trainer.load_state(start, progress)
        cases.append(Case(call, lambda: frozen(trainer)))
    return cases


def loops(trainer):
    """A training loop that gathers samples ahead; interrupted, it is run again to its end."""
    start = {name: array.copy() for name, array in trainer.state().items()}
    progress = replace(trainer.progress)

    def call():
        trainer.load_state(start, progress)
        deque(trainer.run(), maxlen=0)

    def state():
        deque(trainer.run(), maxlen=0)
        return frozen(trainer)

    return [Case(call, state)]


def predictions(trainer):
    """Prediction, in several shards or in one."""
    network, cases = trainer.network, []
    for samples in (200, 7):
        x = np.random.default_rng(0).random((samples, 8, 8, 1))

        def call(x=x):
            network.predict(x, threads=2)

        cases.append(Case(call, lambda x=x: network.predict(x, threads=2).tobytes()))
    return cases


def saves(trainer):
    """Snapshots that are saved in the background: none may be overwritten meanwhile."""
    saver, saved = Saver(), []

    def write(snapshot):
        total = sum(float(array.sum()) for array in snapshot.values())
        return set(snapshot["all"].tolist()) if total else set()

    def call():
        for value in (1.0, 2.0):
            saved.extend(saver.start({"all": np.full(5000, value)}, write))

    def state():
        saved.extend([*saver.start({"all": np.full(5000, 3.0)}, write), *saver.wait()])
        torn, last = [values for values in saved if len(values) > 1], saved[-1]
        saved.clear()
        return torn, last

    return [Case(call, state)]


CALLS = {"step": steps, "loop": loops, "predict": predictions, "save": saves}


def surroundings():
    """Everything global that a call might leave changed."""
    native = sys.modules.get("tinynet_native")
    return (
        one_blas_thread().holders,
        [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"],
        np.geterr(),
        signal.getsignal(signal.SIGINT),
        native._kernels.threads_in_use() if native else 1,
    )


def interrupt(cases, count):
    """Interrupt calls so many times. Return how often what was seen."""
    counts, before = Counter(), surroundings()
    draw = random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-c", SENDER], stdin=subprocess.PIPE, text=True, bufsize=1
    ) as sender:
        for _ in range(count):
            case = draw.choice(cases)
            case.call()
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            try:
                sender.stdin.write(f"{draw.uniform(0, 0.002)}\n")
                while True:
                    case.call()
            except KeyboardInterrupt:
                counts["interrupts"] += 1
            except BaseException as error:
                counts[f"raised {type(error).__name__}"] += 1
            counts["leaks"] += surroundings() != before
            try:
                state = case.state()
                counts["before"] += state == case.outcomes[0] != case.outcomes[-1]
                counts["after"] += state == case.outcomes[-1]
                counts["torn"] += state not in case.outcomes
                case.call()
                counts["wrong afterwards"] += case.state() != case.outcomes[-1]
            except TinynetError:
                counts["torn"] += 1
        sender.stdin.close()
    faulthandler.cancel_dump_traceback_later()
    return counts


if __name__ == "__main__":
    call, kernels, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sharding.SHARD_FLOPS, sharding.MIN_FLOPS_PER_PARAM = 1, 0
    trainer = Trainer(load_spec(SPEC), root=Path(), threads=2, kernels=choose_kernels(kernels))
    counts = interrupt(CALLS[call](trainer), count)
    good = {"interrupts", "before", "after"}
    parts = [f"{n} {what}" for what, n in counts.items()]
    print(f"{call} with {kernels}: 0 hangs", *parts, sep=", ")
    sys.exit(any(n for what, n in counts.items() if what not in good))
