"""The kit finds what is wrong with loggers."""

from pathlib import Path

import pytest

from tinynet.builtin.loggers.csv import CSV
from tinynet.testing import CheckFailed, check_logger


class WritesTooEarly(CSV):
    def __init__(self, config):
        super().__init__(config)
        Path("early.txt").touch()


class Prints(CSV):
    def finish(self, state, figures):
        print("done")


class FixedColumns(CSV):
    def log(self, step, epoch, figures):
        for name in ("loss", "train/loss", "test/loss"):
            if name in figures:
                super().log(step, epoch, {name: figures[name]})
                return
        raise KeyError("loss")


class ChangesFigures(CSV):
    def log(self, step, epoch, figures):
        figures.pop("learning_rate", None)
        super().log(step, epoch, figures)


class ChangesTheRun(CSV):
    def start(self, run):
        run.spec["training"].clear()
        super().start(run)


class NeedsAnEarlierFile(CSV):
    def start(self, run):
        if run.step:
            (run.folder / "metrics.csv").read_text()
        super().start(run)


class FailsForStatistics(CSV):
    def statistics(self, step, epoch, figures):
        raise ValueError("too many")


class NeedsTheTraining(CSV):
    def log_test(self, run, step, epoch, figures):
        self.log(step, epoch, figures)


class ChangesTheTest(CSV):
    def log_test(self, run, step, epoch, figures):
        super().log_test(run, step, epoch, figures)
        figures.clear()


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (WritesTooEarly, "constructor: the constructor wrote early.txt"),
        (Prints, r"quiet: the logger prints 'done\\n' to stdout"),
        (FixedColumns, "odd_figures: raised KeyError: 'loss'"),
        (ChangesFigures, "pure: the logger changes the figures"),
        (ChangesTheRun, "pure: the logger changes the run"),
        (NeedsAnEarlierFile, "resumed.*FileNotFoundError"),
        (FailsForStatistics, "statistics: raised ValueError: too many"),
        (NeedsTheTraining, "tests: raised AttributeError"),
        (ChangesTheTest, "tests: log_test changes what it is given"),
    ],
)
def test_wrong_logger_is_found(cls, finding, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckFailed, match=finding):
        check_logger(cls, {})
    assert not [*tmp_path.iterdir()], "the kit calls a logger outside of its own folder"
