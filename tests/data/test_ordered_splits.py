"""Splits in the order of the data."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.data.data import Data
from tinynet.data.splits import split_indices
from tinynet.errors import DataError, SpecError
from tinynet.spec.data_spec import DataSpec
from tinynet.spec.reading import load_spec

from .conftest import SPLITS, Labelled, spec


def split(total, **options):
    section = DataSpec.model_validate({"type": "x", "split": {"order": "as_is", **options}})
    return split_indices(Labelled(Labelled.Config(labels=[0] * total)), section, seed=3)


@given(
    total=st.integers(3, 60),
    validation=st.sampled_from([0, 0.1, 0.25, 1, 5]),
    test=st.sampled_from([0, 0.2, 1, 4]),
    gap=st.integers(0, 6) | st.none(),
)
def test_training_comes_first_and_the_test_last(total, validation, test, gap):
    """A gap keeps windows of a sequence apart; only splits with samples need one."""
    try:
        parts = split(total, validation=validation, test=test, gap=gap)
    except DataError:
        return
    for indices in parts.values():
        np.testing.assert_array_equal(np.diff(indices), 1)
    present = [parts[name] for name in SPLITS if len(parts[name])]
    assert present[0][0] == 0
    assert present[-1][-1] == total - 1
    for before, after in pairwise(present):
        assert after[0] - before[-1] == 1 + (gap or 0)


def test_sizes_are_those_of_a_random_split():
    parts = split(50, validation=0.2, test=5, gap=2)
    assert {name: len(part) for name, part in parts.items()} == {"train": 31, "val": 10, "test": 5}
    with pytest.raises(DataError, match=r"validation takes 5 and data.split.test 4, and the gaps"):
        split(12, validation=5, test=4, gap=2)


def test_the_order_does_not_depend_on_the_seed(labelled, tmp_path):
    section = spec([0] * 40, split={"order": "as_is", "validation": 4, "test": 6})
    for seed in (0, 1):
        data = Data(section, tmp_path, seed)
        assert data.splits["val"].indices.tolist() == [30, 31, 32, 33]
        assert sorted(data.order(0)) == list(range(30)), "training samples are still shuffled"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": 1}, 'a gap needs "order": "as_is"'),
        ({"order": "as_is", "stratify": True}, 'with "order": "as_is" cannot be stratified'),
        ({"order": "as_is", "seed": 1}, 'with "order": "as_is" is not random; remove its seed'),
        ({"order": "shuffled"}, "'as_is' is expected, not \"shuffled\""),
        ({"order": "as_is", "gap": -1}, "must be at least 0"),
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
