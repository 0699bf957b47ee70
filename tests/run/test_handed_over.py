"""Values from plugins: rejected before the first step, or saved and loaded unchanged."""

import shutil
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import Field as PydanticField

import tinynet
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import DataError, PluginError, TinynetError
from tinynet.layer import LayerConfig
from tinynet.metric import MetricConfig
from tinynet.optimizer import OptimizerConfig
from tinynet.transform import TransformConfig

SAMPLES = 8
GOOD = {
    "inputs": {"input": Field((2,), "float64")},
    "targets": {"target": Field((), "int64", ("a", "b"))},
    "fingerprint": "handed over",
    "weights": None,
    "fitted": {"mean": np.zeros(2)},
    "described": None,
    "slots": {"velocity": np.zeros(1)},
    "counted": {"count": np.zeros(1)},
    "param": "weight",
    "initial": 0.0,
    "option": 1.0,
}
HANDED = dict(GOOD)
"""The values that the plugins return in this example."""

SPEC = {
    "tinynet": 1,
    "name": "handed",
    "data": {
        "type": "given",
        "split": {"validation": 2, "test": 0},
        "transforms": [{"type": "fitted"}],
    },
    "network": {"layers": ["flatten", "scaled", {"type": "dense", "units": 2}]},
    "training": {
        "steps": 3,
        "batch_size": 2,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "slotted", "learning_rate": 0.1},
        "metrics": ["counted"],
        "checkpoint": {"every_steps": 1},
    },
}


def zeros(field):
    """Return samples of a field's shape and dtype, or plain zeros if NumPy has no such arrays."""
    try:
        return np.zeros((SAMPLES, *field.shape), field.dtype)
    except (TypeError, ValueError, AttributeError):
        return np.zeros((SAMPLES, 2))


class Given:
    """A dataset."""

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        self.inputs, self.targets = HANDED["inputs"], HANDED["targets"]
        self.fingerprint = HANDED["fingerprint"]

    def __len__(self):
        return SAMPLES

    def gather(self, indices):
        weights = HANDED["weights"]
        return Batch(
            {name: zeros(field)[indices] for name, field in self.inputs.items()},
            {name: zeros(field)[indices] for name, field in self.targets.items()},
            None if weights is None else weights[: len(indices)],
        )


class Fitted:
    """A transform."""

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return HANDED["described"] or field

    def fit(self, field, batches):
        return deepcopy(HANDED["fitted"])

    def apply(self, state, batch, rng, training):
        return batch


class Slotted:
    """An optimizer."""

    class Config(OptimizerConfig):
        pass

    def __init__(self, config):
        pass

    def slots(self, param):
        return deepcopy(HANDED["slots"])

    def update(self, param, grad, slots, step, rate):
        param -= rate * grad


class Counted:
    """A metric."""

    greater_is_better = True

    class Config(MetricConfig):
        pass

    def __init__(self, config):
        pass

    def start(self, out_shape):
        return deepcopy(HANDED["counted"])

    def update(self, state, predictions, targets):
        pass

    def merge(self, state, other):
        pass

    def result(self, state):
        return 0.0


def filled(rng, shape, fan_in, fan_out, dtype):
    """An initializer."""
    with np.errstate(all="ignore"):
        return np.full(shape, HANDED["initial"]).astype(dtype)


class Scaled:
    """A layer with a parameter."""

    class Config(LayerConfig):
        option: Any = PydanticField(default_factory=lambda: HANDED["option"])

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {HANDED["param"]: build.param(HANDED["param"], (1,), filled)}

    def forward(self, ctx, x):
        return x.copy(), None

    def backward(self, ctx, cache, dy):
        return (dy,), {name: np.zeros_like(param) for name, param in self.params.items()}


KINDS = {
    "datasets": ("given", Given),
    "transforms": ("fitted", Fitted),
    "optimizers": ("slotted", Slotted),
    "metrics": ("counted", Counted),
    "layers": ("scaled", Scaled),
}


# Values that a plugin may return

LONG = "n" * 300
NAMES = st.sampled_from(
    ["mean", "a/b", "", ".hidden", "two words", "\ud800", "\n", "\x1b[2J", "é", LONG, 7, None]
)
TEXTS = st.one_of(NAMES, st.text(max_size=3))
DTYPES = [
    *("bool", "uint8", "int64", "float16", "float32", "float64", ">f8", ">i4", "longdouble"),
    *("<U6", "S3", "O", "complex64", "M8[s]", "i4,f8", "V3"),
]
ARRAYS = st.one_of(
    st.builds(
        np.zeros, st.sampled_from([(), (1,), (0,), (2, 3), (1,) * 9]), st.sampled_from(DTYPES)
    ),
    st.sampled_from(
        [
            *(np.array(value) for value in (np.nan, np.inf, 2**63, True)),
            np.ma.masked_array([1.0, 2.0], [True, False]),
            np.ones((2, 3)).T,
            np.ones(6)[::-2],
            np.float64(1),
            [0.0],
            None,
        ]
    ),
)
STATES = st.one_of(st.dictionaries(NAMES, ARRAYS, max_size=2), st.sampled_from([None, [], "text"]))
SHAPES = st.sampled_from(
    [(2,), (1, 2), (), [2], (np.int64(2),), (True, 2), (0,), (-1,), (1,) * 8, (1,) * 9, 2, (2.0,)]
)
CLASSES = st.one_of(
    st.none(),
    st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
    st.sampled_from([["a", "b"], ("a", "a"), "ab", (np.str_("a"), np.str_("b"))]),
)
FIELDS = st.builds(
    Field,
    SHAPES,
    st.one_of(st.sampled_from(DTYPES), st.sampled_from([np.dtype("f4"), np.float32, None, "no"])),
    CLASSES,
    CLASSES,
)
TABLES = st.one_of(
    st.builds(lambda name, field: {name: field}, NAMES, FIELDS),
    st.builds(lambda field: {"input": field}, FIELDS),
    st.sampled_from([{}, None, {"input": None}]),
)
WEIGHTS = st.one_of(st.none(), ARRAYS)
OPTIONS = st.sampled_from([1.0, np.nan, np.inf, 2**70, "\ud800", "\x00", (1, 2), {"a": None}, None])
HANDOVERS = st.one_of(
    st.tuples(st.just("inputs"), TABLES),
    st.tuples(st.just("targets"), TABLES),
    st.tuples(st.just("fingerprint"), TEXTS),
    st.tuples(st.just("weights"), WEIGHTS),
    st.tuples(st.just("fitted"), STATES),
    st.tuples(st.just("described"), FIELDS),
    st.tuples(st.just("slots"), STATES),
    st.tuples(st.just("counted"), STATES),
    st.tuples(st.just("param"), NAMES.filter(lambda name: isinstance(name, str))),
    st.tuples(st.just("option"), OPTIONS),
    st.tuples(st.just("initial"), st.sampled_from([1.0, np.nan, np.inf, 1e300])),
)


@pytest.fixture
def hand_over(register, monkeypatch):
    """Return a function that replaces values that the plugins return."""
    for group, (name, cls) in KINDS.items():
        register(group, name, cls)

    def hand(**handed):
        for name, value in {**GOOD, **handed}.items():
            monkeypatch.setitem(HANDED, name, value)

    return hand


def same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.shape == theirs[name].shape
        assert array.dtype == theirs[name].dtype.newbyteorder("=")
        np.testing.assert_array_equal(array, theirs[name])


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(handed=HANDOVERS)
@example(handed=("inputs", {"input": Field((), "<U6")}))
@example(handed=("fitted", {"vocabulary": np.array(["a", "b"])}))
@example(handed=("slots", {"best": np.array(np.inf)}))
@example(handed=("option", np.nan))
@example(handed=("initial", np.nan))
@example(handed=("slots", {"velocity": np.zeros(1, ">f8")}))
def test_values_are_rejected_before_training_or_saved_and_loaded(hand_over, tmp_path, handed):
    hand_over(**{handed[0]: handed[1]})
    folder = tmp_path / "run"
    try:
        run = tinynet.train(SPEC, folder)
    except TinynetError:
        assert not folder.exists(), "a folder without a run"
        return
    try:
        newest = Checkpoint.read(run.checkpoints[-1])
        data = tinynet.Trainer(SPEC).data
        same(newest.transforms, data.preprocessing.state())
        assert newest.data.raw == data.raw
        tinynet.resume(folder, overrides={"training.steps": 4}, exact=True)
        tinynet.load_model(folder)
    finally:
        shutil.rmtree(folder)


def test_valid_values_are_saved_and_loaded(hand_over, tmp_path):
    """Without this, the property above would also hold if all plugins were rejected."""
    hand_over()
    run = tinynet.train(SPEC, tmp_path / "run")
    assert Checkpoint.read(run.checkpoints[-1]).progress.step == 3


@pytest.mark.parametrize(
    ("handed", "message"),
    [
        (
            {"inputs": {"input": Field((), "<U6"), "more": Field((0,), "float32")}},
            r"/data: test-plugin:given \(version 1.0\): inputs\['input'\]: its dtype must be one of"
            r" .*; it is '<U6'; the dtype of text is 'text'; inputs\['more'\]: its shape must be",
        ),
        ({"inputs": {}}, "its inputs must be a dict of one Field or more by name; it is {}"),
        ({"inputs": {"input": Field([2], "float64")}}, r"positive integers; it is \[2\]"),
        ({"inputs": {"input": Field((1,) * 9, "float64")}}, "at most 8 axes; it has 9"),
        (
            {"targets": {"target": Field((), "int64", ("a", "b", "a"))}},
            "its classes must be unique; 'a' occurs twice",
        ),
        ({"targets": {"target": Field((), "int64", ("a", 7))}}, "must be strings; one is 7"),
        ({"fingerprint": b"bytes"}, "its fingerprint must be a text; it is b'bytes'"),
        (
            {"described": Field((2,), "object")},
            "/data/transforms/0: test-plugin:fitted .*: describe must return a Field that a"
            " checkpoint can hold: its dtype",
        ),
        (
            {"fitted": {"words": np.array(["a"]), "two words": np.zeros(1)}},
            "/data/transforms/0: test-plugin:fitted .*: fit must return a dict of arrays that a"
            " checkpoint can hold: tensor 'transforms/0/input/words' has dtype <U1; .*;"
            " the tensor's name is 'transforms/0/input/two words'",
        ),
        ({"fitted": {"a/b": np.zeros(1)}}, "names without '/'; one is 'a/b'"),
        (
            {"slots": {"best": np.array(np.inf)}},
            "/training/optimizer: test-plugin:slotted .*: slots must .*: 'best' must be finite",
        ),
        (
            {"counted": {"least": np.array(np.inf)}},
            "/training/metrics/0: test-plugin:counted .*: start must .*: 'least' must be finite",
        ),
        (
            {"param": "my weight"},
            "/network/layers/1: scaled_1 .*: the tensor's name is 'buffers/scaled_1/my weight'",
        ),
    ],
)
def test_error_names_the_plugin_and_lists_all_problems(hand_over, tmp_path, handed, message):
    hand_over(**handed)
    with pytest.raises(PluginError, match=message):
        tinynet.train(SPEC, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_input_and_target_with_one_name_are_an_error(hand_over, tmp_path):
    """Otherwise the network would receive the target in place of the input."""
    hand_over(inputs={"target": GOOD["inputs"]["input"]})
    with pytest.raises(DataError, match="'target' names both an input and a target"):
        tinynet.train(SPEC, tmp_path / "run")


@pytest.mark.parametrize("dtype", ["<U3", "O", "M8[s]", "complex64"])
@pytest.mark.parametrize(
    ("cls", "method", "message"),
    [
        (Given, "gather", "gather must return input 'input' as float64, not"),
        (Fitted, "apply", "apply must return numbers; it returned an array of dtype"),
    ],
)
def test_arrays_without_numbers_are_an_error(
    hand_over, monkeypatch, tmp_path, cls, method, message, dtype
):
    """The field declares numbers, but the plugin returns another dtype."""
    hand_over()

    def gather(self, indices):
        samples = np.zeros((len(indices), 2), dtype)
        return Batch({"input": samples}, {"target": np.zeros(len(indices), np.int64)})

    def apply(self, state, batch, rng, training):
        return np.zeros(batch.shape, dtype)

    monkeypatch.setattr(cls, method, {"gather": gather, "apply": apply}[method])
    with pytest.raises(PluginError, match=message):
        tinynet.train(SPEC, tmp_path / "run")
    assert not (tmp_path / "run").exists()
