"""Splits by a column: whole groups, and sorted samples."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.data.data import Data
from tinynet.data.grouping import split_by_columns
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, SpecError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec

from .conftest import SPLITS


class Arrays:
    """Samples whose columns are their features and targets."""

    class Config(DatasetConfig):
        columns: dict[str, list]

    def __init__(self, config):
        self.columns = {name: as_column(values) for name, values in config.columns.items()}
        self.inputs = {"input": Field((2,), "float64", names=("age", "number"))}
        self.targets = {"target": Field((), "float64")}
        self.fingerprint = "visits"

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def gather(self, indices):
        inputs = np.stack([indices % 3, indices], 1).astype(float)
        return Batch({"input": inputs}, {"target": indices / 2})

    def where(self, index):
        return f"visits.csv, line {index + 2}"


def as_column(values):
    return np.array(values, object if any(not isinstance(v, int | float) for v in values) else None)


class Visits(Arrays):
    """The same samples with columns of their source that are no arrays of the dataset."""

    def column_values(self, name):
        return self.columns[name]


def divide(columns, seed=0, dataset=Visits, **split):
    made = dataset(dataset.Config.model_construct(columns=columns))
    section = DataSpec.model_validate({"type": "visits", "split": split})
    return split_by_columns(made, section, seed)


def split(columns, seed=0, **options):
    return divide(columns, seed, **options)[0]


def lists(parts):
    return {name: indices.tolist() for name, indices in parts.items()}


@given(
    groups=st.lists(st.integers(0, 8), min_size=4, max_size=60),
    validation=st.sampled_from([0, 0.1, 0.4, 3]),
    test=st.sampled_from([0, 0.2, 2]),
    order=st.sampled_from([None, "as_is", {"by": "day"}]),
    seed=st.integers(0, 3),
)
def test_groups_are_whole_and_every_sample_is_in_one_split(groups, validation, test, order, seed):
    days = [(7 * i) % 11 for i in range(len(groups))]
    columns = {"patient": [f"p{g}" for g in groups], "day": days}
    options = {"validation": validation, "test": test, "by": "patient", "order": order}
    try:
        parts = split(columns, seed, **options)
    except DataError:
        return
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(groups)))
    for name, size in (("val", validation), ("test", test), ("train", 1)):
        assert bool(size) == bool(len(parts[name]))
    members = [{groups[i] for i in parts[name]} for name in SPLITS]
    assert sum(map(len, members)) == len(set(groups)), "no group is in two splits"


def test_sizes_are_approached():
    rng = np.random.default_rng(0)
    patients = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 20, 60))).tolist()
    total = len(patients)
    chosen = set()
    for seed in range(5):
        parts = split({"patient": patients}, seed, by="patient", validation=0.2, test=0.1)
        assert abs(len(parts["val"]) - 0.2 * total) <= 2
        assert abs(len(parts["test"]) - 0.1 * total) <= 2
        chosen.add(tuple(parts["test"]))
    assert len(chosen) == 5, "the choice depends on the seed"
    again = split({"patient": patients}, 4, by="patient", validation=0.2, test=0.1)
    assert tuple(again["test"]) in chosen


def test_a_split_has_a_group_even_if_all_are_large():
    parts = split({"patient": list("aaaabbbbcccc")}, by="patient", validation=1, test=1)
    assert {name: len(part) for name, part in parts.items()} == dict.fromkeys(SPLITS, 4)


def test_the_seed_of_the_split_decides():
    columns = {"patient": list("abcdefghij") * 3}
    section = DataSpec.model_validate({"type": "visits", "split": {"by": "patient", "seed": 7}})
    dataset = Visits(Visits.Config(columns=columns))
    own = [split_by_columns(dataset, section, seed)[0]["val"].tolist() for seed in range(3)]
    assert own[0] == own[1] == own[2]


def test_groups_in_order_follow_each_other_by_their_first_samples():
    columns = {"engine": list("aabbaccddd")}
    parts = split(columns, by="engine", order="as_is", validation=2, test=3)
    assert lists(parts) == {"train": [0, 1, 4, 2, 3], "val": [5, 6], "test": [7, 8, 9]}
    columns["day"] = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    parts = split(columns, by="engine", order={"by": "day"}, validation=2, test=3)
    assert lists(parts) == {"train": [9, 8, 7, 6, 5], "val": [4, 1, 0], "test": [3, 2]}


def test_a_gap_between_groups_leaves_out_the_last_samples_before_it():
    columns = {"engine": list("aaaabbbccc")}
    options = {"by": "engine", "order": "as_is", "validation": 2, "test": 3}
    parts = split(columns, **options, gap=1)
    assert lists(parts) == {"train": [0, 1, 2], "val": [4, 5], "test": [7, 8, 9]}
    with pytest.raises(DataError, match=r"no sample is left for validation: .*gap=3.*reduce"):
        split({"engine": list("aaaabbbcccdddd")}, by="engine", order="as_is", validation=1, test=4,
              gap=3)  # fmt: skip


@pytest.mark.parametrize(
    "days",
    [
        [3, 1, 2, 0],
        ["3", "10", "2", "1.5"],
        ["2024-03-01", "2024-10-01", "2024-02-01T12:00", "2024-02-01 11:59"],
        ["2024-03-01T00:00+02:00", "2024-02-29T23:00Z", "2024-02-29T21:59Z", "2024-02-29"],
        [date(2024, 3, 1), date(2024, 10, 1), date(2024, 2, 1), date(2023, 2, 1)],
        np.array(["2024-03-01", "2024-10-01", "2024-02-01", "2023-12-31"], "datetime64[us]"),
    ],
)
def test_samples_are_sorted_before_the_split(days):
    options = {"order": {"by": "day"}, "validation": 1, "test": 1}
    parts = split({"day": days}, **options)
    expected = np.argsort([30, 10, 20, 0] if days[0] == 3 and days[1] == 1 else [2, 3, 1, 0])
    assert [*parts["train"], *parts["val"], *parts["test"]] == expected.tolist()
    shuffled = split({"day": [5, 4, 3, 2, 1, 0]}, **options, gap=1)
    assert lists(shuffled) == {"train": [5, 4], "val": [2], "test": [0]}


def test_equal_values_keep_the_order_of_the_data():
    parts = split({"day": [1, 0, 1, 0, 1, 0]}, order={"by": "day"}, validation=1, test=1)
    assert lists(parts) == {"train": [1, 3, 5, 0], "val": [2], "test": [4]}


def test_columns_are_arrays_and_features_without_the_ability():
    columns = {"any": [0] * 9}
    by_feature, _ = divide(columns, dataset=Arrays, by="age", validation=3, test=3)
    assert {tuple(part % 3) for part in by_feature.values()} == {(0,) * 3, (1,) * 3, (2,) * 3}
    by_target, _ = divide(columns, dataset=Arrays, order={"by": "target"}, validation=3, test=3)
    assert lists(by_target)["test"] == [6, 7, 8]
    with pytest.raises(
        DataError, match=r"'patient', which does not exist; available: age, number, target"
    ):
        divide(columns, dataset=Arrays, by="patient")


def test_the_fingerprint_covers_what_the_columns_decide():
    _, first = divide({"patient": list("aabbcc")}, by="patient")
    _, renamed = divide({"patient": list("xxyyzz")}, by="patient")
    _, other = divide({"patient": list("abbbcc")}, by="patient")
    assert first == renamed
    assert first != other


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"p": list("aaaaaaaaaa")}, {"by": "p"},
         r"data.split.by names the column 'p', which has only 1 value, but there are 3 splits"),
        ({"p": [*"aabbccdd", "", None]}, {"by": "p"},
         r"'p', which is empty in 2 of 10 samples \(visits.csv, line 10; visits.csv, line 11\)"),
        ({"p": [1.0, float("nan"), *range(8)]}, {"by": "p"}, r"empty in 1 of 10 samples"),
        ({"d": [f"{i}/31/2024" for i in range(10)]}, {"order": {"by": "d"}},
         r"data.split.order.by sorts by the column 'd', but \"0/31/2024\" is neither a number nor"
         r" an ISO date .*10 of 10 samples: visits.csv, line 2; .*; \.\.\.\).*YYYY-MM-DD"),
        ({"d": ["1"] * 9 + ["inf"]}, {"order": {"by": "d"}}, r'"inf" is neither .* line 11\)'),
    ],
)  # fmt: skip
def test_unusable_columns_are_refused(columns, options, message):
    with pytest.raises(DataError, match=message):
        split(columns, **options)


def test_data_of_a_spec_are_split_by_a_column(register, tmp_path):
    register("datasets", "visits", Visits)
    section = {"type": "visits", "columns": {"patient": list("abcabcabcabc")}}
    grouped = Data(
        DataSpec.model_validate(
            {**section, "split": {"by": "patient", "validation": 4, "test": 4}}
        ),
        tmp_path,
        0,
    )
    for name in SPLITS:
        assert len({int(i) % 3 for i in grouped.splits[name].indices}) == 1
    assert grouped.fingerprints.keys() == {"data", "data.split"}
    plain = Data(DataSpec.model_validate(section), tmp_path, 0)
    assert plain.fingerprints.keys() == {"data"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "patient", "stratify": True}, 'cannot be stratified; set "stratify" to false'),
        ({"by": ""}, "data/split/by"),
        ({"order": {"by": "day"}, "seed": 1}, 'with an "order" is not random; remove its seed'),
        ({"order": {"by": "day"}, "stratify": True}, 'with an "order" cannot be stratified'),
        ({"order": {"key": "day"}}, "unknown key 'key'"),
        ({"by": "patient", "gap": 1}, 'a gap needs "order"'),
    ],
)
def test_contradictions_are_refused(options, message):
    with pytest.raises(SpecError, match=message):
        load_spec(
            {
                "tinynet": 1,
                "name": "t",
                "data": {"type": "digits", "split": options},
                "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
                "training": {"epochs": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
            }
        )
