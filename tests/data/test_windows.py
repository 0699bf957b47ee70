"""Windows over consecutive samples."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinynet.config import Config
from tinynet.data.data import Data
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, SpecError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec

from .conftest import SPLITS


class Series:
    """Sample i has the features i and 100 + i, the target 1000 + i, and a label of 0 to 2."""

    class Config(DatasetConfig):
        total: int
        columns: dict[str, list] | None = None
        weighted: bool = False
        with_targets: bool = True

    def __init__(self, config):
        self.config = config
        self.inputs = {"input": Field((2,), "float64", names=("temp", "rain"))}
        self.targets = {}
        if config.with_targets:
            self.targets = {
                "target": Field((), "float64"),
                "label": Field((), "int64", tuple("abc")),
            }
        self.fingerprint = "series"

    def __len__(self):
        return self.config.total

    def gather(self, indices):
        inputs = {"input": np.stack([indices, 100 + indices], axis=1).astype(float)}
        targets = {"target": 1000.0 + indices, "label": indices % 3}
        weights = indices / 10 if self.config.weighted else None
        return Batch(inputs, targets if self.config.with_targets else {}, weights)

    def column_values(self, name):
        return np.array(self.config.columns[name])

    def where(self, index):
        return f"series.csv, line {index + 2}"


@pytest.fixture
def opened(register, tmp_path):
    register("datasets", "series", Series)

    def open_series(total, windows, **section):
        section.setdefault("split", {"validation": 0, "test": 0})
        document = {"type": "series", "total": total, "windows": windows, **section}
        return Data(DataSpec.model_validate(document), tmp_path, seed=0)

    return open_series


def windows_of(data, split="train"):
    """The samples of the inputs, (N, length), and of the target, (N,) or (N, target_length)."""
    batch = data.batch(split, np.arange(data.size(split)))
    inputs = batch.inputs["input"]
    np.testing.assert_array_equal(inputs[..., 1], inputs[..., 0] + 100)
    return inputs[..., 0].astype(int), batch.targets["target"].astype(int) - 1000


@given(
    total=st.integers(1, 40),
    length=st.integers(1, 5),
    horizon=st.integers(0, 4),
    target_length=st.none() | st.integers(1, 3),
    stride=st.integers(1, 4),
    rate=st.integers(1, 3),
    validation=st.sampled_from([0, 8, 0.3]),
    gap=st.integers(0, 2),
)
def test_windows_are_those_of_a_loop_over_each_split(
    opened_once, total, length, horizon, target_length, stride, rate, validation, gap
):
    windows = {"length": length, "horizon": horizon, "stride": stride, "sampling_rate": rate}
    if target_length is not None:
        windows["target_length"] = target_length
    split = {"order": "as_is", "validation": validation, "test": 0, "gap": gap}
    try:
        data = opened_once(total, windows, split=split)
    except DataError:
        assume(False)
    held_out = round(validation * total) if validation < 1 else validation
    stops = {"train": total - held_out - (gap if held_out else 0), "val": total}
    first = {"train": 0, "val": total - held_out}
    for name in ("train", "val"):
        inputs, targets = [], []
        for start in range(first[name], stops[name], stride):
            last = start + rate * (length - 1)
            wanted = [last + rate * (horizon + i) for i in range(target_length or 1)]
            if max(last, *wanted) < stops[name]:
                inputs.append(range(start, last + 1, rate))
                targets.append(wanted if target_length else wanted[0])
        if not held_out and name == "val":
            assert data.size(name) == 0
            continue
        ours, ends = windows_of(data, name)
        np.testing.assert_array_equal(ours, inputs)
        np.testing.assert_array_equal(ends, targets)


@pytest.fixture(scope="module")
def opened_once(tmp_path_factory):
    """`opened`, for a test that hypothesis runs many times."""
    from tinynet import registry

    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]
    target = f"{Series.__module__}:{Series.__qualname__}"
    entries.append(registry.Entry("datasets", "series", "test-plugin", "1.0", target))
    folder = tmp_path_factory.mktemp("series")

    def open_series(total, windows, **section):
        document = {"type": "series", "total": total, "windows": windows, **section}
        with pytest.MonkeyPatch.context() as patch:
            extended = registry.Registry(entries)
            patch.setattr(registry, "default", lambda: extended)
            return Data(DataSpec.model_validate(document), folder, seed=0)

    return open_series


def test_no_window_crosses_a_boundary_between_splits(opened):
    data = opened(60, {"length": 4, "horizon": 3}, split={"validation": 12, "test": 12})
    held = {}
    for name in SPLITS:
        inputs, targets = windows_of(data, name)
        held[name] = {*inputs.ravel().tolist(), *targets.tolist()}
    assert held["train"] == set(range(36))
    assert held["val"] == set(range(36, 48)), "by default the split is in order"
    assert held["test"] == set(range(48, 60))


def test_fields_are_those_of_windows(opened):
    data = opened(30, {"length": 4, "horizon": 0})
    assert data.inputs == {"input": Field((4, 2), "float64", names=("temp", "rain"))}
    assert data.targets["label"] == Field((), "int64", tuple("abc"))
    longer = opened(30, {"length": 4, "target_length": 5})
    assert longer.targets["label"] == Field((5,), "int64", tuple("abc"))
    batch = data.batch("train", np.array([0, 1]))
    assert batch.targets["label"].tolist() == [0, 1], "the label of the last step"


def test_inputs_can_be_targets(opened):
    one = opened(30, {"length": 4, "horizon": 2, "targets": "temp"}, with_targets=False)
    assert one.targets == {"target": Field((), "float64")}
    assert one.batch("train", np.array([0, 3])).targets["target"].tolist() == [5, 8]
    two = opened(30, {"length": 4, "target_length": 2, "targets": ["rain", "target"]})
    assert two.targets == {"target": Field((2, 2), "float64", names=("rain", "target"))}
    expected = [[[104, 1004], [105, 1005]]]
    assert two.batch("train", np.array([0])).targets["target"].tolist() == expected
    whole = opened(30, {"length": 4, "targets": ["input"]})
    assert whole.targets["target"].names == ("temp", "rain")
    label = opened(30, {"length": 4, "targets": ["label"]})
    assert label.targets["target"].classes == tuple("abc")


def test_weights_are_those_of_the_targets(opened):
    data = opened(30, {"length": 4, "horizon": 2}, weighted=True)
    np.testing.assert_allclose(data.batch("train", np.array([0, 3])).weights, [0.5, 0.8])
    longer = opened(30, {"length": 4, "target_length": 2}, weighted=True)
    np.testing.assert_allclose(longer.batch("train", np.array([3])).weights, [[0.7, 0.8]])


SENSORS = {"sensor": [0, 1] * 12, "day": [i // 2 for i in range(24)]}


def test_no_window_has_samples_of_two_series(opened):
    windows = {"length": 3, "by": "sensor"}
    inputs, targets = windows_of(opened(24, windows, columns=SENSORS))
    assert inputs[0].tolist() == [0, 2, 4]
    assert (np.diff(np.column_stack([inputs, targets]), axis=1) == 2).all()
    assert len(inputs) == 2 * (12 - 3)
    split = {"order": {"by": "day"}, "validation": 8, "test": 0}
    data = opened(24, windows, columns=SENSORS, split=split)
    assert set(windows_of(data, "val")[0].ravel()) == set(range(16, 22)), "in each series by date"


def test_a_split_by_series_keeps_them_whole_and_apart(opened):
    columns = {"sensor": [i // 10 for i in range(60)]}
    split = {"by": "sensor", "validation": 10, "test": 10}
    data = opened(60, {"length": 3}, columns=columns, split=split)
    series = [set((windows_of(data, name)[0] // 10).ravel()) for name in SPLITS]
    assert [len(own) for own in series] == [4, 1, 1]
    assert len(set.union(*series)) == 6
    inputs, targets = windows_of(data)
    assert (inputs[:, 0] // 10 == targets // 10).all()
    assert data.fingerprints.keys() == {"data", "data.split", "data.windows"}


def test_a_sorted_split_cuts_windows_of_the_sorted_samples(opened):
    columns = {"day": [29 - i for i in range(30)]}
    split = {"order": {"by": "day"}, "validation": 0, "test": 0}
    inputs, targets = windows_of(opened(30, {"length": 3}, columns=columns, split=split))
    assert inputs[0].tolist() == [29, 28, 27]
    assert targets[0] == 26


def test_separate_datasets_have_windows_as_well(opened):
    test = {"type": "series", "total": 9}
    data = opened(30, {"length": 4}, test=test, split={"validation": 0})
    assert data.size("test") == 5
    assert windows_of(data, "test")[1].tolist() == [4, 5, 6, 7, 8]
    with pytest.raises(DataError, match=r"the test split has 3 samples, but a window .* take 5"):
        opened(30, {"length": 4}, test={"type": "series", "total": 3}, split={"validation": 0})


def test_separate_datasets_are_sorted_as_well(opened):
    columns = {"day": [8 - i for i in range(9)]}
    data = opened(
        9,
        {"length": 4},
        columns=columns,
        test={"type": "series", "total": 9, "columns": columns},
        split={"order": {"by": "day"}, "validation": 0},
    )
    assert windows_of(data, "test")[0][0].tolist() == [8, 7, 6, 5]


def test_a_change_of_the_series_changes_the_fingerprint(opened):
    windows = {"length": 3, "by": "sensor"}
    prints = [
        opened(24, windows, columns={"sensor": [i // size for i in range(24)]}).fingerprints
        for size in (8, 12)
    ]
    assert prints[0]["data"] == prints[1]["data"]
    assert prints[0]["data.windows"] != prints[1]["data.windows"]


def test_targets_alone_are_read_without_inputs(opened, monkeypatch):
    whole = Series.gather

    def alone(self, indices):
        return replace(whole(self, indices), inputs={})

    monkeypatch.setattr(Series, "gather", None)
    monkeypatch.setattr(Series, "gather_targets", alone, raising=False)
    split = opened(30, {"length": 4, "horizon": 2}).splits["train"]
    assert split.read_arrays(["target"])[0]["target"][0] == 1005
    split = opened(30, {"length": 4, "target_length": 2, "targets": ["target"]}).splits["train"]
    assert split.read_arrays(["target"])[0]["target"][0].tolist() == [1004, 1005]


def test_transforms_are_fitted_by_feature_to_training_windows(opened):
    transforms = [{"type": "standardize", "on": ["input", "target"]}]
    options = {"split": {"validation": 10, "test": 10}, "transforms": transforms}
    data = opened(60, {"length": 4}, **options)
    state = data.preprocessing.state()
    assert state["0/input/mean"].tolist() == [19, 119]
    assert state["0/target/mean"].tolist() == [1021.5]
    inputs = data.batch("train", np.arange(data.size("train"))).inputs["input"]
    np.testing.assert_allclose(inputs.mean(axis=(0, 1)), 0, atol=1e-6)


def test_places_are_those_of_the_first_sample_and_of_the_target(opened):
    data = opened(30, {"length": 4, "horizon": 2})
    part = data.splits["train"]
    assert part.place(3) == "the window from series.csv, line 5"
    assert part.place(3, "input") == "the window from series.csv, line 5"
    assert part.place(3, "target") == "series.csv, line 10"


@pytest.mark.parametrize(
    ("windows", "section", "message"),
    [
        ({"length": 20, "horizon": 12}, {},
         r"the training split has 30 samples, but a window and its target take 32"
         r" \(length 20, horizon 12\); reduce data.windows.length or data.windows.horizon"),
        ({"length": 3, "sampling_rate": 2, "target_length": 2}, {"split": {"validation": 5}},
         r"the validation split has 5 samples, but .* take 9 \(length 3, horizon 1,"
         r" target_length 2, sampling_rate 2\); .* or hold out more samples with data.split.val"),
        ({"length": 6, "by": "sensor"}, {"columns": {"sensor": [i // 6 for i in range(30)]}},
         r"the longest of 5 series \(by 'sensor'\) in the training split has 6 samples"),
        ({"length": 3, "targets": ["tmp"]}, {},
         r"data.windows.targets names 'tmp', which the dataset does not have; did you mean 'temp'"),
        ({"length": 3}, {"with_targets": False},
         r"no targets to forecast; name some of its columns in \"windows\":"
         r" \{\"targets\": \[...\]\} \(available: temp, rain, input\)"),
        ({"length": 3, "targets": ["temp", "label"]}, {}, "of which label cannot be a number"),
    ],
)  # fmt: skip
def test_windows_that_cannot_be_cut_are_refused(opened, windows, section, message):
    with pytest.raises(DataError, match=message):
        opened(30, windows, **section)


def spec_with(data):
    return load_spec(
        {
            "tinynet": 1,
            "name": "t",
            "data": data,
            "network": {"layers": ["flatten", {"type": "dense", "units": 1}]},
            "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
        }
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"split": {"stratify": True}},
            "data/split/stratify: windows are cut from a split in order",
        ),
        ({"split": {"seed": 1}}, r'which is not random; remove it, or .* "by"'),
        ({"windows": {}}, "'length' is required"),
        ({"windows": {"length": 0}}, "must be at least 1"),
        ({"windows": {"length": 3, "size": 4}}, "unknown key 'size'"),
    ],
)
def test_contradictions_are_refused(data, message):
    with pytest.raises(SpecError, match=message):
        spec_with({"type": "digits", "windows": {"length": 3}, **data})


def test_what_windows_imply_is_in_the_resolved_spec():
    windows = {"length": 3}
    ordered = spec_with({"type": "digits", "windows": windows}).resolved()["data"]
    assert ordered["split"]["order"] == "as_is"
    grouped = spec_with({"type": "digits", "windows": windows, "split": {"by": "patient"}})
    assert "order" not in grouped.resolved()["data"]["split"]
    assert grouped.data.windows.by == "patient"
    for spec in (ordered, grouped.resolved()["data"]):
        assert spec_with(spec).resolved()["data"] == spec


class Panes(Series):
    """A dataset with an option that is called like a key of the spec."""

    class Config(DatasetConfig):
        windows: int = 2
        total: int = 20


def test_an_option_called_windows_keeps_its_meaning(register):
    register("datasets", "panes", Panes)
    spec = spec_with({"type": "panes", "windows": 5})
    assert spec.data.windows is None
    assert spec.data.options == {"windows": 5, "total": 20}
    assert spec_with(spec.resolved()["data"]).data == spec.data
    assert issubclass(Panes.Config, Config)
    with pytest.raises(SpecError, match="data/windows: a whole number is expected"):
        spec_with({"type": "panes", "windows": {"length": 3}})
