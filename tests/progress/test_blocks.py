"""The layout of evaluations at every width: all metrics whole, and each beside its name."""

import pytest

from tinynet.progress.blocks import EvaluationBlocks, evaluations
from tinynet.progress.evaluations import EvaluationTable

LONG = [f"share_of_the_answers_number_{number}" for number in range(12)]
NAMES = [f"{split}/{metric}" for split in ("train", "val") for metric in ("loss", *LONG)]
VALUES = {name: index / 10 for index, name in enumerate(NAMES)}


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 120, 200, 400])
def test_twelve_metrics_with_long_names_have_a_line_each(width):
    layout = evaluations("epoch", NAMES, width)
    assert isinstance(layout, EvaluationBlocks)
    assert layout.head == []
    lines = layout.row("3/20", VALUES, "1,234", improved=True)
    assert lines[0] == "epoch 3/20  samples/s 1,234  best"
    assert lines[1].split() == ["train", "val"]
    words = " ".join(lines[2:]).split()
    assert words == [
        word
        for metric in ("loss", *LONG)
        for word in (metric, *(f"{VALUES[f'{split}/{metric}']:.4f}" for split in ("train", "val")))
    ]
    if width >= 40:
        assert max(map(len, lines)) <= width


def test_a_figure_of_one_split_alone_has_an_empty_cell():
    layout = EvaluationBlocks("step", ["train/loss", "val/loss", "val/f1"], 40, last="time")
    lines = layout.row("400", {"train/loss": 1, "val/loss": 2, "val/f1": 3}, "0:01", improved=False)
    assert lines[0] == "step 400  time 0:01"
    assert lines[-1] == "  f1                3.0000"


def test_a_pipe_has_a_table_however_long_it_is():
    assert isinstance(evaluations("epoch", NAMES, None), EvaluationTable)


def test_the_speed_is_left_out_where_the_figures_alone_fit():
    names = ["train/loss", "train/accuracy", "val/loss", "val/accuracy"]
    values = dict.fromkeys(names, 0.5)
    assert evaluations("epoch", names, 80).head[0].endswith("samples/s")
    for width in (60, 66):
        narrow = evaluations("epoch", names, width)
        (head,) = narrow.head
        (row,) = narrow.row("1/20", values, "1,234", improved=True)
        assert head.endswith("val/accuracy")
        assert row.endswith("0.5000  best" if width == 66 else "0.5000 best")
        assert len(row) <= width


def test_names_are_escaped():
    names = [f"val/\x1b[2J\n{number}" for number in range(9)]
    lines = evaluations("epoch", names, 40).row("1/2", dict.fromkeys(names, 1), "1", improved=False)
    assert all(line.isprintable() for line in lines)
