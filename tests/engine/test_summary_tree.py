"""The order in which summaries are merged decides the bits, and no process may wait forever."""

import random
from unittest.mock import Mock

import pytest

from tinynet.engine.gradient_sum import owned_shards
from tinynet.engine.process_group import ProcessGroup
from tinynet.engine.summary_tree import FRAME, merge_nodes, merge_processes
from tinynet.engine.tree import Node
from tinynet.engine.watchdog import Watchdog
from tinynet.errors import DataError, PeerFailure, SpecError, TinynetError
from tinynet.testing.fleets import in_threads

DRAWN = random.Random(0)
CASES = [(DRAWN.randint(65, 200), DRAWN.randint(1, 80)) for _ in range(8)]


def join(first, second):
    """Merge summaries so that the result shows the order."""
    return f"({first} {second})"


def plain_tree(summaries):
    """Merge the largest power of two that leaves a rest, and the rest."""
    count = len(summaries)
    if count == 1:
        return summaries[0]
    half = 1 << (count - 1).bit_length() - 1
    return join(plain_tree(summaries[:half]), plain_tree(summaries[half:]))


def join_nodes(shards):
    return lambda first, second: merge_nodes([*first, *second], shards, join)


def leaves(own, shards):
    return merge_nodes([(Node(0, n), str(n)) for n in own], shards, join)


@pytest.mark.parametrize("shards", [1, 2, 3, 64, 65, 70, 127, 200])
def test_nodes_of_one_process_are_merged_as_the_tree(shards):
    ((node, merged),) = leaves(range(shards), shards)
    assert merged == plain_tree([str(n) for n in range(shards)])
    assert node.shards(shards) == range(shards)


@pytest.mark.parametrize(("shards", "size"), [*CASES, (70, 1), (65, 80), (66, 66), (3, 5)])
def test_any_number_of_processes_merges_as_the_tree(shards, size):
    class Texts:
        def __init__(self, own):
            self.nodes = leaves(own, shards)

        def add(self, received):
            numbers = [
                tuple(entry.split(":", 2)) for entry in received.decode().split(";") if entry
            ]
            theirs = [(Node(int(level), int(number)), text) for level, number, text in numbers]
            self.nodes = join_nodes(shards)(self.nodes, theirs)

        def result(self):
            entries = [f"{node.level}:{node.number}:{text}" for node, text in self.nodes]
            return ";".join(entries).encode()

    owned = owned_shards(shards, size, "tree")
    results = in_threads(size, lambda fleet: merge_processes(fleet, Texts(owned[fleet.rank])))
    expected = plain_tree([str(n) for n in range(shards)])
    assert {result.decode().split(":", 2)[2] for result in results} == {expected}


@pytest.mark.parametrize("length", [0, FRAME - 40, FRAME, 5 * FRAME])
def test_summaries_of_any_length_arrive(length):
    def work(fleet):
        group = ProcessGroup(fleet)
        return group.merge("x" * length * fleet.rank, lambda a, b: a + b, merge_follows=False)

    assert in_threads(3, work) == ["x" * length * 3] * 3


# Failures -----------------------------------------------------------------------------------


PLACES = ["start", "first join", "between", "second join", "end"]


def outcomes(size, errors):
    """Return what each process raises or returns from two merges between gathers.

    Args:
        size: Number of processes.
        errors: The place and the error of each process that fails, by its rank.
    """

    def process(fleet):
        group = ProcessGroup(fleet)
        place, error = errors.get(group.rank, (None, None))

        def fail_at(*places):
            if place in places:
                raise error

        def joining(name):
            def joined(first, second):
                fail_at(name)
                return first + second

            return joined

        try:
            try:
                group.gather("step")
                fail_at("start")
                first = group.merge([group.rank], joining("first join"), merge_follows=True)
                fail_at("between")
                second = group.merge(first, joining("second join"), merge_follows=False)
                fail_at("end")
                return len(group.gather(second))
            except Exception as raised:
                group.fail(raised)
        except TinynetError as raised:
            return raised

    return in_threads(size, process, patience=5)


def test_processes_that_do_not_fail_continue():
    assert outcomes(5, {}) == [5] * 5


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("place", PLACES)
def test_a_failure_at_any_place_reaches_all(place, size):
    """A process that waits in a merge for one that has failed would hang the job."""
    for rank in range(size):
        if "join" in place and (rank % 2 or rank == size - 1):
            continue  # These processes join nothing.
        found = outcomes(size, {rank: (place, DataError("no file"))})
        assert [type(error) for error in found] == [PeerFailure] * size
        assert {(error.rank, str(error.error)) for error in found} == {(rank, "no file")}


@pytest.mark.parametrize("place", PLACES)
def test_of_several_failures_the_lowest_rank_counts(place):
    errors = {4: (place, DataError("four")), 2: (place, SpecError("two"))}
    assert {error.rank for error in outcomes(6, errors)} == {2}
    assert all(isinstance(error.error, SpecError) for error in outcomes(6, errors))


@pytest.mark.parametrize("place", ["start", "between", "end"])
def test_the_same_error_in_every_process_is_raised_as_it_is(place):
    found = outcomes(3, {rank: (place, DataError("diverged")) for rank in range(3)})
    assert [type(error) for error in found] == [DataError] * 3


@pytest.mark.parametrize("rank", [0, 1, 3])
@pytest.mark.parametrize("again", [False, True])
def test_summary_that_cannot_be_pickled_is_a_failure_of_its_process(rank, again):
    """The others wait for its bytes."""

    def work(fleet):
        group = ProcessGroup(fleet)
        try:
            for number in range(2):
                item = (lambda: None) if (rank, again) == (fleet.rank, number == 1) else 0
                group.merge(item, lambda first, second: first or second, merge_follows=number == 0)
        except TinynetError as error:
            return error

    found = in_threads(4, work, patience=5)
    assert all("cannot be sent to the other processes" in str(error) for error in found)
    # Process 0 has the summary of process 1 or 3 only as bytes, so it is not the one that fails.
    assert {error.rank for error in found} == {rank}


class Unreadable:
    """A summary that no process can read."""

    def __reduce__(self):
        return int, ("no number",)


@pytest.mark.parametrize("last", [False, True])
def test_a_result_that_cannot_be_read_ends_all(last):
    """Another version of a package on one machine does this."""

    def work(fleet):
        group = ProcessGroup(fleet)
        try:
            try:
                group.merge(0, lambda first, second: Unreadable(), merge_follows=not last)
                if not last:
                    group.merge(0, max, merge_follows=False)
                group.gather(None)
            except Exception as error:
                group.fail(error)
        except TinynetError as error:
            return error

    found = in_threads(3, work, patience=5)
    assert all("install the same packages in the same versions" in str(error) for error in found)


@pytest.mark.parametrize("place", ["first join", "between"])
def test_an_interrupt_ends_the_job_at_once(place):
    """A second Ctrl-C must not wait for processes that compute."""
    lines = []

    def process(fleet):
        group = ProcessGroup(fleet, watchdog=Watchdog(fleet, 60.0, say=lines.append))

        def joined(first, second):
            if place == "first join" and group.rank == 2:
                raise KeyboardInterrupt
            return first

        try:
            group.merge(0, joined, merge_follows=True)
            if group.rank == 2:
                raise KeyboardInterrupt
            group.merge(0, joined, merge_follows=False)
        except KeyboardInterrupt as error:
            group.fail(error)

    with pytest.raises(SystemExit) as raised:
        in_threads(4, process, patience=5)
    assert raised.value.code == 130
    (line,) = lines
    assert "process 2 of 4" in line
    assert "was interrupted" in line


def test_processes_that_wait_in_a_merge_are_watched():
    """Otherwise a machine that is lost in a merge would be waited for without an end."""
    watchdogs = [Mock(), Mock()]

    def process(fleet):
        group = ProcessGroup(fleet, watchdog=watchdogs[fleet.rank])
        group.doing = "step 7"
        group.merge(0, max, merge_follows=False)

    in_threads(2, process)
    for watchdog in watchdogs:
        # The hosts, the gather before the merge, and the merge.
        assert watchdog.start.call_count == watchdog.stop.call_count == 3
        watchdog.start.assert_called_with("step 7")
