"""A model of a table predicts the same from every form of the same rows."""

import csv
import datetime

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError

DIALECT = {
    "delimiter": ";", "decimal": ",", "thousands": ".", "skip_rows": 1, "encoding": "cp1252",
    "comment_prefix": "#",
}  # fmt: skip
COLUMNS = {
    "größe": {"missing": "median"}, "kind": "category", "day": "date", "open": "category",
}  # fmt: skip
ROWS = [
    {
        "größe": None if i == 3 else 1000.5 * i,
        "kind": ("ä", "b", "c")[i % 3],
        "day": datetime.date(2024, 1, 1 + i),
        "open": i % 2 == 0,
        "price": 2.0 * i,
    }
    for i in range(24)
]


def spec(data):
    return {
        "tinynet": 1,
        "name": "prices",
        "data": {
            **data,
            "target": "price",
            "columns": COLUMNS,
            "transforms": ["standardize", {"type": "standardize", "on": "target"}],
        },
        "network": {"layers": [{"type": "dense", "units": 1}]},
        "training": {"steps": 5, "batch_size": 8, "loss": "mse", "optimizer": "adam", "seed": 1},
    }


def cell(value):
    """Return a value as the dialect writes it."""
    if isinstance(value, float):
        return f"{value:,.1f}".translate(str.maketrans(",.", ".,"))
    return "NA" if value is None else str(value)


def write_dialect(path):
    lines = ["Preise", ";".join(ROWS[0]), "# all of them"]
    lines += [";".join(map(cell, row.values())) for row in ROWS]
    path.write_text("\n".join(lines) + "\n", encoding="cp1252")
    return path


def columns():
    return {name: [row[name] for row in ROWS] for name in ROWS[0]}


@pytest.fixture(scope="module", params=["csv", "parquet"])
def run(request, tmp_path_factory):
    """A run that was trained on the rows in a file, in one of two formats."""
    folder = tmp_path_factory.mktemp(request.param)
    data = {"type": request.param, "path": f"train.{request.param}"}
    if request.param == "csv":
        write_dialect(folder / "train.csv")
        data |= DIALECT
    else:
        pa = pytest.importorskip("pyarrow", reason="writes and reads Parquet")
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns()), folder / "train.parquet")
    tinynet.train(spec(data), run_dir=folder / "run", data_root=folder)
    return folder / "run"


@pytest.fixture
def predict(run):
    """The predictions of a source, as an array."""
    model = tinynet.load_model(run)
    return lambda source: np.array([row[-1] for row in model.predict(source).rows()])


def test_every_form_gives_the_same_bits(predict, run, tmp_path):
    forms = {"dict": columns(), "records": ROWS}
    if "csv" in str(run):
        forms["dialect"] = str(write_dialect(tmp_path / "new.csv"))
    else:
        with (tmp_path / "new.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
        forms["csv"] = str(tmp_path / "new.csv")
    pandas = pytest.importorskip("pandas", reason="makes a DataFrame")
    polars = pytest.importorskip("polars", reason="makes a DataFrame")
    pa = pytest.importorskip("pyarrow", reason="writes and reads Parquet")
    import pyarrow.parquet as pq

    forms["pandas"] = pandas.DataFrame(columns())
    forms["polars"] = polars.DataFrame(columns())
    pq.write_table(pa.table(columns()), tmp_path / "new.parquet")
    forms["parquet"] = str(tmp_path / "new.parquet")
    answers = {name: predict(source) for name, source in forms.items()}
    assert len(answers["dict"]) == len(ROWS)
    for name, answer in answers.items():
        assert np.array_equal(answer, answers["dict"]), name


def test_one_record_is_one_row(predict):
    assert np.array_equal(predict([ROWS[5]]), predict(ROWS)[5:6])


def test_columns_that_lack_are_named(predict):
    with pytest.raises(DataError, match="'kind'"):
        predict([{"größe": 1.0, "day": "2024-01-01", "open": True}])
