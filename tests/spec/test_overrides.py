"""`--set`: changes of a spec before it is validated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.errors import SpecError
from tinynet.spec.overrides import override


def document():
    return {
        "name": "x",
        "network": {
            "layers": [
                {"type": "conv2d", "filters": 8},
                {"type": "acme:conv2d", "filters": 9},
                "relu",
                {"type": "dense", "name": "head.out", "units": 2},
                {"shares": "conv2d_1"},
                3,
            ]
        },
        "training": {
            "epochs": 1,
            "optimizer": "adam",
            "schedule": None,
            "metrics": ["accuracy", {"type": "f1"}],
        },
    }


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("training.epochs", "/training/epochs"),
        ("training.optimizer.learning_rate", "/training/optimizer/learning_rate"),
        ("training.metrics.0", "/training/metrics/0"),
        ("training.metrics.0.k", "/training/metrics/0/k"),
        ("training.metrics.1.average", "/training/metrics/1/average"),
        ("network.layers.0.filters", "/network/layers/0/filters"),
        ("network.layers.conv2d_1.filters", "/network/layers/0/filters"),
        ("network.layers.conv2d_2.filters", "/network/layers/1/filters"),
        ("network.layers.relu_1.trainable", "/network/layers/2/trainable"),
        ("network.layers.head.out.units", "/network/layers/3/units"),
        ("network.layers.head.out", "/network/layers/3"),
        ("network.layers.shared_1.inputs", "/network/layers/4/inputs"),
        ("network", "/network"),
        ("a/b", "/a~1b"),
    ],
)
def test_a_path_sets_what_it_names(path, pointer):
    changed, value = document(), {"x": [1]}
    assert override(changed, path, value) == pointer
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        changed = changed[int(key) if isinstance(changed, list) else key]
    assert changed == value
    assert changed is not value


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("training.schedule.type", "/training/schedule"),
        ("training.checkpoint.keep_best.metric", "/training/checkpoint"),
        ("new.a/b.c~d", "/new"),
    ],
)
def test_created_objects_belong_to_the_override(path, pointer):
    """A mistake in them is reported with the path, not at a line of the file."""
    changed = document()
    assert override(changed, path, 3) == pointer
    for key in path.split("."):
        changed = changed[key]
    assert changed == 3


def test_a_bare_name_becomes_an_object():
    changed = document()
    override(changed, "training.optimizer.learning_rate", 0.1)
    assert changed["training"]["optimizer"] == {"type": "adam", "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("", 1, "cannot set '': a path looks like training.epochs"),
        ("training.", 1, "cannot set 'training.': a path looks like training.epochs"),
        (".".join("a" * 65), 1, "a path looks like training.epochs"),
        (
            "training.epochs.x",
            1,
            "cannot set 'training.epochs.x': 'training.epochs' is 1, which has no parts",
        ),
        (
            "network.layers.5.x",
            1,
            "cannot set 'network.layers.5.x': 'network.layers.5' is 3, which has no parts",
        ),
        (
            "network.layers.conv2d_3.filters",
            1,
            "cannot set 'network.layers.conv2d_3.filters': there is no node 'conv2d_3';"
            " did you mean 'conv2d_2'?",
        ),
        (
            "training.metrics.2",
            1,
            "cannot set 'training.metrics.2': 'training.metrics' has no element '2', only 0 to 1",
        ),
        (
            "training.metrics.accuracy",
            1,
            "cannot set 'training.metrics.accuracy': 'training.metrics' has no element 'accuracy',"
            " only 0 to 1",
        ),
        ("training.epochs", float("nan"), "cannot set 'training.epochs': not JSON data"),
        ("training.epochs", np.int64(3), "cannot set 'training.epochs': not JSON data"),
        ("training.epochs", "\udc00", "cannot set 'training.epochs': a string holds half of"),
    ],
)
def test_an_invalid_path_is_explained(path, value, expected):
    changed = document()
    with pytest.raises(SpecError) as caught:
        override(changed, path, value)
    assert str(caught.value).startswith("cannot set ")
    assert expected in str(caught.value)
    assert caught.value.problems[0].line is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "the spec is null, which has no parts"),
        (3, "the spec is 3, which has no parts"),
        ([], "the spec has no element 'training', it is empty"),
        ([1], "the spec has no element 'training', only 0 to 0"),
    ],
)
def test_overrides_need_an_object(value, expected):
    with pytest.raises(SpecError) as caught:
        override(value, "training.epochs", 1)
    assert str(caught.value) == f"cannot set 'training.epochs': {expected}"


@given(st.text(), st.none() | st.integers() | st.text())
def test_any_path_gives_success_or_a_spec_error(path, value):
    try:
        pointer = override(document(), path, value)
    except SpecError:
        return
    assert pointer.startswith("/")
