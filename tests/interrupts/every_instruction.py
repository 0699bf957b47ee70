"""Interrupt a call at each of its bytecode instructions: `every_instruction.py SCENARIO [STRIDE]`.

With a stride of 4, each fourth instruction is tried. Prints how many were tried, and exits with 1
and a list of those after which something was wrong. A call that hangs ends the process after
`LIMIT` seconds, with its stack.
"""

import faulthandler
import hashlib
import signal
import sys
import threading
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from threadpoolctl import threadpool_info

from tinynet.engine import (
    background,
    batch_pass,
    engine,
    inference,
    numeric_context,
    sharding,
)
from tinynet.engine import (
    threads as threads_module,
)
from tinynet.engine.threads import ThreadPool
from tinynet.errors import TinynetError
from tinynet.kernels.blas import one_blas_thread
from tinynet.network.network import Network
from tinynet.run import saver as saver_module
from tinynet.run.saver import Saver
from tinynet.spec.reading import load_spec
from tinynet.training import loader, state_guard, updater
from tinynet.training import trainer as trainer_module
from tinynet.training.trainer import Trainer

LIMIT = 600

DATA = bytes(2_000_000)
"""Work for a worker thread, for which the main thread must wait."""

MAIN = threading.get_ident()

STRIDE = int(sys.argv[2]) if len(sys.argv) > 2 else 1


def surroundings():
    """Everything global that a call might leave changed."""
    return (
        one_blas_thread().holders,
        [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"],
        np.geterr(),
        signal.getsignal(signal.SIGINT),
    )


class Interrupter:
    """Traces a call, and interrupts it at one instruction of some modules.

    From Python 3.12 on, the first call of a function after one that was not traced has few events.
    So everything is traced there, until `end`.
    """

    def __init__(self, modules, interrupt):
        self._files = {module.__file__ for module in modules}
        self._interrupt = interrupt
        self._countdown, self._place = 0, None
        self._between = self._trace if sys.version_info >= (3, 12) else None

    def call(self, function, at):
        """Call a function; return what it raised, and the place of the interrupt, or None."""
        self._countdown, self._place = at, None
        sys.settrace(self._trace)
        error = None
        try:
            function()
        except BaseException as raised:
            error = raised
        finally:
            self._countdown = 0
            sys.settrace(self._between)
        return error, self._place

    def end(self):
        """Trace no more."""
        sys.settrace(None)

    def _trace(self, frame, event, argument):
        if frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and self._countdown:
            self._countdown -= 1
            if not self._countdown:
                self._place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                self._interrupt()
        return self._trace


def raise_interrupt():
    raise KeyboardInterrupt


def send_signal():
    signal.raise_signal(signal.SIGINT)


def interrupt_everywhere(modules, prepare, interrupt=raise_interrupt):
    """Interrupt calls until one runs through. Return the number of places, and the faults.

    Args:
        modules: In whose instructions interrupts come.
        prepare: Returns a function to call, and one that lists what is wrong after it.
        interrupt: Interrupts the thread that calls it.
    """
    interrupter, faults, at, tried = Interrupter(modules, interrupt), [], 0, 0
    function, check = prepare()
    interrupter.call(function, at)
    check()
    before = surroundings()
    while True:
        at += STRIDE
        function, check = prepare()
        error, place = interrupter.call(function, at)
        new_faults = check()
        if surroundings() != before:
            new_faults.append(f"left {surroundings()}")
        if place is None:
            interrupter.end()
            return tried, faults + new_faults
        tried += 1
        if type(error) is not KeyboardInterrupt:
            new_faults.append(f"raised {error!r}")
        faults += [f"{place}: {fault}" for fault in new_faults]


class Jobs:
    """Jobs for a pool: the main thread has done its own while a worker thread still computes."""

    def __init__(self):
        self.began, self.ended, self.done, self._start = [], [], [], SimpleQueue()

    def __call__(self):
        if threading.get_ident() != MAIN:
            self.began.append(None)
            self._start.put(None)
            hashlib.sha256(DATA).digest()
            self.ended.append(None)
        elif not self.done:
            self._start.get()
        self.done.append(None)

    def check(self):
        computing = len(self.began) - len(self.ended)
        return [f"returned while {computing} compute"] if computing else []


def pool():
    """`ThreadPool.run` never hangs, and never returns while a worker computes."""
    threads = ThreadPool(2)

    def prepare():
        jobs = Jobs()

        def check():
            faults = jobs.check()
            after = Jobs()
            threads.run([after] * 3)
            return faults if len(after.done) == 3 else [*faults, "the next jobs were not done"]

        return (lambda: threads.run([jobs] * 3)), check

    outcome = interrupt_everywhere([threads_module, threading], prepare)
    together = threading.Barrier(2)
    threads.run([together.wait, together.wait])  # The worker thread still serves.
    return outcome


def predict():
    """`Network.predict` restores BLAS and NumPy's settings, on one shard and on several."""
    split_small_batches()
    layers = [{"type": "flatten"}, {"type": "dense", "units": 32}, {"type": "dense", "units": 2}]
    network = Network({"layers": layers}, (8, 8), seed=1)
    tried, faults = 0, []
    for samples in (1, 24):
        x = np.ones((samples, 8, 8), np.float32)
        right = network.predict(x, threads=2)

        def prepare(x=x, right=right):
            def check():
                same = np.array_equal(network.predict(x, threads=2), right)
                return [] if same else ["the next prediction is wrong"]

            return (lambda: network.predict(x, threads=2)), check

        modules = [numeric_context, threads_module, inference]
        count, new_faults = interrupt_everywhere(modules, prepare)
        tried, faults = tried + count, faults + new_faults
    return tried, faults


TRAINING = {
    "tinynet": 1,
    "name": "interrupted",
    "data": {"type": "digits", "split": {"validation": 8, "test": 1741}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}, "batch_norm"]},
    "training": {
        "steps": 2,
        "batch_size": 24,
        "loss": "softmax_cross_entropy",
        "optimizer": "adam",
        "metrics": ["accuracy"],
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}


def split_small_batches():
    """Let batches of a small network have several shards, too."""
    sharding.SHARD_FLOPS, sharding.MIN_FLOPS_PER_PARAM = 1, 0


def in_shards():
    """A trainer whose batches have several shards, with two threads."""
    split_small_batches()
    return Trainer(load_spec(TRAINING), root=Path(), threads=2)


def snapshot(trainer):
    """Copies of a trainer's arrays, and its progress."""
    return {name: array.copy() for name, array in trainer.state().items()}, replace(
        trainer.progress
    )


def same(one, other):
    (arrays, progress), (others, others_progress) = one, other
    equal = all(np.array_equal(arrays[name], others[name]) for name in arrays)
    return equal and progress == others_progress


def update(interrupt):
    """A step is made or not, or the trainer says that it is torn; with signals, it never is."""
    trainer = in_shards()
    x, y = np.random.default_rng(0).random((24, 8, 8, 1)), np.arange(24) % 10
    step = partial(trainer.train_step, x, y)
    step()
    before = snapshot(trainer)
    step()
    after = snapshot(trainer)

    def check():
        try:
            now = snapshot(trainer)
        except TinynetError as error:
            torn = [] if interrupt is raise_interrupt else [f"torn: {error}"]
            try:
                step()
            except TinynetError:
                return torn
            return [*torn, "a torn trainer makes a step"]
        return [] if same(now, before) or same(now, after) else ["the update is half made"]

    def prepare():
        trainer.load_state(*before)
        return step, check

    modules = [trainer_module, state_guard, updater, numeric_context]
    if interrupt is send_signal:
        modules += [engine, batch_pass, threads_module]
    return interrupt_everywhere(modules, prepare, interrupt)


def loop():
    """A loop that is interrupted and run again ends as one that was not."""
    trainer = in_shards()
    start = snapshot(trainer)
    deque(trainer.run(), maxlen=0)
    end = snapshot(trainer)

    def check():
        deque(trainer.run(), maxlen=0)
        return [] if same(snapshot(trainer), end) else ["the run ends otherwise"]

    def prepare():
        trainer.load_state(*start)
        return partial(deque, trainer.run(), maxlen=0), check

    modules = [trainer_module, state_guard, loader, background]
    return interrupt_everywhere(modules, prepare, send_signal)


def save():
    """No snapshot is overwritten while it is saved, and the next save has its own."""

    def write(snapshot):
        hashlib.sha256(DATA).digest()
        return set(snapshot["params"].tolist())

    saver = Saver()

    def prepare():
        def two_saves():
            for value in (1, 2):
                for values in saver.start({"params": np.full(9, value)}, write):
                    saved.append(values)

        def check():
            rest = [*saver.start({"params": np.full(9, 3)}, write), *saver.wait()]
            torn = [values for values in [*saved, *rest] if len(values) > 1]
            return [f"saved {torn}"] if torn or rest[-1:] != [{3}] else []

        saved = []
        return two_saves, check

    return interrupt_everywhere([saver_module, background, threads_module], prepare)


SCENARIOS = {
    "pool": pool,
    "predict": predict,
    "exception-in-update": partial(update, raise_interrupt),
    "signal-in-update": partial(update, send_signal),
    "loop": loop,
    "save": save,
}

if __name__ == "__main__":
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    tried, faults = SCENARIOS[sys.argv[1]]()
    print(f"{tried} instructions, {len(faults)} faults")
    print(*faults[:20], sep="\n")
    sys.exit(bool(faults))
