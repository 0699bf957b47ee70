"""Times with a time zone, as people keep them beside predictions."""

from datetime import datetime, timedelta, timezone

import pytest

from tinynet.builtin.datasets.memory_table import MemoryTable
from tinynet.dataset import Field

ZONE = timezone(timedelta(hours=2))
TIMES = [datetime(2024, 7, 1, hour, tzinfo=ZONE) for hour in (0, 9)]


def kept(source):
    config = MemoryTable.Config(target="y")
    fields = {"input": Field((1,), "float64", names=("x",))}
    (part,) = MemoryTable.read_rows(config, source, fields, {}, ["time"])
    return part.kept["time"]


def forms():
    """Yield a table of each library with the times."""
    yield "records", lambda: [{"x": 1.0, "time": time} for time in TIMES]
    columns = {"x": [1.0, 2.0], "time": TIMES}
    yield "dict", lambda: columns
    yield "pandas", lambda: pytest.importorskip("pandas", reason="a frame").DataFrame(columns)
    yield "arrow", lambda: pytest.importorskip("pyarrow", reason="a table").table(columns)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in forms()])
def test_kept_times_have_the_zone_of_the_source(make):
    times = kept(make())
    assert times == TIMES
    assert [time.isoformat() for time in times] == [time.isoformat() for time in TIMES]


def test_kept_times_of_parquet_files_have_their_zone(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="writes and reads Parquet")
    import pyarrow.parquet as pq

    from tinynet.builtin.datasets.parquet import Parquet

    path = tmp_path / "new.parquet"
    stamps = pa.array([*TIMES, None], pa.timestamp("us", "Europe/Berlin"))
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0], "time": stamps}), path)
    config = Parquet.Config(path=str(path), target="y")
    fields = {"input": Field((1,), "float64", names=("x",))}
    parts = Parquet.read_rows(config, str(path), fields, {}, ["time"])
    times = [time for part in parts for time in part.kept["time"]]
    assert [time and time.isoformat() for time in times] == [
        "2024-07-01T00:00:00+02:00",
        "2024-07-01T09:00:00+02:00",
        None,
    ]


def test_times_without_a_zone_stay_without_one():
    (first, _) = kept({"x": [1.0, 2.0], "time": [time.replace(tzinfo=None) for time in TIMES]})
    assert first.item() == datetime(2024, 7, 1)
