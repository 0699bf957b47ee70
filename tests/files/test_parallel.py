"""Work in threads: results in order, and errors at their place."""

import threading

import pytest

from tinynet.files import parallel


@pytest.mark.parametrize("cores", [1, 3])
def test_results_are_in_order(monkeypatch, cores):
    monkeypatch.setattr(parallel, "available_cores", lambda: cores)
    assert list(parallel.map_in_threads(lambda x: x * x, range(1000))) == [
        x * x for x in range(1000)
    ]
    assert list(parallel.map_in_threads(len, [])) == []


@pytest.mark.parametrize("cores", [1, 3])
def test_an_error_is_raised_at_its_place(monkeypatch, cores):
    monkeypatch.setattr(parallel, "available_cores", lambda: cores)
    results = parallel.map_in_threads(lambda x: 1 // x, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_work_is_done_where_no_thread_can_be_started(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(parallel, "available_cores", lambda: 3)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert list(parallel.map_in_threads(lambda x: x * x, range(9))) == [x * x for x in range(9)]
    results = parallel.map_in_threads(lambda x: 1 // x, [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_there_is_a_core():
    assert parallel.available_cores() >= 1
