"""Stopping a run, and two processes at one: what is said, what is saved, and the exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tinynet_cli.failure import interrupt_lines

LONG = 10**6


def wait_for_an_epoch(running):
    """Read stderr until the first epoch is over; training is under way then."""
    lines = []
    for line in running.stderr:
        lines.append(line)
        if line.lstrip().startswith("1/"):
            return lines
    raise AssertionError("".join(lines))


def stop(running, number):
    running.send_signal(number)
    return (*running.communicate(timeout=60), running.returncode)


def test_a_narrow_terminal_breaks_the_message_between_words():
    text = "Interrupted at step 1,204 and saved. Continue with: tinynet resume runs/digits-001"
    assert interrupt_lines(text, 40) == [
        "Interrupted at step 1,204 and saved.",
        "  Continue with:",
        "  tinynet resume runs/digits-001",
    ]
    assert interrupt_lines(text, None) == interrupt_lines(text, 100) == [text]
    assert interrupt_lines("interrupted at once", 12) == ["interrupted", "  at once"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_saves_says_so_and_resume_finishes(start, tinynet, write_spec, number, code):
    running = start("train", write_spec(epochs=LONG), "--run", "r")
    wait_for_an_epoch(running)
    out, err, returned = stop(running, number)
    assert returned == code
    assert out == ""
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.endswith("and saved. Continue with: tinynet resume r")
    step = int(last.removeprefix("Interrupted at step ").partition(" ")[0].replace(",", ""))
    epochs = step // 6 + 2
    result = tinynet("resume", "r", "--set", f"training.epochs={epochs}")
    assert result.code == 0
    assert f"r: resuming at step {step:,} (" in result.err
    log = [json.loads(line)["epoch"] for line in Path("r/metrics.jsonl").read_text().splitlines()]
    assert log == list(range(1, epochs + 1)), "no epoch is missing or told twice"


def test_two_signals_at_once_save_the_run_as_one_does(start, write_spec):
    """As from `kill -INT; kill -TERM`, or a terminal and a scheduler that end together."""
    running = start("train", write_spec(epochs=LONG), "--run", "r")
    wait_for_an_epoch(running)
    running.send_signal(signal.SIGINT)
    _, err, returned = stop(running, signal.SIGTERM)
    # The kernel delivers the lower number first if both are pending.
    assert returned == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].endswith("and saved. Continue with: tinynet resume r")


def test_json_tells_of_the_interruption(start, write_spec):
    running = start("train", write_spec(epochs=LONG), "--run", "r", "--json")
    while not os.path.exists("r/metrics.jsonl") or not os.path.getsize("r/metrics.jsonl"):
        assert running.poll() is None
    out, _, returned = stop(running, signal.SIGTERM)
    assert returned == 143
    assert json.loads(out)["error"]["type"] == "Interrupted"


def test_a_second_ctrl_c_leaves_at_once(write_spec):
    """The step in hand may take an hour, or hang."""
    driver = f"""
import signal
from tinynet.run import training_run
from tinynet.training.events import StepDone
from tinynet_cli import main

def twice(event):
    if isinstance(event, StepDone):
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second Ctrl-C did not leave")

original = training_run.train
training_run.train = lambda *a, **k: original(*a, **{{**k, "observer": twice}})
main.main(["train", {str(write_spec())!r}, "--run", "r"])
"""
    done = subprocess.run(
        [sys.executable, "-c", driver], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.strip() == "interrupted"
    assert sorted(os.listdir("r/checkpoints")) == ["step-000000000000.msgpack"]


def test_a_second_process_on_a_run_is_75_and_names_the_holder(start, tinynet, write_spec):
    running = start("train", write_spec(epochs=LONG), "--run", "r")
    wait_for_an_epoch(running)
    for words in (["resume", "r"], ["train", "spec.json", "--run", "r", "--resume"]):
        result = tinynet(*words)
        assert result.code == 75
        assert f"r is in use by process {running.pid} on " in result.err
    assert tinynet("evaluate", "r").code == 0, "reading needs no lock"
    running.kill()
    running.communicate()
    reached = max(int(path.name[5:17]) for path in Path("r/checkpoints").glob("step-*.msgpack"))
    end = ("--set", "training.epochs=null", "--set", f"training.steps={reached + 1}")
    assert tinynet("resume", "r", *end).code == 0, "a lock dies with its process"


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_stream_is_no_error(write_spec, closed):
    """So a service runs a command, `>&-`; Python has no `sys.stdout` then."""
    code = f"""
import sys
sys.{closed} = None
from tinynet_cli.main import main
main(["train", {str(write_spec())!r}, "--run", "r"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert os.path.exists("r/checkpoints/step-000000000012.msgpack"), "it trained to the end"


INTERRUPTING = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from {module} import main
main()
"""


@pytest.mark.parametrize(
    "name",
    ["click", "tinynet_cli.main", "tinynet_cli.train", "numpy", "numpy.linalg", "pydantic",
     "tinynet.errors", "tinynet.registry", "tinynet.run.training_run", "msgpack",
     "tinynet.builtin.layers.dense", "tinynet.builtin.optimizers.adam",
     "tinynet.builtin.datasets.digits"],
)  # fmt: skip
def test_ctrl_c_during_an_import_shows_no_traceback(spec, name):
    code = INTERRUPTING.format(name=name, module="tinynet_cli.entry")
    words = ["train", str(spec), "--run", "r", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    # A shell shows 130 for both.
    assert done.returncode in (130, -signal.SIGINT)
    assert done.stderr.strip() in ("", "interrupted")
    assert not os.path.exists("r/checkpoints/step-000000000012.msgpack")


def test_ctrl_c_while_an_error_is_reported_shows_no_traceback():
    code = INTERRUPTING.format(name="tinynet.run.interrupts", module="tinynet_cli.main")
    words = ["summary", "nothere.json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_an_ignored_ctrl_c_stays_ignored(write_spec):
    """So a shell starts a command in the background, with ``nohup`` or ``&``."""
    code = INTERRUPTING.format(name="tinynet.builtin.layers.dense", module="tinynet_cli.entry")
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + code
    words = ["train", str(write_spec()), "--run", "r", "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert done.returncode == 0
