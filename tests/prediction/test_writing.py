"""Predictions that are written part by part: the same files, and nothing if one part fails."""

import csv
import json

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.digits import Digits
from tinynet.errors import DataError
from tinynet.prediction.predictions import OutputPredictions, Predictions
from tinynet.prediction.raw_inputs import InputFile, RawInputs, in_chunks
from tinynet.prediction.writing import write_predictions

DIGITS = Digits(Digits.Config()).gather(np.arange(1200)).inputs["input"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    spec = {
        "tinynet": 1,
        "name": "written",
        "data": {"type": "digits"},
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {"epochs": 1, "loss": "softmax_cross_entropy", "optimizer": "adam"},
    }
    return tinynet.load_model(tinynet.train(spec, tmp_path_factory.mktemp("runs") / "run").path)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz"])
def test_parts_are_the_whole(model, tmp_path, ending):
    np.save(tmp_path / "x.npy", DIGITS)
    whole, parts = tmp_path / f"whole.{ending}", tmp_path / f"parts.{ending}"
    chunks = [*model.predict_chunks(tmp_path / "x.npy")]
    assert [len(chunk) for chunk in chunks] == [512, 512, 176]
    assert write_predictions(model.predict(DIGITS), whole) == 1200
    assert write_predictions(iter(chunks), parts) == 1200
    if ending != "npz":
        assert whole.read_bytes() == parts.read_bytes()
        return
    with np.load(whole) as expected, np.load(parts) as found:
        assert [*expected] == [*found] == ["classes", "rows", "labels", "probabilities"]
        for name in expected:
            np.testing.assert_array_equal(expected[name], found[name])


@pytest.mark.parametrize("ending", ["csv", "jsonl", "npz"])
def test_nothing_is_written_if_a_part_fails(model, tmp_path, ending):
    path = tmp_path / f"out.{ending}"
    path.write_text("before")
    np.savez(tmp_path / "bad.npz", input=np.full((2, 8, 8, 1), 300))

    np.save(tmp_path / "a.npy", DIGITS)
    parts = model.predict_chunks([tmp_path / "a.npy", tmp_path / "bad.npz"])
    with pytest.raises(DataError, match=r"bad\.npz"):
        write_predictions(parts, path)
    assert path.read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.npy", "bad.npz", path.name]


def test_text_columns_of_parts_have_the_longest_length(tmp_path):
    def part(names):
        values = OutputPredictions(np.zeros((len(names), 1)))
        return Predictions(len(names), {"output": values}, (), np.arange(len(names)), {"n": names})

    write_predictions(iter([part(["a"]), part(["long", "b"])]), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as saved:
        assert saved["kept/n"].tolist() == ["a", "long", "b"]


def test_labels_of_words_leave_out_padding(tmp_path):
    labels = np.array([["A", "B", "B"], ["B", "A", "A"]])
    probabilities = np.random.default_rng(0).dirichlet([1, 1], (2, 3))
    part = OutputPredictions(probabilities, ("A", "B"), labels, probabilities, np.array([3, 1]))
    predictions = Predictions(2, {"output": part}, (), np.arange(2))
    assert predictions.to_json()["labels"] == [["A", "B", "B"], ["B"]]
    write_predictions(predictions, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {"sample": "1", "label_0": "B", "label_1": "", "label_2": ""}
    write_predictions(predictions, tmp_path / "out.jsonl")
    record = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[1])
    assert record["labels"] == ["B"]
    assert len(record["probabilities"]) == 1
    assert predictions.arrays()["lengths"].tolist() == [3, 1]


@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_chunks_of_raw_inputs_keep_order_files_and_places(size):
    def part(number, count, first):
        file = InputFile(f"{number}", count, False, number)
        rows = np.arange(first, first + count)
        return RawInputs({"x": rows * 10 + number}, rows, (file,), kept={"c": rows.tolist()})

    parts = [part(0, 3, 0), part(0, 4, 3), part(1, 2, 0), part(2, 6, 0)]
    chunks = [*in_chunks(parts, size)]
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    assert np.concatenate([chunk.arrays["x"] for chunk in chunks]).tolist() == np.concatenate(
        [part.arrays["x"] for part in parts]
    ).tolist()  # fmt: skip
    places = [chunk.place(row) for chunk in chunks for row in range(len(chunk))]
    assert places == [
        f"{number}, sample {row} (counted from 0)"
        for number, count in ((0, 7), (1, 2), (2, 6))
        for row in range(count)
    ]
    assert [cell for chunk in chunks for cell in chunk.kept["c"]] == [
        *range(7), *range(2), *range(6),
    ]  # fmt: skip
