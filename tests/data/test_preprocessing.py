"""Transforms: fitted on the training split alone, applied in order, and inverted."""

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.data.preprocessing import Preprocessing
from tinynet.dataset import Field
from tinynet.errors import CheckpointMismatchError, DataError, SpecError, TransformError
from tinynet.spec.data_spec import TransformReference
from tinynet.transform import TransformConfig

from .conftest import open_data, spec


class Jitter:
    """An augmentation: noise added to each sample in training."""

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        if not training:
            return batch
        return batch + np.stack([rng(i).normal(size=batch.shape[1:]) for i in range(len(batch))])


class Drawing(Jitter):
    """A transform that also draws in evaluation."""

    def apply(self, state, batch, rng, training):
        return batch + rng(0).normal()


def test_augmentation_depends_on_seed_epoch_and_sample_only(labelled, register, tmp_path):
    """A resumed run must augment each sample as an uninterrupted one."""
    register("transforms", "jitter", Jitter)
    data = Data(spec([0] * 40, transforms=["jitter"]), tmp_path, 5)

    def noise(positions, epoch, data=data):
        positions = np.array(positions)
        x = data.batch("train", positions, epoch=epoch).inputs["input"][:, 0]
        return x - data.splits["train"].indices[positions]

    whole = noise(range(10), epoch=2)
    assert len(set(whole)) == 10
    np.testing.assert_array_equal(noise([7, 3], epoch=2), whole[[7, 3]])
    assert not np.isclose(noise(range(10), epoch=3), whole).any()
    other = Data(spec([0] * 40, transforms=["jitter"]), tmp_path, 6)
    assert not np.isclose(noise(range(10), 2, other), whole).any()
    np.testing.assert_array_equal(
        data.batch("train", np.arange(10)).inputs["input"][:, 0], data.splits["train"].indices[:10]
    )


def test_evaluation_must_not_draw_random_numbers(labelled, register, tmp_path):
    register("transforms", "drawing", Drawing)
    data = Data(spec([0] * 40, transforms=["drawing"]), tmp_path, 5)
    with pytest.raises(DataError, match="outside of training"):
        data.batch("val", np.arange(2))


def test_transforms_are_fitted_on_training_data_alone(labelled, tmp_path):
    """Statistics of the test split would make its metrics too good."""
    data = Data(spec([0] * 50, transforms=["standardize"]), tmp_path, 0)
    state = data.preprocessing.state()
    raw = data.splits["train"].indices.astype(np.float64)
    np.testing.assert_allclose(state["0/input/mean"], raw.mean())
    np.testing.assert_allclose(state["0/input/std"], raw.std())
    x = data.batch("train", np.arange(len(raw))).inputs["input"]
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=1e-12)


def test_fitted_state_is_used_unchanged(labelled, tmp_path):
    fitted = {"0/input/mean": np.array([5.0]), "0/input/std": np.array([2.0])}
    data = Data(spec([0] * 50, transforms=["standardize"]), tmp_path, 0, fitted)
    value = data.splits["test"].indices[0]
    x = data.batch("test", np.array([0])).inputs["input"]
    np.testing.assert_allclose(x, (value - 5) / 2)


def test_each_transform_is_fitted_on_the_previous_output(labelled, tmp_path):
    chain = [{"type": "scale", "factor": 10.0, "offset": 3.0}, "standardize"]
    data = Data(spec([0] * 50, transforms=chain), tmp_path, 0)
    raw = data.splits["train"].indices
    np.testing.assert_allclose(data.preprocessing.state()["1/input/mean"], 10 * raw.mean() + 3)
    x = data.batch("val", np.arange(3)).inputs["input"][:, 0]
    right = (data.splits["val"].indices[:3] - raw.mean()) / raw.std()
    np.testing.assert_allclose(x, right)


def test_a_transform_changes_only_its_arrays(tmp_path):
    rows = np.random.default_rng(0).normal(5, 3, (30, 3))
    lines = "".join(f"{a},{b},{c}\n" for a, b, c in rows.tolist())
    (tmp_path / "a.csv").write_text("a,b,y\n" + lines)
    csv = {"type": "csv", "path": "a.csv", "target": "y"}
    both = open_data(
        tmp_path, {**csv, "transforms": [{"type": "standardize", "on": ["input", "target"]}]}
    )
    assert set(both.preprocessing.state()) == {
        f"0/{on}/{name}" for on in ("input", "target") for name in ("mean", "std")
    }
    whole = both.batch("train", np.arange(both.size("train")))
    for array in (whole.inputs["input"], whole.targets["target"]):
        np.testing.assert_allclose(array.mean(axis=0), 0, atol=1e-12)
    one = open_data(tmp_path, {**csv, "transforms": [{"type": "standardize", "on": "target"}]})
    index = one.splits["test"].indices[0]
    np.testing.assert_allclose(one.batch("test", np.array([0])).inputs["input"][0], rows[index, :2])


def test_fields_after_all_transforms_are_computed_when_opened(labelled, tmp_path):
    data = Data(spec([0, 1, 2] * 20, transforms=[{"type": "one_hot", "on": "target"}]), tmp_path, 0)
    assert data.targets["target"].shape == (3,)
    assert data.raw["target"].shape == ()
    assert data.input_shapes == {"input": (1,)}
    assert data.raw["target"].classes == ("a", "b", "c")
    targets = data.batch("train", np.arange(5)).targets["target"]
    assert targets.shape == (5, 3)


def test_invert_returns_to_the_units_of_the_data():
    fields = {"target": Field((), "float64")}
    chain = [
        {"type": "standardize", "on": "target"},
        {"type": "scale", "factor": 2.0, "offset": 1.0, "on": "target"},
    ]
    work = Preprocessing([TransformReference.model_validate(t) for t in chain], fields)
    raw = np.array([10.0, 20.0, 60.0])
    work.fit(lambda: iter([{"target": raw[:2]}, {"target": raw[2:]}]))
    transformed = work.apply({"target": raw})["target"]
    np.testing.assert_allclose(work.invert("target", transformed), raw)
    fresh = Preprocessing([TransformReference.model_validate(t) for t in chain], fields)
    fresh.load_state(work.state())
    np.testing.assert_array_equal(fresh.apply({"target": raw})["target"], transformed)
    with pytest.raises(CheckpointMismatchError, match="9/target/mean belongs to no transform"):
        fresh.load_state({"9/target/mean": raw})


@pytest.mark.parametrize(
    ("on", "message"),
    [("inputs", "no array 'inputs'; did you mean 'input'"), (["input", "input"], "listed twice")],
)
def test_a_transform_of_an_unknown_array_is_located(labelled, tmp_path, on, message):
    with pytest.raises(SpecError, match=message) as caught:
        Data(spec([0] * 20, transforms=[{"type": "scale", "on": on}]), tmp_path, 0)
    assert caught.value.problems[0].pointer == "/data/transforms/0/on"


def test_a_transform_that_refuses_its_array_is_located(labelled, tmp_path):
    with pytest.raises(TransformError) as raised:
        Data(spec([0] * 20, transforms=[{"type": "scale", "on": "target"}]), tmp_path, 0)
    (problem,) = raised.value.problems
    assert problem.pointer == "/data/transforms/0"
    assert problem.message.startswith("the array 'target': scale needs quantities")
