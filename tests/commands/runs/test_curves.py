"""Curves of runs: panels by figure, positions on each axis, and moving averages."""

import json
from types import SimpleNamespace

import pytest

from tinynet.commands.runs.curves import panels, smoothed, undrawn
from tinynet.commands.runs.entries import entries_of
from tinynet.errors import UsageError
from tinynet.run.elapsed import elapsed, evaluation_times


def curves(paths, *choice):
    return {panel.title: panel.curves for panel in panels(entries_of(paths), *choice)}


def test_panels_hold_both_splits_of_all_runs(folder):
    found = curves(["runs"])
    assert [*found] == ["loss", "accuracy", "learning_rate"]
    assert [(c.run, c.name) for c in found["loss"]] == [
        (run, name) for run in range(4) for name in ("val/loss", "train/loss")
    ]
    assert [panel.is_loss for panel in panels(entries_of(["runs"]))] == [True, False, False]


def test_chosen_metrics(folder):
    found = curves(["runs/small-001"], "epoch", ["val/accuracy", "loss", "train/accuracy"])
    names = {title: [curve.name for curve in part] for title, part in found.items()}
    assert names == {
        "accuracy": ["val/accuracy", "train/accuracy"],
        "loss": ["val/loss", "train/loss"],
    }
    with pytest.raises(
        UsageError, match="no run has a figure 'accurancy'; did you mean 'accuracy'"
    ):
        curves(["runs"], "epoch", ["accurancy"])


def test_positions(folder):
    entries = entries_of(["runs/small-001"])
    (record,) = (entry.record for entry in entries)
    each = record.step // 2
    assert curves(["runs/small-001"])["loss"][0].x == [1, 2]
    assert curves(["runs/small-001"], "step")["loss"][0].x == [each, 2 * each]
    seconds = [line["wall"]["seconds"] for line in record.history]
    assert curves(["runs/small-001"], "time")["loss"][0].x == seconds


def test_best_evaluation_is_marked(folder):
    (record,) = (entry.record for entry in entries_of(["runs/small-001"]))
    curve = curves(["runs/small-001"])["loss"][0]
    assert curve.best == (record.best.epoch, record.best.value)
    assert curves(["runs/small-001"])["learning_rate"][0].best is None


def test_logged_steps_of_a_single_run(folder):
    """The loss of single steps is noise among the curves of several runs."""
    log = folder / "small-001" / "metrics.jsonl"
    line = {"step": 1, "epoch": 1, "loss": 2.5, "learning_rate": 0.1, "wall": {"seconds": 0.1}}
    log.write_text(json.dumps(line) + "\n" + log.read_text())
    assert [c.name for c in curves(["runs/small-001"])["loss"]] == [
        "val/loss",
        "train/loss",
        "loss",
    ]
    assert "loss" not in [c.name for c in curves(["runs"])["loss"]]


def test_figures_that_are_not_finite_are_gaps(folder):
    log = folder / "small-001" / "metrics.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[0]["val/loss"] = None
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert curves(["runs/small-001"])["loss"][0].y[0] is None


def test_moving_average():
    assert smoothed([1.0, None, 3.0], 0.5) == [1.0, None, pytest.approx(7 / 3)]
    assert smoothed([2.0] * 5, 0.9) == pytest.approx([2.0] * 5)
    assert smoothed([1.0, 2.0], 0.0) == [1.0, 2.0]


def lines(*pairs):
    return [{"step": step, "wall": {"seconds": seconds}} for step, seconds in pairs]


def test_elapsed_time_adds_the_processes():
    assert elapsed(lines((1, 1.0), (2, 2.0)), "a", []) == [1.0, 2.0]
    assert elapsed(lines((1, 1.0), (2, 0.5)), "a", []) == [1.0, 1.5]
    resumed = [{"run_id": "a", "step": 1}, {"run_id": "b", "step": 2}, {"run_id": "a", "step": "x"}]
    assert elapsed(lines((1, 1.0), (2, 2.0), (3, 3.0)), "a", resumed) == [1.0, 3.0, 4.0]


def test_time_after_the_last_evaluation_of_a_process_counts():
    """A process that ends in the middle of an epoch has logged steps, but no evaluation."""
    steps, history = lines((1, 1.0), (3, 5.0), (4, 1.0)), lines((2, 2.0), (5, 3.0))
    sections = SimpleNamespace(lineage=[{"run_id": "a", "step": 3}])
    record = SimpleNamespace(steps=steps, history=history, run_id="a", sections=sections)
    assert evaluation_times(record) == [2.0, 8.0]


def test_figures_beyond_the_most_panels_are_named(folder):
    log = folder / "small-001" / "metrics.jsonl"
    line = json.loads(log.read_text().splitlines()[0])
    line |= {f"val/figure{number}": 1.0 for number in range(14)}
    log.write_text(json.dumps(line) + "\n")
    entries = entries_of(["runs/small-001"])
    drawn = [panel.title for panel in panels(entries)]
    assert len(drawn) == 13
    assert undrawn(entries) == [f"figure{number}" for number in range(10, 14)]
    assert undrawn(entries, ["loss"]) == []
