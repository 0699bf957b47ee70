"""The CSV logger: a table that pandas reads, with every step of a killed and resumed run once."""

import csv
import math
import os

import pytest

import tinynet
from tests.small_spec import small_spec
from tinynet.builtin.loggers.csv import CSV
from tinynet.errors import SpecError
from tinynet.logger import LoggedRun
from tinynet.testing import check_logger

SPEC = small_spec(metrics=["accuracy"], log_every_steps=1, loggers=["csv"])


class KilledError(Exception):
    pass


def rows(run_folder, name="metrics.csv"):
    with open(run_folder / name, newline="") as file:
        return list(csv.DictReader(file))


def logged(run):
    """The log of a run, as the rows of the table should be."""
    return [{name: value for name, value in line.items() if name != "wall"} for line in run.history]


def figures(table):
    return [
        {name: float(value) for name, value in row.items() if value and name != "time"}
        for row in table
    ]


def test_the_table_has_what_the_log_has(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert figures(rows(run.path)) == logged(run)


def test_a_resumed_run_has_every_step_once(tmp_path):
    """Otherwise a plot of the table of a preempted run goes back and forth."""

    def kill(event):
        if getattr(event, "step", 0) == 7:
            raise KilledError

    whole = tinynet.train(SPEC, tmp_path / "whole")
    with pytest.raises(KilledError):
        tinynet.train(SPEC, tmp_path / "run", observer=kill)
    table = tmp_path / "run" / "metrics.csv"
    table.write_text(table.read_text() + "999,9,2026-01-01T00:00:00+00:00,1.0,0.1,,,,\n")
    run = tinynet.resume(tmp_path / "run")
    assert figures(rows(run.path)) == figures(rows(whole.path))


def test_a_logger_that_is_added_later_gets_the_earlier_figures(tmp_path):
    first = {"training.loggers": [], "training.epochs": 2}
    tinynet.train(SPEC, tmp_path / "run", overrides=first)
    more = {"training.epochs": 3}
    run = tinynet.resume(tmp_path / "run", overrides=more, loggers=["csv"])
    assert figures(rows(run.path)) == logged(run)


def test_two_tables_and_figures_that_are_not_finite(tmp_path):
    names = ["a.csv", "b.csv"]
    loggers = [{"type": "csv", "file": name} for name in names]
    run = tinynet.train(SPEC, tmp_path / "run", overrides={"training.loggers": loggers})
    assert len({(run.path / name).read_text() for name in names}) == 1
    logger = CSV(CSV.Config())
    logger.start(LoggedRun(tmp_path, "run", "0", {}))
    logger.log(1, 1, {"loss": math.inf})
    logger.finish("finished", {})
    assert rows(tmp_path)[0]["loss"] == "nan"


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", "metrics.jsonl", ".csv", "x.csv\n"])
def test_the_file_stays_in_the_run_folder(name):
    loggers = [{"type": "csv", "file": name}]
    with pytest.raises(SpecError, match=r"ends in \.csv is expected, without folders"):
        tinynet.load_spec(SPEC, overrides={"training.loggers": loggers})


def test_a_link_in_a_run_folder_of_a_stranger_is_not_followed(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    (run.path / "metrics.csv").unlink()
    os.symlink(secret, run.path / "metrics.csv")
    tinynet.resume(run.path, overrides={"training.epochs": 4})
    assert secret.read_text() == "mine"
    assert len(rows(run.path)) == len(run.history)


def test_it_keeps_the_promises_of_a_logger():
    check_logger(CSV, {"file": "table.csv"})


def test_figures_of_the_test_split_are_a_row_that_a_resumed_run_keeps(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    before, test = rows(run.path), run.evaluate("test")
    *others, last = rows(run.path)
    assert [{k: v for k, v in row.items() if not k.startswith("test/")} for row in others] == before
    assert (last["step"], last["epoch"]) == (str(run.step), "3")
    assert {k: float(v) for k, v in last.items() if k.startswith("test/")} == {
        f"test/{name}": value for name, value in test.items()
    }
    tinynet.resume(run.path, overrides={"training.epochs": 4})
    steps = [row["step"] for row in rows(run.path) if row["test/loss"]]
    assert steps == [str(run.step)]
    assert [int(row["step"]) for row in rows(run.path)] == sorted(
        int(row["step"]) for row in rows(run.path)
    )


def test_figures_of_the_test_split_make_a_new_table_if_it_is_gone(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    whole = rows(run.path)
    (run.path / "metrics.csv").unlink()
    run.evaluate("test")
    table = rows(run.path)
    assert len(table) == len(whole) + 1
    assert figures(table[:-1]) == figures(whole)
