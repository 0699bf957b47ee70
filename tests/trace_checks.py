"""The rules of the Trace Event Format that Perfetto requires."""

from collections import defaultdict


def assert_valid(trace):
    """Check the events of a trace: threads have names of their own, and events are nested.

    Perfetto drops an event that overlaps another one of its thread, or starts before 0.
    """
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    names = [e for e in trace["traceEvents"] if e["name"] == "thread_name"]
    processes = {e["pid"] for e in trace["traceEvents"] if e["name"] == "process_name"}
    assert {event["tid"] for event in events} == {name["tid"] for name in names}
    assert {event["pid"] for event in events} == processes
    assert len({name["tid"] for name in names}) == len(names), "each thread has its own number"
    assert 0 not in processes | {name["tid"] for name in names}
    of_thread = defaultdict(list)
    for event in events:
        of_thread[event["tid"]].append(event)
    for own in of_thread.values():
        _assert_nested(own)


def _assert_nested(events):
    open_ends = []
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        start, end = (round(1000 * time) for time in (event["ts"], event["ts"] + event["dur"]))
        assert start >= 0
        assert end >= start
        while open_ends and open_ends[-1] <= start:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], event["name"]
        open_ends.append(end)
