"""Errors of runs that several processes compute are reported like those of one."""

import pytest
from tinynet_cli.failure import report

from tinynet.errors import DataError, DivergedError, PeerFailure, SpecError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SpecError("wrong"), 2),
        (DataError("no file"), 3),
        (FileNotFoundError(2, "No such file", "a.csv"), 4),
        (DivergedError("the loss is NaN"), 6),
        (ZeroDivisionError("by zero"), 1),
    ],
)
def test_the_exit_code_is_that_of_the_error(error, code):
    """Scripts must not need to know how many processes a run had."""
    for rank in (0, 3):
        assert report(PeerFailure(rank, 8, "node-b", error), []) == code


def test_the_message_names_the_process_and_the_machine(capsys):
    report(PeerFailure(3, 8, "node-b", FileNotFoundError(2, "No such file", "a.csv")), [])
    expected = "error: process 3 of 8 on node-b: a.csv: No such file\n"
    assert capsys.readouterr().err == expected


def test_errors_of_process_0_read_as_those_of_a_run_with_one_process(capsys):
    """It reads the spec for all, so its place in the file is what a user needs."""
    report(PeerFailure(0, 8, "node-a", DataError("a.csv: row 3 is empty")), [])
    assert capsys.readouterr().err == "error: a.csv: row 3 is empty\n"
