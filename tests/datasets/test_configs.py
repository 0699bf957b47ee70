"""Keys of one dataset in another's place are recognized."""

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

CONFIGS = {
    "csv": {"path": "t.csv", "target": "y", "features": ["a"]},
    "npz": {"path": "t.npz", "targets": "y", "inputs": "x"},
    "npy": {"inputs": "x.npy", "targets": "y.npy"},
    "idx": {"images": "x", "labels": "y"},
    "text": {"path": "t.txt", "length": 8},
    "image_folder": {"path": "p", "table": "t.csv", "target": "y", "size": 8, "color": "gray"},
}


@pytest.mark.parametrize(
    ("dataset", "key", "meant"),
    [
        ("csv", "inputs", "features"),
        ("csv", "targets", "target"),
        ("csv", "sep", "delimiter"),
        ("npz", "features", "inputs"),
        ("npz", "target", "targets"),
        ("npy", "features", "inputs"),
        ("npy", "target", "targets"),
        ("idx", "inputs", "images"),
        ("idx", "targets", "labels"),
        ("text", "sequence_length", "length"),
        ("image_folder", "directory", "path"),
        ("image_folder", "targets", "target"),
        ("image_folder", "image_size", "size"),
        ("image_folder", "color_mode", "color"),
    ],
)
def test_the_key_of_another_dataset_suggests_the_one_here(dataset, key, meant):
    config = dict(CONFIGS[dataset])
    value = config.pop(meant, ";")
    spec = {
        "tinynet": 1,
        "name": "t",
        "data": {"type": dataset, **config, key: value},
        "network": {"layers": [{"type": "dense", "units": 2}]},
        "training": {
            "epochs": 1,
            "batch_size": 1,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
        },
    }
    with pytest.raises(SpecError) as raised:
        load_spec(spec)
    (problem,) = raised.value.problems
    assert problem.message == f"unknown key {key!r}; did you mean {meant!r}?"
    assert problem.pointer == f"/data/{key}"
    spec["data"] = {"type": dataset, **config, meant: value}
    load_spec(spec)
