"""Rows of an array in a file are those of the array, and nothing else is read."""

import os
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinynet.errors import DataError
from tinynet.files import file_rows, npy
from tinynet.files.file_rows import FileRows
from tinynet.files.npy import open_npy

X = np.arange(97 * 6, dtype=np.float32).reshape(97, 3, 2)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Save an array, and open it as a large one."""
    monkeypatch.setattr(npy, "LARGE", 1)

    def saved(array=X, name="x.npy"):
        np.save(tmp_path / name, array)
        rows = open_npy(str(tmp_path / name))
        assert isinstance(rows, FileRows)
        return rows

    return saved


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.integers(-97, 96), max_size=40))
def test_gathering_is_that_of_the_array(saved, indices):
    rows = saved()
    chosen = np.array(indices, np.int64)
    np.testing.assert_array_equal(rows[chosen], X[chosen])


@pytest.mark.parametrize("rows", [slice(3, 9), slice(90, 200), slice(5, 2), slice(None, None, 3)])
def test_slices_are_those_of_the_array(saved, rows):
    np.testing.assert_array_equal(saved()[rows], X[rows])


def test_one_row_and_the_attributes(saved):
    rows = saved()
    np.testing.assert_array_equal(rows[-1], X[-1])
    assert (rows.shape, rows.dtype, rows.ndim, rows.nbytes) == (X.shape, X.dtype, 3, X.nbytes)
    with pytest.raises(IndexError, match="row 97"):
        rows[np.array([0, 97])]


def test_neighbors_are_read_together_and_nothing_else_is(saved, monkeypatch):
    """The reads of a batch take no more bytes than its rows."""
    rows, reads, read = saved(), [], os.preadv

    def counting(descriptor, buffers, offset):
        reads.append(sum(map(len, buffers)))
        return read(descriptor, buffers, offset)

    monkeypatch.setattr(file_rows.os, "preadv", counting)
    rows[np.array([5, 6, 7, 40, 3])]
    assert reads == [3 * 24, 24, 24]


def test_readahead_of_the_system_is_off(saved, monkeypatch):
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("this system has no posix_fadvise")
    advice = []
    monkeypatch.setattr(file_rows.os, "posix_fadvise", lambda *call: advice.append(call[1:]))
    rows = saved()
    rows[:4]
    assert advice == [(0, 0, os.POSIX_FADV_RANDOM)]
    advice.clear()
    rows[np.array([4, 2])]
    ahead = [(rows._start + 24 * row, 24, os.POSIX_FADV_WILLNEED) for row in (4, 2)]
    assert advice == [(0, 0, os.POSIX_FADV_RANDOM), *ahead], "both reads at once, and nothing else"


def test_rows_are_read_where_the_system_takes_no_advice(saved, monkeypatch):
    monkeypatch.delattr(file_rows.os, "posix_fadvise", raising=False)
    np.testing.assert_array_equal(saved()[:4], X[:4])


def test_short_reads_are_continued(saved, monkeypatch):
    """The kernel may return fewer bytes than it was asked for."""
    rows, read = saved(), os.preadv
    monkeypatch.setattr(
        file_rows.os, "preadv", lambda fd, buffers, offset: read(fd, [buffers[0][:10]], offset)
    )
    np.testing.assert_array_equal(rows[:], X)


def test_a_file_that_changed_is_refused(saved, tmp_path):
    rows = saved()
    np.save(tmp_path / "x.npy", X[:50])
    with pytest.raises(DataError, match=r"x\.npy was changed while it was in use; start"):
        rows[:2]
    (tmp_path / "x.npy").unlink()
    with pytest.raises(DataError, match="no such file"):
        rows[:2]


def test_an_end_of_the_file_within_a_row_is_an_error(saved, monkeypatch):
    rows = saved()
    monkeypatch.setattr(file_rows.os, "preadv", lambda *call: 0)
    with pytest.raises(DataError, match="was truncated while it was in use"):
        rows[:2]


def test_threads_may_read_at_the_same_time(saved):
    rows, wrong = saved(), []

    def gather(seed):
        draw = np.random.default_rng(seed)
        for _ in range(50):
            indices = draw.integers(0, 97, 20)
            if not np.array_equal(rows[indices], X[indices]):
                wrong.append(seed)

    threads = [threading.Thread(target=gather, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arrays_in_fortran_order_are_mapped(tmp_path, monkeypatch):
    """Their rows are spread over the whole file."""
    monkeypatch.setattr(npy, "LARGE", 1)
    np.save(tmp_path / "x.npy", np.asfortranarray(X))
    rows = open_npy(str(tmp_path / "x.npy"))
    assert isinstance(rows, np.ndarray)
    np.testing.assert_array_equal(rows, X)


def test_reading_ahead_announces_rows_and_reads_none(saved, monkeypatch):
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("this system has no posix_fadvise")
    rows, advice = saved(), []
    monkeypatch.setattr(file_rows.os, "posix_fadvise", lambda *call: advice.append(call[1:]))
    monkeypatch.setattr(file_rows.os, "preadv", lambda *call: pytest.fail("it waits"))
    rows.read_ahead(np.array([8, 9, 10, 3]))
    rows.read_ahead(np.empty(0, np.int64))
    ranges = [(rows._start + 24 * row, 24 * count) for row, count in ((8, 3), (3, 1))]
    assert advice[1:] == [(*part, os.POSIX_FADV_WILLNEED) for part in ranges]
