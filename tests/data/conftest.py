"""A dataset of numbers for the tests of data, and shorthands."""

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.dataset import Batch, DatasetConfig, Field
from tinynet.spec.data_spec import DataSpec

SPLITS = ("train", "val", "test")


class Labelled:
    """A dataset whose sample i is the number i, with labels from its options."""

    class Config(DatasetConfig):
        labels: list[int]

    def __init__(self, config):
        self.labels = np.array(config.labels)
        classes = tuple("abcdefghij")[: int(self.labels.max()) + 1]
        self.inputs = {"input": Field((1,), "float64")}
        self.targets = {"target": Field((), "int64", classes)}
        self.fingerprint = "labelled"

    def __len__(self):
        return len(self.labels)

    def gather(self, indices):
        inputs = {"input": indices[:, None].astype(np.float64)}
        return Batch(inputs, {"target": self.labels[indices]})


@pytest.fixture
def labelled(register):
    register("datasets", "labelled", Labelled)


def spec(labels, **data):
    return DataSpec.model_validate({"type": "labelled", "labels": list(labels), **data})


def open_data(tmp_path, data, seed=1, fitted=None):
    return Data(DataSpec.model_validate(data), tmp_path, seed, fitted)
