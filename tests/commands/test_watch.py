"""`tinynet watch`: the state of runs, while they are trained and afterwards."""

import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tinynet
from tinynet.commands.watch.curves import ASCII, UNICODE, bar, characters, curve
from tinynet.commands.watch.facts import facts
from tinynet.commands.watch.following import RunReader, Watched, follow
from tinynet.commands.watch.news import News
from tinynet.commands.watch.timing import ago, clock, elapsed, time_left
from tinynet.commands.watch.view import run_view, runs_view
from tinynet.errors import CheckpointError
from tinynet.events import Evaluated, StopTraining

SPEC = {
    "tinynet": 1,
    "name": "watched",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 3,
        "batch_size": 50,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.001},
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def watching(observe, path="runs/x"):
    """Train, and call a function with every evaluation, while the run is locked."""
    called = lambda event: observe(event) if isinstance(event, Evaluated) else None  # noqa: E731
    return tinynet.train(SPEC, path, observer=called)


def stop(event):
    if event.epoch == 2:
        raise StopTraining


def view(path, width=80, height=24, using=UNICODE):
    (state,) = RunReader([Path(path)]).read()
    return run_view(state, NOW, width, height, using)


def test_a_run_in_training_has_a_bar_and_its_evaluations():
    views = []
    watching(lambda event: views.append(view("runs/x")))
    last = views[2]  # the row of an evaluation is written after its observers
    assert last[0].startswith("runs/x: training, epoch 2 of 3, step 4 of 6, updated")
    assert "67%" in last[1]
    assert last[2].startswith("train/loss  █▁  ")
    assert [line.split()[0] for line in last[4:7]] == ["epoch", "1/3", "2/3"]
    assert last[7].startswith("Best epoch ")  # as of the newest checkpoint


def test_a_finished_run_names_its_best_epoch():
    watching(lambda event: None)
    lines = view("runs/x")
    assert lines[0].startswith("runs/x: finished, epoch 3 of 3, step 6 of 6, updated")
    assert re.fullmatch(r"time \d\.\d s", lines[1])
    assert lines[-1].startswith("Best epoch 3 of 3: val/loss ")


def test_a_stopped_run_has_the_command_that_resumes_it():
    watching(stop)
    assert view("runs/x")[-1] == "Stopped by an observer. Continue with: tinynet resume runs/x"
    Path("runs/x/ending.json").unlink()
    assert view("runs/x")[-1] == "Not finished. Continue with: tinynet resume runs/x"


def test_a_view_fits_the_terminal():
    watching(lambda event: None)
    for width, height in itertools.product([40, 60, 80, 120, 200], [6, 12, 24]):
        assert all(len(line) <= width for line in view("runs/x", width, height))
    rows = [line.split()[0] for line in view("runs/x", height=9) if re.search(r" \d\.\d s", line)]
    assert rows == ["time", "3/3"]


def test_runs_are_followed_until_none_is_trained():
    """Each look is after a wait; the last one is after the end of the training."""
    calls, looks = [], iter([(True, False), (True, True), (False, False)])

    def read():
        calls.append("read")
        return [Watched(Path("x"), None, training) for training in next(looks)]

    ends = [ended for _, ended in follow(read, lambda: calls.append("wait"))]
    assert ends == [False, False, True]
    assert calls == ["read", "wait", "read", "wait", "read"]


def test_a_pipe_gets_every_evaluation_once():
    lines, reader, news = [], None, News(several=False)

    def observe(event):
        nonlocal reader
        reader = reader or RunReader([Path("runs/x")])
        lines.extend(news.lines(reader.read()))

    watching(observe)
    lines.extend(news.lines(reader.read()))
    lines.extend(news.lines(reader.read()))
    starts = [line.split()[0] for line in lines]
    assert starts == ["runs/x:", "epoch", "1/3", "2/3", "3/3", "runs/x:", "Best"]
    assert lines[0].startswith("runs/x: training, epoch ")
    assert lines[5] == "runs/x: finished, epoch 3 of 3, step 6 of 6"


def test_lines_of_several_runs_name_the_run():
    watching(stop, "runs/a")
    watching(lambda event: None, "runs/b")
    reader = RunReader([Path("runs")])
    assert reader.several
    lines = list(News(several=True).lines(reader.read()))
    assert lines[0].startswith("runs/a: epoch 1/3, step 2: train/loss ")
    assert "runs/b: finished, epoch 3 of 3, step 6 of 6" in lines
    assert all(line.startswith(("runs/a: ", "runs/b: ")) for line in lines)
    table = runs_view(reader.read(), NOW, 120, 24, ASCII)
    assert [line.split()[:3] for line in table[1:]] == [
        ["runs/a", "stopped", "2/3"],
        ["runs/b", "finished", "3/3"],
    ]
    narrow = runs_view(reader.read(), NOW, 40, 24, ASCII)
    assert all(len(line) <= 40 for line in narrow)
    assert " ".join(line.strip() for line in narrow[3:]) == (
        "3 columns left out at this width: last loss, best, updated"
    )
    cut = runs_view(reader.read(), NOW, 40, 5, ASCII)
    assert cut[1] == "... and 2 more", "a table and its notes fit the terminal"
    assert len(cut) <= 4
    assert runs_view(reader.read(), NOW, 120, 3, ASCII)[-1] == "... and 2 more"


def test_a_new_run_in_a_watched_folder_appears():
    watching(stop, "runs/a")
    reader = RunReader([Path("runs")])
    assert len(reader.read()) == 1
    watching(stop, "runs/b")
    assert [state.path.name for state in reader.read()] == ["a", "b"]


def test_a_run_that_has_not_changed_is_not_read_again():
    watching(stop)
    reader = RunReader([Path("runs/x")])
    (first,), (second,) = reader.read(), reader.read()
    assert first is second
    tinynet.resume("runs/x")
    (third,) = reader.read()
    assert third.record.state == "finished"


@pytest.mark.parametrize("path", ["nothing", "file", "empty"])
def test_a_path_without_a_run_is_an_error(path):
    Path("file").write_text("")
    Path("empty").mkdir()
    with pytest.raises(CheckpointError):
        RunReader([Path(path)])


def test_a_damaged_run_is_an_error_of_its_own_row():
    watching(stop, "runs/a")
    watching(stop, "runs/b")
    for checkpoint in Path("runs/a/checkpoints").iterdir():
        checkpoint.write_bytes(b"damaged")
    reader = RunReader([Path("runs")])
    first, second = runs_view(reader.read(), NOW, 200, 24, ASCII)[1:]
    assert "error: no checkpoint of runs/a is intact" in first
    assert "stopped" in second
    assert facts(reader.read()[0])["state"] == "unreadable"


def test_a_loss_that_is_not_finite_is_shown():
    watching(stop)
    log = Path("runs/x/metrics.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[-1] |= {"train/loss": None, "val/loss": None}
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert view("runs/x")[2] == "train/loss  ▁  nan"
    assert "nan" in view("runs/x")[6]
    assert "nan" in runs_view(RunReader([Path("runs/x")]).read(), NOW, 120, 24, ASCII)[1]


def test_names_from_a_log_cannot_control_the_terminal():
    watching(stop)
    log = Path("runs/x/metrics.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    evil = {"val/\x1b[2J\n": 0.5}
    log.write_text("".join(json.dumps({**line, **evil}) + "\n" for line in lines))
    reader = RunReader([Path("runs/x")])
    views = [view("runs/x", width) for width in (40, 200)]
    for line in [*views[0], *views[1], *News(several=False).lines(reader.read())]:
        assert line.isprintable()


def test_the_time_left_follows_from_the_last_evaluations():
    class Record:
        state, total_steps, step = "training", 100, 40
        updated, seconds = NOW - timedelta(seconds=7), 20.0
        history = tuple({"step": n, "wall": {"seconds": n / 2}} for n in (20, 40))

    assert time_left(Record, NOW) == 60 * 0.5 - 7
    assert elapsed(Record, NOW) == 27
    assert ago(Record, NOW) == "7 s ago"
    assert ago(Record, NOW + timedelta(hours=5)) == "5 h ago"
    resumed = [{"wall": {"seconds": seconds}} for seconds in (3.0, 5.0, 2.0, 4.0, 1.0)]
    assert clock(resumed) == [3, 5, 7, 9, 10]


def test_curves():
    assert curve([3, 2, None, float("nan"), 1], 40, UNICODE) == "█▅▁"
    assert curve([1, 1], 40, UNICODE) == "▁▁"
    assert curve([], 40, UNICODE) == ""
    assert curve([100, 10, 1], 40, UNICODE) == "█▅▁", "losses of very different sizes"
    assert len(curve([*range(1000)], 40, UNICODE)) == 40
    assert bar(0.25, 8, ASCII) == "##------"
    assert bar(7.0, 4, UNICODE) == "━━━━"
    assert (characters("utf-8"), characters("latin-1"), characters(None)) == (UNICODE, ASCII, ASCII)
