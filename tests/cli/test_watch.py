"""`tinynet watch` on terminals, in pipes and as JSON."""

import shutil

import pytest
from tinynet_cli.output import LiveLines


def test_once_prints_the_state(tinynet, run):
    result = tinynet("watch", run, "--once")
    lines = result.out.splitlines()
    assert result.code == 0
    assert lines[0].startswith("done: finished, epoch 2 of 2, step ")
    assert lines[-1].startswith("Test: loss ") or lines[-1].startswith("Best epoch 2 of 2")
    assert result.err == ""


def test_a_finished_run_ends_at_once(tinynet, run):
    lines = tinynet("watch", run).out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["epoch", "1/2", "2/2"]
    assert lines[3].startswith("done: finished, epoch 2 of 2, step ")


def test_json_has_one_object(tinynet, run):
    shutil.copytree(run, "runs/a")
    shutil.copytree(run, "runs/b")
    (one,) = tinynet("watch", run, "--json").json["runs"]
    assert (one["run"], one["state"], one["epoch"], one["epochs"]) == ("done", "finished", 2, 2)
    assert one["best_evaluation"]["metric"] == "val/loss"
    both = tinynet("watch", "runs", "--json", "--once").json["runs"]
    assert [entry["run"] for entry in both] == ["runs/a", "runs/b"]


def test_a_path_without_a_run_is_an_error(tinynet, run):
    result = tinynet("watch", "don")
    assert result.code == 4
    assert result.err == "error: no such run: don; did you mean done?\n"


def test_a_damaged_run_is_an_error(tinynet, run):
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.write_bytes(b"damaged")
    result = tinynet("watch", run)
    assert result.code == 4
    assert "error: no checkpoint of done is intact" in result.err


def test_ctrl_c_ends_watching_alone(tinynet, run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinynet.commands.watch.following.follow", interrupt)
    result = tinynet("watch", run)
    assert result.code == 0
    assert result.err == "The training continues; only watching has ended.\n"


@pytest.mark.parametrize("columns", ["80", "10"])
def test_lines_are_replaced_also_where_the_terminal_broke_them(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", "80")
    live = LiveLines()
    live.show(["a" * 25, "", "b\x1b[2J"])
    monkeypatch.setenv("COLUMNS", columns)
    live.show(["c"])
    rows = {"80": 3, "10": 5}[columns]
    assert capsys.readouterr().out == f"{'a' * 25}\n\nb\\x1b[2J\n\x1b[{rows}F\x1b[Jc\n"
