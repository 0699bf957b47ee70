"""The display of progress: sentences, speed of output, and streams that fail."""

import io
import sys
from pathlib import Path

import pytest

import tinynet
from tinynet.events import (
    BestEvaluation,
    Ended,
    Evaluated,
    Evaluating,
    Started,
    StepDone,
    StoppedEarly,
    StopTraining,
    Warned,
)
from tinynet.progress.bar import TimeLeft
from tinynet.progress.display import Display
from tinynet.progress.stream import ProgressStream
from tinynet.progress.text import TextSurface

SPEC = {
    "tinynet": 1,
    "name": "shown",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 50,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}
STARTED = Started(Path("runs/x"), 0, 2000, 100)
BEST = BestEvaluation("val/loss", 0.0312, 700, 7)


def shown(*events, clock=lambda: 0.0):
    """Return the lines that a pipe gets of events."""
    stream = io.StringIO()
    with Display(surface=TextSurface(ProgressStream(stream)), clock=clock) as display:
        for event in events:
            display(event)
    return stream.getvalue().splitlines()


def ended(reason="epochs", message="", path=Path("runs/x/checkpoints/step-000000000700.msgpack")):
    return Ended(2000, 20, reason, message, BEST, path)


def test_the_end_names_the_best_epoch_and_its_checkpoint():
    assert shown(STARTED, ended())[-1] == (
        "Best epoch 7 of 20: val/loss 0.0312, saved as checkpoints/step-000000000700.msgpack"
    )
    assert shown(STARTED, ended(path=None))[-1] == (
        'Best epoch 7 of 20: val/loss 0.0312, not saved: "keep_best": {"metric": "val/loss"} in'
        ' "checkpoint" saves it'
    )


def test_evaluations_by_step_name_the_step():
    by_step = Started(Path("runs/x"), 0, 2000, 100, None, True)
    lines = shown(by_step, Evaluated(400, 5, {"train/loss": 1.0}, True, True), ended())
    assert lines[1].split() == ["step", "train/loss", "samples/s"]
    assert lines[-1].startswith("Best evaluation at step 700 of 2,000: val/loss 0.0312, saved as")


def test_early_stopping_names_the_best_evaluation_once():
    early = StoppedEarly("val/loss", 3, BEST, True)
    lines = shown(STARTED, early, ended("early_stopping"))
    assert lines[1:] == [
        "Stopped early: val/loss has not improved for 3 evaluations; best epoch 7 (0.0312), saved"
        " as the best checkpoint"
    ]


def test_a_run_that_an_observer_stopped_has_its_reason():
    lines = shown(STARTED, ended("observer", "pruned:\n 0.4 after \x1b epoch 3"))
    assert lines[1] == r"Stopped by an observer at step 2,000: pruned: 0.4 after \x1b epoch 3"
    assert shown(STARTED, ended("observer"))[1] == "Stopped by an observer at step 2,000"


def test_a_pipe_gets_the_position_once_a_minute():
    """The log of a job must not be silent for the hours of an epoch, nor full of positions."""
    times = iter(range(0, 10_000, 7))
    steps = [StepDone(step, 1, step, 0.5, 0.1, 32) for step in range(1, 40)]
    lines = shown(STARTED, *steps, clock=lambda: float(next(times)))
    assert len(lines) == 1 + 39 * 7 // 63
    assert lines[1] == "epoch 1/20, step 9 of 2,000: loss 0.5000, 5 samples/s"


def test_a_fast_run_in_a_pipe_has_only_rows():
    steps = [StepDone(step, 1, step, 0.5, 0.1, 32) for step in range(1, 40)]
    assert len(shown(STARTED, *steps, Evaluating(3, 6))) == 1


def test_quiet_shows_warnings_alone():
    stream = io.StringIO()
    with Display(quiet=True, surface=TextSurface(ProgressStream(stream))) as display:
        for event in (Warned("odd"), STARTED, Warned("odd"), ended()):
            display(event)
    assert display.started
    assert stream.getvalue() == "warning: odd\n"


def test_progress_is_shown_on_stderr_alone(tmp_path, capsys):
    run = tinynet.train(SPEC, tmp_path / "run", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].endswith("run (4 steps, 2 epochs)")
    assert [line.split()[0] for line in lines[2:5]] == ["epoch", "1/2", "2/2"]
    longer = {"training.epochs": 3}
    tinynet.resume(run.path, overrides=longer, progress=True)
    assert "resuming at step 4 (6 steps, 3 epochs)" in capsys.readouterr().err


def test_training_is_silent_unless_asked(tmp_path, capsys):
    tinynet.train(SPEC, tmp_path / "run")
    assert capsys.readouterr() == ("", "")


def test_progress_and_observers_are_independent(tmp_path, capsys):
    observed = []

    def stop(event):
        observed.append(event)
        if isinstance(event, Evaluated):
            raise StopTraining("enough")

    tinynet.train(SPEC, tmp_path / "run", progress=True, observer=stop)
    assert isinstance(observed[-1], Ended)
    assert "Stopped by an observer at step 2: enough\n" in capsys.readouterr().err


class Broken(io.StringIO):
    """A terminal that has gone away."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [Broken, closed, lambda: None])
def test_a_stream_that_fails_does_not_end_a_training(tmp_path, monkeypatch, make):
    monkeypatch.setattr(sys, "stderr", make())
    assert tinynet.train(SPEC, tmp_path / "run", progress=True).finished


def test_a_stream_of_another_encoding_gets_escapes(monkeypatch):
    content = io.BytesIO()
    stream = ProgressStream(io.TextIOWrapper(content, encoding="ascii"))
    stream.write("é")
    stream.flush()
    assert content.getvalue() == rb"\xe9"


def test_the_bar_has_the_time_left_as_other_commands_write_it():
    class Task:
        time_remaining = None

    texts = []
    for Task.time_remaining in (None, 4.44, 59.2, 125):
        texts.append(TimeLeft().render(Task).plain)
    assert [text.strip() for text in texts] == ["- left", "4.4 s left", "59 s left", "0:02:05 left"]
    assert len({*map(len, texts)}) == 1, "the bar's width changes with the time"
