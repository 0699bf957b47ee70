"""Output of training on terminals of any width, and in a pipe."""

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import termios

import pytest

from tinynet.progress.evaluations import EvaluationTable

METRICS = ["accuracy", "f1", {"type": "top_k_accuracy", "k": 3}, "precision"]
NAMES = ["loss", "accuracy", "f1", "top_k_accuracy", "precision"]
FIGURES = [f"{split}/{name}" for split in ("train", "val") for name in NAMES]
NUMBER = re.compile(r"-?\d+\.\d{4}")


@pytest.fixture
def on_terminal(fork):
    """Run a command on a pseudo-terminal; returns its lines, without control sequences."""

    def run(columns, *words):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        wait = fork([slave] * 3, words, {**environment, "TERM": "xterm"})
        os.close(slave)
        received = b""
        while piece := _read(master):
            received += piece
        os.close(master)
        assert wait() == 0, received
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", received.decode())
        return [line for line in re.split(r"[\r\n]+", text) if line.strip()]

    return run


def _read(master):
    try:
        return os.read(master, 65536)
    except OSError:  # as Linux ends a terminal whose last process has gone
        return b""


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_every_figure_is_whole_at_every_width(on_terminal, write_spec, columns):
    lines = on_terminal(columns, "train", write_spec(metrics=METRICS, epochs=1), "--run", "r")
    # A path can be copied, so only the terminal breaks it.
    assert max(len(line) for line in lines if "checkpoint: " not in line) <= columns
    end = next(number for number, line in enumerate(lines) if line.startswith("test (180"))
    end_of_table = next(n for n, line in enumerate(lines) if line.startswith("Best epoch 1 of 1"))
    table = [line for line in lines[:end_of_table] if "━" not in line]
    first = next(number for number, line in enumerate(table) if line.lstrip().startswith("epoch"))
    words = " ".join(table[first:]).split()
    blocks = words[words.index("epoch") + 1] == "1/1"
    names = ["1/1", "samples/s"] if blocks else [*FIGURES, "samples/s", "1/1"]
    assert [word for word in words if "/" in word] == names
    assert blocks == (columns < 120)
    if blocks:
        assert [line.split()[0] for line in table[first + 2 :]] == NAMES
        assert table[first].endswith("  best")
    else:
        assert words[-1] == "best"
    assert len(NUMBER.findall(" ".join(table[first:]))) == len(FIGURES)
    result = " ".join(lines[end:])
    for name in NAMES:
        assert re.search(rf"\b{name} \d+\.\d{{4}}(?!\d)", result)
    words = set(" ".join(lines).split())
    assert {"training,", "validation,", "default,", "data.split)"} <= words, "no word is cut"


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_the_bar_is_there_at_every_width(on_terminal, write_spec, columns):
    lines = on_terminal(columns, "train", write_spec(epochs=3), "--run", "r")
    bars = [line for line in lines if "━" in line]
    assert bars
    for bar in bars:
        assert len(bar) <= columns
        assert "…" not in bar
        assert bar.startswith("epoch ")
        assert bar.count("━") + bar.count("╸") + bar.count("╺") >= 8


def test_a_pipe_gets_one_line_for_each_epoch(tinynet, write_spec):
    lines = tinynet("train", write_spec(metrics=METRICS)).err.splitlines()
    assert lines[2].split() == ["epoch", *FIGURES, "samples/s"]
    assert [line.split()[0] for line in lines[3:-1]] == ["1/2", "2/2"]
    assert all(len(NUMBER.findall(line)) == len(FIGURES) for line in lines[3:-1])
    assert lines[-1].startswith("Best epoch 2 of 2: val/loss ")


@pytest.mark.parametrize("width", [1, 20, 33, 50, 77, 200])
def test_the_columns_of_a_table_stay_below_their_names(width):
    table = EvaluationTable("epoch", FIGURES, width)
    values = {name: index / 10 for index, name in enumerate(FIGURES)}
    row = table.row("3/30", values, "1,234", improved=True)
    assert len(row) == len(table.head)
    assert row[0].split()[0] == "3/30"
    assert row[-1].endswith("1,234  best")
    for head, line in zip(table.head, row, strict=True):
        for name in FIGURES:
            place = re.search(rf"(?<!\S){re.escape(name)}(?!\S)", head)
            if place:
                assert line[: place.end()].endswith(f" {values[name]:.4f}")
        assert len(head) <= max(width, 7 + 2 + max(map(len, FIGURES)))


STOPPING = {"metric": "val/loss", "patience": 2, "min_delta": 1e9}


def test_early_stopping_says_why_and_which_epoch_was_best(tinynet, write_spec):
    spec = write_spec(epochs=9, early_stopping=STOPPING)
    result = tinynet("train", spec, "--run", "r")
    reason, best = result.err.splitlines()[-2:]
    assert re.fullmatch(
        r"Stopped early: val/loss has not improved for 2 evaluations; best epoch 1 \(\d\.\d{4}\),"
        ' not saved: "keep_best": {"metric": "val/loss"} in "checkpoint" saves it',
        reason,
    )
    saved = r"Best epoch 3 of 9: val/loss \d\.\d{4}, saved as checkpoints/step-\d{12}\.msgpack"
    assert re.fullmatch(saved, best), "with such a min_delta keep_best has another best"
    assert " 3/9 " in result.err
    assert tinynet("train", spec, "--quiet").err == ""


def test_early_stopping_names_a_best_checkpoint_that_is_saved(tinynet, write_spec):
    rate = {"type": "sgd", "learning_rate": 1e-30}
    stopping = {"metric": "val/loss", "patience": 1}
    spec = write_spec(epochs=9, optimizer=rate, early_stopping=stopping)
    assert tinynet("train", spec, "--run", "r").err.endswith("), saved as the best checkpoint\n")


def test_json_has_the_reason_and_the_best_evaluation(tinynet, write_spec):
    report = tinynet("train", write_spec(epochs=9, early_stopping=STOPPING), "--json").json
    assert report["stop_reason"] == "early_stopping"
    assert report["best_evaluation"].keys() == {"metric", "value", "step", "epoch"}


@pytest.mark.parametrize(
    "training",
    [{}, {"epochs": None, "steps": 3}, {"epochs": 9, "early_stopping": STOPPING}],
    ids=["epochs", "steps", "early_stopping"],
)
def test_a_finished_run_says_how_to_train_longer_and_that_works(tinynet, write_spec, training):
    spec = write_spec()
    content = json.loads(spec.read_text())
    content["training"] = {k: v for k, v in {**content["training"], **training}.items() if v}
    spec.write_text(json.dumps(content))
    before = tinynet("train", spec, "--run", "my run", "--json").json["step"]
    again = tinynet("resume", "my run")
    assert again.code == 0
    early = " by early stopping" if "early_stopping" in training else ""
    start = f"my run has already finished{early} (step {before}). To train longer: tinynet "
    assert again.err.startswith(start)
    longer = tinynet(*shlex.split(again.err.removeprefix(start)), "--json")
    assert longer.code == 0
    assert longer.json["step"] > before
