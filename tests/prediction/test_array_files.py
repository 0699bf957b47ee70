"""Arrays and files of arrays as inputs of a model: they are read in parts, also in pieces."""

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets import _arrays
from tinynet.errors import DataError

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] * 2
SPEC = {
    "tinynet": 1,
    "name": "arrays",
    "network": {"layers": [{"type": "dense", "units": 1}]},
    "training": {
        "epochs": 1,
        "batch_size": 8,
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 0.01},
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", Y)
    data = {"type": "npy", "inputs": "x.npy", "targets": "y.npy"}
    return tinynet.train({**SPEC, "data": data}, folder / "run", data_root=folder)


@pytest.fixture(scope="module")
def model(run):
    return tinynet.load_model(run.path)


@pytest.mark.parametrize("mapped", [True, False], ids=["memory map", "file"])
def test_large_arrays_are_read_in_parts(model, tmp_path, monkeypatch, mapped):
    """A file larger than memory must not be read as a whole."""
    expected = model.predict(X).values
    np.save(tmp_path / "new.npy", X)
    source = np.load(tmp_path / "new.npy", mmap_mode="r") if mapped else tmp_path / "new.npy"
    sizes, scan = [], _arrays.ArrayDataset.__init__

    def spy(self, inputs, *others):
        sizes.extend(len(source) for source in inputs.values())
        scan(self, inputs, *others)

    monkeypatch.setattr(_arrays, "_CHUNK_BYTES", 7 * X[0].nbytes)
    monkeypatch.setattr(_arrays.ArrayDataset, "__init__", spy)
    parts = [*model.predict_chunks(source)]
    assert sizes == [7] * 8 + [4]
    np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), expected)
    rows = np.concatenate([part.row_numbers for part in parts])
    np.testing.assert_array_equal(rows, np.arange(60))


def test_a_fault_in_a_later_part_names_its_row(model, monkeypatch):
    monkeypatch.setattr(_arrays, "_CHUNK_BYTES", 7 * X[0].nbytes)
    wrong = X.copy()
    wrong[40, 1] = np.nan
    with pytest.raises(DataError, match=r"row 40 \(counted from 0\), at \[1\]: nan"):
        model.predict(wrong)


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_patterns_and_folders_of_pieces(model, tmp_path, monkeypatch, ending):
    for number in range(12):
        rows = slice(number * 5, number * 5 + 5)
        if ending == ".npy":
            np.save(tmp_path / f"x-{number}.npy", X[rows])
        else:
            np.savez(tmp_path / f"x-{number}.npz", input=X[rows])
    monkeypatch.chdir(tmp_path)
    expected = model.predict(X).values
    for source in (str(tmp_path), f"x-*{ending}", tmp_path / f"x-?*{ending}"):
        predictions = model.predict(source)
        np.testing.assert_array_equal(predictions.values, expected)
        assert predictions.identity == ("file", "sample")
        assert predictions.files[2].name.endswith(f"x-2{ending}")
    with pytest.raises(DataError, match="no such file"):
        model.predict(f"y-*{ending}")


def test_pieces_of_labeled_samples_are_evaluated(tmp_path):
    for number in range(12):
        rows = slice(number * 5, number * 5 + 5)
        np.savez(tmp_path / f"p-{number}.npz", x=X[rows], y=Y[rows])
    data = {"type": "npz", "path": "p-*.npz"}
    run = tinynet.train({**SPEC, "data": data}, tmp_path / "run", data_root=tmp_path)
    whole = tinynet.evaluate(run.path, data=(X, Y))
    assert tinynet.evaluate(run.path, data=tmp_path / "p-*.npz").metrics == whole.metrics


def test_numbered_columns_are_kept(tmp_path):
    pandas = pytest.importorskip("pandas", reason="for a frame with numbered columns")
    frame = pandas.DataFrame(np.c_[X, Y])
    spec = {**SPEC, "data": {"target": "3"}}
    model = tinynet.load_model(tinynet.train(spec, tmp_path / "run", data=frame).path)
    for keep in ([0], 0, "0"):
        kept = model.predict(frame, keep=keep).kept
        np.testing.assert_array_equal(kept["0"], X[:, 0])
    with pytest.raises(DataError, match="no column '7' to keep"):
        model.predict(frame, keep=[7])


HEADERS = {"default names of pandas": "0,1,2", "names": "a,b,c", "no header": None}


@pytest.mark.parametrize("kind", HEADERS)
def test_tables_for_a_model_of_arrays(model, tmp_path, kind, recwarn):
    lines = [",".join(map(repr, row)) for row in X.tolist()]
    path = tmp_path / "new.csv"
    header = HEADERS[kind]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    np.testing.assert_array_equal(model.predict(path).values, model.predict(X).values)
    notes = [str(item.message) for item in recwarn if "is taken as a header" in str(item.message)]
    assert len(notes) == (header is not None)


@pytest.mark.parametrize("text", ["1,2,3,4\n", "0,1,2,3\n1,2,3,4\n", "a,b,c,y\n1,2,3,4\n", "1,2\n"])
def test_table_with_another_number_of_columns_is_refused(model, tmp_path, text):
    """A column of targets must not shift the features."""
    (tmp_path / "new.csv").write_text(text)
    with pytest.raises(DataError, match=r"has [24] columns, but the model expects 3 features"):
        model.predict(tmp_path / "new.csv")


def test_first_row_with_a_missing_value_is_not_a_header(model, tmp_path):
    (tmp_path / "new.csv").write_text("NA,1,2\n1,2,3\n")
    with pytest.raises(DataError, match="line 1"):
        model.predict(tmp_path / "new.csv")
