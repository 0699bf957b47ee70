"""Runs that ended early, whose summaries say why: an observer, a signal, a divergence, an error."""

import json
import signal

import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.commands.watch.view import closing
from tinynet.errors import DivergedError
from tinynet.events import Evaluated, StepDone, StopTraining
from tinynet.run.ending import NAME, read_ending
from tinynet.run.ending_text import ending_text, resume_text
from tinynet.run.interrupts import Interrupted
from tinynet.run.record import read_record

SGD = {"type": "sgd", "learning_rate": 0.001}
SPEC = small_spec("ending", data=HUNDRED, epochs=2, batch_size=50, optimizer=SGD)


def at_evaluation(action):
    def observe(event):
        if isinstance(event, Evaluated):
            action()

    return observe


def stop(reason):
    raise StopTraining(reason)


def test_the_reason_of_an_observer_is_kept(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "r", observer=at_evaluation(lambda: stop("enough")))
    assert (run.stop_reason, run.stop_message) == ("observer", "enough")
    record = read_record(run.path)
    assert (record.state, record.stop_reason, record.message) == ("stopped", "observer", "enough")
    assert ending_text(record) == "Stopped by an observer: enough"
    assert closing(record)[-1].endswith(f"Continue with: tinynet resume {run.path}")
    done = tinynet.resume(run.path)
    assert done.stop_message == ""
    record = read_record(run.path)
    assert (record.state, record.stop_reason, record.message) == ("finished", "epochs", "")
    assert not (run.path / NAME).exists()


def test_a_signal_is_named(tmp_path):
    send = at_evaluation(lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted):
        tinynet.train(SPEC, tmp_path / "r", observer=send)
    record = read_record(tmp_path / "r")
    assert (record.state, record.message) == ("stopped", "interrupted by SIGTERM")


def test_a_divergence_is_not_taken_for_an_interrupt(tmp_path):
    """Resumed as it is, the run would diverge again."""
    changes = {"training.optimizer.learning_rate": 1e38}
    with pytest.raises(DivergedError):
        tinynet.train(SPEC, tmp_path / "r", overrides=changes)
    record = read_record(tmp_path / "r")
    assert record.state == "diverged"
    assert "the loss is not finite at step" in record.message
    command = "--set training.optimizer.learning_rate=1e+37"
    advice = resume_text(record.state, record.sections, record.path)
    assert advice.startswith("Continue with a smaller learning rate: tinynet resume")
    assert advice.endswith(command)


def test_an_error_is_named(tmp_path):
    def fail():
        raise ValueError("no such place")

    with pytest.raises(ValueError, match="no such place"):
        tinynet.train(SPEC, tmp_path / "r", observer=at_evaluation(fail))
    record = read_record(tmp_path / "r")
    assert (record.state, record.message) == ("failed", "ValueError: no such place")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 10**5,
        b"\xff\x00",
        b'{"state": "stopped"}',
        json.dumps({"state": "\x1b[2J", "message": "x", "step": 9}).encode(),
        json.dumps({"state": "diverged", "message": "an earlier end", "step": 1}).encode(),
    ],
)
def test_a_damaged_or_outdated_record_is_ignored(tmp_path, content):
    """A killed process leaves no record of its end, and an earlier one must not stand for it."""
    run = tinynet.train(SPEC, tmp_path / "r", observer=at_evaluation(lambda: stop("")))
    assert read_ending(run.path).by_observer
    (run.path / NAME).write_bytes(content)
    record = read_record(run.path)
    assert (record.state, record.stop_reason, record.message) == ("stopped", None, "")
    (run.path / NAME).unlink()
    (run.path / NAME).mkdir()
    assert read_record(run.path).state == "stopped"
    assert tinynet.resume(run.path).finished


def change(event):
    figures = getattr(event, "figures", None)
    if figures is not None:
        figures["val/loss"] = 160.0


def test_an_observer_cannot_change_what_is_logged(tmp_path):
    with pytest.raises(TypeError, match="read-only"):
        tinynet.train(SPEC, tmp_path / "r", observer=change)
    statistics = {"training.log_statistics_every_steps": 1}
    seen = []

    def attempt(event):
        seen.append(event)
        dicts = [event.figures] if isinstance(event, Evaluated) else []
        if isinstance(event, StepDone):
            parts = event.statistics
            dicts = [parts.parameters, *parts.outputs.values(), parts.gradients]
        for found in dicts:
            for name, arguments in (("clear", ()), ("pop", ("x",)), ("update", ({"a": 1},))):
                with pytest.raises(TypeError):
                    getattr(found, name)(*arguments)
            with pytest.raises(TypeError):
                found |= {"val/loss": 160.0}

    run = tinynet.train(SPEC, tmp_path / "s", observer=attempt, overrides=statistics)
    assert all(0 < line["val/loss"] < 100 for line in run.history)
    run.figures["own"] = 1.0  # the result is the caller's
