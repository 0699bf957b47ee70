"""The rows of a profile add up to the step, on one thread and on several."""

import pytest

from tinynet.profiling.attribution import attribute
from tinynet.profiling.places import (
    BETWEEN_LAYERS,
    DELAYS,
    IDLE_THREADS,
    LOOP,
    SAMPLES,
    UPDATE,
    section,
)
from tinynet.profiling.recorder import Place, RecordedStep, RowKey, Span

MAIN, WORKER, LOADER = 1, 2, 3
NODE = RowKey("node", "dense_1")
COMPUTE = Place("compute", "section", section(BETWEEN_LAYERS))
REGION = Place("all shards", "region")
JOB = Place("shard", "job")
FORWARD = Place("dense_1 forward", "layer", NODE, "forward")
BACKWARD = Place("dense_1 backward", "layer", NODE, "backward")
KERNEL = Place("dense", "kernel")
READ = Place("read samples", "background", section(SAMPLES))


def shares(*spans, end=1000):
    """Return the shares of a step from 0 to `end`; outer spans come first."""
    inner_first = [Span(*span) for span in reversed(spans)]
    spans = tuple(sorted(inner_first, key=lambda span: span.end))
    found = attribute(RecordedStep(1, 0, end, 8, spans), MAIN)
    assert sum(share.total for share in found.rows.values()) == pytest.approx(end)
    return found


def test_time_belongs_to_the_innermost_call():
    found = shares(
        (MAIN, 100, 900, COMPUTE, None),
        (MAIN, 100, 800, REGION, 1),
        (MAIN, 110, 790, JOB, None),
        (MAIN, 200, 400, FORWARD, (8, 4)),
        (MAIN, 250, 350, KERNEL, (8, 4)),
        (MAIN, 500, 700, BACKWARD, (8, 4)),
    ).rows
    assert (found[NODE].forward, found[NODE].backward, found[NODE].kernels) == (200, 200, 100)
    assert found[section(BETWEEN_LAYERS)].total == 400
    assert found[section(LOOP)].total == 200


def test_two_threads_share_the_time_that_both_compute():
    """Otherwise the nodes of a network would seem to take longer than the step."""
    found = shares(
        (MAIN, 0, 1000, REGION, 2),
        (MAIN, 0, 1000, JOB, None),
        (MAIN, 0, 1000, FORWARD, (8, 4)),
        (WORKER, 200, 600, JOB, None),
        (WORKER, 200, 600, FORWARD, (8, 4)),
    ).rows
    assert found[NODE].forward == 700
    assert found[section(IDLE_THREADS)].total == 300


def test_work_in_the_background_takes_no_time_of_the_step():
    found = shares(
        (MAIN, 100, 900, REGION, 2),
        (MAIN, 100, 900, JOB, None),
        (WORKER, 100, 900, JOB, None),
        (LOADER, 300, 500, READ, None),
    )
    assert found.background == {"read samples": 200}
    assert not {section(SAMPLES), section(DELAYS)} & found.rows.keys()


def test_python_in_the_background_delays_the_step():
    """The reading of samples would otherwise seem to be free, and the training loop slow."""
    found = shares((MAIN, 300, 900, COMPUTE, None), (LOADER, 100, 500, READ, None)).rows
    assert found[section(DELAYS)].total == 200
    assert found[section(LOOP)].total == 200


def test_calls_that_take_no_time_lie_in_those_around_them():
    update = Place("update", "section", section(UPDATE))
    found = attribute(
        RecordedStep(
            1,
            0,
            10,
            8,
            (Span(MAIN, 5, 5, KERNEL, None), Span(MAIN, 5, 5, update, None)),
        ),
        MAIN,
    )
    assert section(UPDATE) in found.rows
    assert found.rows[section(LOOP)].total == 10
