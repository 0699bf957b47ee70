"""A run that is resumed across a change of the computation is not called exact."""

import numpy as np
import pytest

import tinynet
from tinynet import archive
from tinynet.builtin.layers.dropout import Dropout
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.revisions import NEWEST, REVISIONS, changes_since
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.errors import CheckpointMismatchError, CheckpointVersionError
from tinynet.run.folder import RunFolder
from tinynet.transform import TransformConfig

BASE = {
    "tinynet": 1,
    "name": "revised",
    "data": {"type": "digits", "split": {"validation": 60, "test": 1637}},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "steps": 2,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "learning_rate": 0.001},
    },
}
CHANGES = [revision.change for revision in REVISIONS]
STREAMS, FROZEN, WEIGHTS, DEPTHWISE, ATTENTION, CLASSES, DEPTHWISE_GRADIENT = CHANGES


class Jitter:
    """A transform that is not built in, so it may draw random numbers."""

    class Config(TransformConfig):
        pass

    def __init__(self, config):
        pass

    def describe(self, field):
        return field

    def fit(self, field, batches):
        return {}

    def apply(self, state, batch, rng, training):
        return batch


class Noise(Dropout):
    """A layer that is not built in, so it may compute something else in training."""


class Weighed:
    """Samples with weights."""

    class Config(DatasetConfig):
        pass

    def __init__(self, config):
        self.inputs = {"input": Field((2,), "float64")}
        self.targets = {"target": Field((), "int64", tuple("abcdefghij"))}
        self.fingerprint = "weighed"

    def __len__(self):
        return 20

    def gather(self, indices):
        ones = np.ones(len(indices))
        return Batch({"input": np.ones((len(indices), 2))}, {"target": indices % 2}, ones)


@pytest.fixture(autouse=True)
def _registered(register):
    register("transforms", "jitter", Jitter)
    register("datasets", "weighed", Weighed)
    register("layers", "noise", Noise)


def with_layers(*layers):
    return {**BASE, "network": {"layers": ["flatten", *layers, {"type": "dense", "units": 10}]}}


def with_data(**data):
    return {**BASE, "data": {**BASE["data"], **data}}


DROPOUT = {"type": "dropout", "rate": 0.5}
FROZEN_NORM = {"type": "batch_norm", "trainable": False}
CONV = {"type": "conv2d", "filters": 16, "kernel_size": 3}
CONCERNED = {
    "random transform": (with_data(transforms=["jitter"]), False, [STREAMS]),
    "built-in transform": (with_data(transforms=[{"type": "scale", "factor": 2}]), False, []),
    "frozen dropout": (with_layers({**DROPOUT, "trainable": False}), False, [FROZEN]),
    "frozen plugin": (
        with_layers({"type": "noise", "rate": 0.5, "trainable": False}),
        False,
        [FROZEN],
    ),
    "dropout": (with_layers(DROPOUT), False, []),
    "frozen batch norm": (with_layers(FROZEN_NORM), False, []),
    "weights": (BASE, True, [WEIGHTS]),
    "depthwise": (with_layers({**CONV, "groups": 16}), False, [DEPTHWISE, DEPTHWISE_GRADIENT]),
    "grouped": (with_layers({**CONV, "groups": 8}), False, []),
    "few channels": (with_layers({**CONV, "filters": 8, "groups": 8}), False, []),
    "separable": (
        with_layers({**CONV, "type": "separable_conv2d"}),
        False,
        [DEPTHWISE_GRADIENT],
    ),
    "attention": (
        with_layers({"type": "multi_head_attention", "num_heads": 2}),
        False,
        [ATTENTION],
    ),
    "class weights": (
        {**BASE, "training": {**BASE["training"], "class_weights": "balanced"}},
        False,
        [CLASSES],
    ),
    "nothing": (BASE, False, []),
}


@pytest.mark.parametrize("case", CONCERNED)
def test_a_revision_affects_specs_with_another_result(case):
    spec, weighted, changes = CONCERNED[case]
    spec = tinynet.load_spec(spec)
    assert changes_since(0, spec, weighted=weighted) == changes
    assert changes_since(NEWEST, spec, weighted=weighted) == []


def test_revisions_are_numbered_from_1():
    assert [revision.number for revision in REVISIONS] == list(range(1, NEWEST + 1))


def written_before(path, revision=None):
    """Change the revision of a run's newest checkpoint; None removes it."""
    folder = RunFolder(path)
    file = folder.checkpoint(folder.steps()[-1])
    content = archive.read(file)
    del content.sections["revision"]
    if revision is not None:
        content.sections["revision"] = revision
    archive.write(file, content.sections, content.tensors, run_id=content.run_id, step=content.step)


def newest(path):
    folder = RunFolder(path)
    return Checkpoint.read(folder.checkpoint(folder.steps()[-1]))


SMALL = {"layers": [{"type": "dense", "units": 10}]}
OLD = [
    (with_data(transforms=["jitter"]), STREAMS),
    ({**BASE, "data": {"type": "weighed"}, "network": SMALL}, WEIGHTS),
]


@pytest.mark.parametrize(("spec", "change"), OLD)
def test_a_resume_across_a_revision_warns_and_is_recorded(tmp_path, spec, change):
    path = tinynet.train(spec, tmp_path / "run").path
    written_before(path)
    longer = {"training.steps": 4}
    with pytest.raises(CheckpointMismatchError, match=change):
        tinynet.resume(path, overrides=longer, exact=True)
    with pytest.warns(UserWarning, match=change):
        tinynet.resume(path, overrides=longer)
    (origin,) = newest(path).lineage
    assert not origin["exact"]
    assert origin["reasons"] == [change]
    assert newest(path).revision == NEWEST
    # From here on nothing changes any more.
    tinynet.resume(path, overrides={"training.steps": 6}, exact=True)
    assert newest(path).lineage[-1]["exact"]


def test_an_unaffected_spec_resumes_exactly_across_revisions(tmp_path):
    path = tinynet.train(BASE, tmp_path / "run").path
    written_before(path)
    tinynet.resume(path, overrides={"training.steps": 4}, exact=True)
    whole = tinynet.train(BASE, tmp_path / "whole", overrides={"training.steps": 4})
    for name, array in newest(whole.path).tensors.items():
        assert np.array_equal(array, newest(path).tensors[name]), name


def test_a_run_of_a_newer_revision_is_not_resumed(tmp_path):
    path = tinynet.train(BASE, tmp_path / "run").path
    written_before(path, NEWEST + 1)
    with pytest.raises(CheckpointVersionError, match="upgrade tinynet-core"):
        tinynet.resume(path, overrides={"training.steps": 4})
    assert tinynet.load(path) is not None
