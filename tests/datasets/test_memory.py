"""Arrays in memory as a dataset: accepted forms, kinds of targets, and refusals."""

import numpy as np
import pytest

from tinynet.builtin.datasets.memory import Memory, MemoryArrays
from tinynet.dataset import Field
from tinynet.errors import DataError

X = np.arange(8.0).reshape(4, 2)


def opened(x, y=None, weights=None, **options):
    targets = {} if y is None else {"target": y}
    return Memory(Memory.Config(**options), MemoryArrays({"input": x}, targets, weights))


def read(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    return batch.inputs["input"], batch.targets["target"]


@pytest.mark.parametrize(
    ("y", "options", "classes", "indices"),
    [
        ([0, 2, 1, 0], {}, ("0", "1", "2"), [0, 2, 1, 0]),
        ([0, 2, 2, 0], {}, ("0", "1", "2"), [0, 2, 2, 0]),
        ([1, 5, 3, 1], {}, ("1", "3", "5"), [0, 2, 1, 0]),
        ([-1, 1, 1, -1], {}, ("-1", "1"), [0, 1, 1, 0]),
        ([10, 9, 9, 10], {}, ("9", "10"), [1, 0, 0, 1]),
        ([True, False, True, True], {}, ("0", "1"), [1, 0, 1, 1]),
        (["b", "a", "b", "c"], {}, ("a", "b", "c"), [1, 0, 1, 2]),
        (np.array(["b", "a", "b", "a"], object), {}, ("a", "b"), [1, 0, 1, 0]),
        (["b", "a", "b", "a"], {"classes": ("b", "a", "c")}, ("b", "a", "c"), [0, 1, 0, 1]),
        ([0, 1, 1, 0], {"classes": ("no", "yes")}, ("no", "yes"), [0, 1, 1, 0]),
        ([[0, 1], [2, 1], [0, 0], [1, 1]], {}, ("0", "1", "2"), [[0, 1], [2, 1], [0, 0], [1, 1]]),
    ],
)
def test_integers_and_text_are_classes(y, options, classes, indices):
    dataset = opened(X, y, **options)
    assert dataset.targets["target"].classes == classes
    assert read(dataset)[1].tolist() == indices


@pytest.mark.parametrize(
    ("y", "options"), [([0.5, 1, 2, 3], {}), ([7, 1, 2, 3], {"target_type": "number"})]
)
def test_floats_are_numbers(y, options):
    dataset = opened(X, y, **options)
    assert dataset.targets["target"].classes is None
    assert read(dataset)[1].tolist() == y


def test_fingerprint_covers_values_and_classes():
    prints = [
        opened(X, [0, 1, 0, 1]).fingerprint,
        opened(X.tolist(), np.int8([0, 1, 0, 1])).fingerprint,
        opened(X + 1, [0, 1, 0, 1]).fingerprint,
        opened(X, ["0", "a", "0", "a"]).fingerprint,
        opened(X, [0, 1, 0, 1], [1, 1, 1, 2]).fingerprint,
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_pandas_columns_and_series():
    pandas = pytest.importorskip("pandas", reason="pandas is optional")
    frame = pandas.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, 1, 2, 3]}, index=[7, 3, 1, 0])
    dataset = opened(frame, pandas.Series(["x", "y", "x", "y"], index=[7, 3, 1, 0]))
    assert dataset.inputs["input"].names == ("a", "b")
    assert dataset.targets["target"].classes == ("x", "y")
    assert read(dataset)[0].tolist() == frame.to_numpy().tolist()
    frame["c"] = ["u", "v", "w", "x"]
    with pytest.raises(DataError, match=r"columns 'c' hold no numbers; .* df\[\['a', 'b'\]\]"):
        opened(frame, [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, [0, 1, 0], "the input has 4 samples and the target has 3"),
        (X[:0], [], r"the input holds no samples.*\n.*the target holds no samples"),
        (np.full((4, 2), np.nan), [0, 1, 0, 1], "row 0 .*nan .* every number must be finite"),
        (X, [0.5, np.inf, 1, 1], "the target, row 1 .*: inf"),
        ([[1, 2], [3]], [0, 1], "its rows differ in length"),
        (np.array([["a", "b"]] * 4), [0, 1, 0, 1], "the input holds text; give numbers"),
        (np.array([{}, 1, 2, 3]), [0, 1, 0, 1], "dtype object, with values of type dict, int"),
        (X, ["a", None, "b", None], r"row 1 .* is missing \(None, one of 2\)"),
        (X, np.array(["a", np.nan, "b", "c"], object), r"row 1 .* is missing \(nan, one of 1\)"),
        (3, [0], "the input holds a single int"),
        (X.astype(complex), [0, 1, 0, 1], "complex numbers"),
        (np.array(["2020-01-01"] * 4, "M8[D]"), [0, 1, 0, 1], "the input holds dates"),
        (np.ma.masked_equal(X, 3), [0, 1, 0, 1], "masked values"),
        (X, np.arange(1, 20_001), "20,000 distinct values"),
    ],
)
def test_unusable_arrays_are_refused(x, y, message):
    with pytest.raises(DataError, match=message):
        opened(x, y)


def test_label_that_is_not_in_classes_is_named():
    with pytest.raises(
        DataError, match=r"row 2 .*: the labels 'c' are not in \"classes\" \(a, b\)"
    ):
        opened(X, ["a", "b", "c", "a"], classes=("a", "b"))


def test_config_alone_names_the_remedy():
    with pytest.raises(DataError, match=r"tinynet\.train\(spec, data=\(x, y\)\)"):
        Memory(Memory.Config())


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda x: np.array(x, object)])
def test_an_input_of_str_is_text(form):
    texts = ["one", "zwölf", "", "a long text"]
    dataset = opened(form(texts), [0, 1, 0, 1])
    assert dataset.inputs == {"input": Field((), "text")}
    assert dataset.gather(np.arange(4)).inputs["input"].tolist() == texts
    same = opened(texts, [0, 1, 0, 1]).fingerprint
    assert dataset.fingerprint == same
    assert opened(["one", "zwölf", "a", " long text"], [0, 1, 0, 1]).fingerprint != same
