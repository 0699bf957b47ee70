"""An error in one process must end all of them, with one message and the same exit code."""

import pickle
import sys

import numpy as np
import pytest

from tinynet.engine.process_group import ProcessGroup, threads_of
from tinynet.engine.watchdog import Watchdog
from tinynet.errors import DataError, PeerFailure, SpecError, TinynetError
from tinynet.testing.fleets import in_threads


class PluginsError(DataError):
    """An error of a plugin whose constructor pickle cannot call."""

    def __init__(self, file, row):
        super().__init__(f"{file}: row {row} is empty")


def outcomes(size, work):
    """Run `work(group)` in each process; return the exceptions that `fail` and `gather` raise."""

    def process(fleet):
        group = ProcessGroup(fleet)
        try:
            try:
                return work(group)
            except Exception as error:
                group.fail(error)
        except TinynetError as error:
            return error

    return in_threads(size, process, patience=5)


def failing(errors):
    """Return work of three gathers, of which some processes fail before the second."""

    def work(group):
        group.gather(group.rank)
        if group.rank in errors:
            raise errors[group.rank]
        group.gather(group.rank)
        return group.gather(group.rank)

    return work


def test_items_come_in_the_order_of_the_processes():
    found = outcomes(3, lambda group: (group.gather(group.rank * 10), len(group.hosts)))
    assert found == [([0, 10, 20], 3)] * 3


def test_process_0_shares_its_item():
    assert outcomes(3, lambda group: group.share({"rank": group.rank})) == [{"rank": 0}] * 3


def test_arrays_are_exchanged():
    def work(group):
        whole = np.zeros(3)
        group.all_gather_array(np.full(1, float(group.rank)), whole, [1, 1, 1])
        swapped, pieces = np.zeros(2), np.zeros(3)
        group.swap((1, 0, 2)[group.rank], np.full(2, float(group.rank)), swapped)
        group.all_to_all(whole + 10 * group.rank, [1, 1, 1], pieces, [1, 1, 1])
        return [*whole, *swapped, *pieces]

    assert outcomes(3, work) == [
        [0, 1, 2, 1, 1, 0, 10, 20],
        [0, 1, 2, 0, 0, 1, 11, 21],
        [0, 1, 2, 2, 2, 2, 12, 22],
    ]


def test_every_process_raises_the_failure_of_the_lowest_rank():
    found = outcomes(4, failing({3: DataError("three"), 1: SpecError("one")}))
    assert {type(error) for error in found} == {PeerFailure}
    assert {(error.rank, error.size, type(error.error)) for error in found} == {(1, 4, SpecError)}
    assert {str(error).partition(" on ")[0] for error in found} == {"process 1 of 4"}
    assert all(str(error).endswith(": one") for error in found)


def test_a_failure_reaches_processes_that_share():
    def work(group):
        if group.rank == 1:
            raise DataError("no file")
        return group.share("spec")

    assert {error.rank for error in outcomes(3, work)} == {1}


@pytest.mark.parametrize("first", [0, 2])
def test_errors_that_cannot_be_pickled_keep_their_text_and_kind(first):
    """Otherwise sending the failure would fail, and the other processes would wait forever."""
    unsendable = DataError("held open")
    unsendable.file = lambda: None
    found = outcomes(3, failing({first: PluginsError("a.csv", 3), 1: unsendable}))
    expected = "a.csv: row 3 is empty" if first == 0 else "held open"
    for rank, error in enumerate(found):
        assert str(error).endswith(f": {expected}")
        assert isinstance(error.error, DataError)
        assert rank == error.rank or type(error.error) is DataError


def test_an_unexpected_error_names_its_type_and_keeps_its_traceback():
    """The traceback is needed to mend a mistake in a plugin, and exists in one process only."""

    def work(group):
        group.gather(1 // group.rank)

    found = outcomes(2, work)
    assert str(found[1]).endswith("ZeroDivisionError: integer division or modulo by zero")
    assert "1 // group.rank" in "".join(found[1].error.__notes__)


def test_an_item_that_cannot_be_pickled_is_a_failure_of_its_process():
    found = outcomes(2, lambda group: group.gather(group.rank and (lambda: None)))
    assert {error.rank for error in found} == {1}
    assert "cannot be sent to the other processes" in str(found[0])


def test_an_item_that_one_process_cannot_read_ends_all():
    """Another version of a package on one machine does this."""

    class Unreadable:
        def __reduce__(self):
            return int, ("no number",)

    def work(group):
        if group.share(Unreadable() if group.rank == 0 else None):
            return None
        return group.gather(None)

    found = outcomes(2, work)
    assert "install the same packages in the same versions" in str(found[0])


def test_the_same_error_in_every_process_is_raised_as_it_is():
    """A loss that diverges is no failure of one process."""
    found = outcomes(3, failing({rank: DataError("diverged") for rank in range(3)}))
    assert [type(error) for error in found] == [DataError] * 3


def test_a_group_that_has_failed_stays_so():
    """Errors while the run is closed must not wait for processes that have left."""

    def work(group):
        try:
            failing({1: DataError("first")})(group)
        except DataError as error:
            try:
                group.fail(error)
            except PeerFailure:
                raise DataError("second") from error
        except PeerFailure:
            group.gather("more")

    found = outcomes(2, work)
    assert all(str(error).endswith("first") for error in found)


def test_failures_survive_pickling():
    """A process pool of a program that trains must be able to return them."""
    copy = pickle.loads(pickle.dumps(PeerFailure(3, 8, "node-b", DataError("no file"))))
    assert (copy.rank, copy.size, copy.host) == (3, 8, "node-b")
    assert str(copy) == "process 3 of 8 on node-b: no file"
    assert type(copy.error) is DataError


def interrupted(size, work):
    """Run work whose process 1 calls `fail` with an exception; return code and messages."""
    lines = []

    def process(fleet):
        group = ProcessGroup(fleet, watchdog=Watchdog(fleet, 60.0, say=lines.append))
        try:
            return work(group)
        except BaseException as error:
            if group.rank == 1:
                group.fail(error)
            raise

    with pytest.raises(SystemExit) as raised:
        in_threads(size, process, patience=5)
    return raised.value.code, lines


def test_an_interrupt_ends_the_job_at_once():
    """The others may be computing: a second Ctrl-C must not wait for them."""

    def work(group):
        if group.rank == 1:
            raise KeyboardInterrupt
        group.gather(None)

    code, (line,) = interrupted(3, work)
    assert code == 130
    assert "process 1 of 3" in line
    assert "interrupted" in line


@pytest.mark.parametrize(("given", "code"), [(9, 9), (0, 1), ("reason", 1)])
def test_sys_exit_ends_the_job_with_its_code(given, code):
    """The others cannot go on; a job that is not complete must not end with 0."""

    def work(group):
        if group.rank == 1:
            sys.exit(given)
        group.gather(None)

    found, (line,) = interrupted(2, work)
    assert found == code
    assert "was ended by sys.exit" in line


def test_a_transport_that_fails_ends_the_job():
    """The processes may be out of step, so a failure can no longer be sent in order."""

    def work(group):
        if group.rank == 1:
            group._fleet.all_gather = None
        group.gather(None)

    code, (line,) = interrupted(2, work)
    assert code == 4
    assert "has lost the others" in line
    assert "can be resumed" in line


ALL, FIRST, SECOND = frozenset(range(8)), frozenset({0, 1}), frozenset({2, 3})


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([("a", ALL)] * 2, [4, 4]),
        ([("a", FIRST), ("a", SECOND)], [2, 2]),  # as Open MPI binds processes
        ([("a", ALL), ("b", ALL), ("b", ALL)], [8, 4, 4]),
        ([("a", FIRST)] * 3, [1, 1, 1]),
    ],
)
def test_processes_of_one_machine_share_its_cores(places, expected):
    """With all cores for each, they would take turns on them and wait for each other."""
    assert [threads_of(rank, places) for rank in range(len(places))] == expected
