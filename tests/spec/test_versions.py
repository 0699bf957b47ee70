"""A valid spec of any version stays valid and keeps its meaning."""

import json
from functools import partial
from pathlib import Path

import pytest

from tinynet import registry
from tinynet.errors import SpecError
from tinynet.network.network import Network
from tinynet.optimizer import OptimizerConfig
from tinynet.spec import reading
from tinynet.spec.data_spec import DataSpec, SplitSpec, TransformReference
from tinynet.spec.expansion.blocks import BlockSpec, InstanceSpec
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec, NodeSpec
from tinynet.spec.reading import load_spec
from tinynet.spec.rendering import origins
from tinynet.spec.training_spec import (
    CheckpointSpec,
    EarlyStoppingSpec,
    KeepBestSpec,
    LookaheadSpec,
    LossReference,
    MetricReference,
    RegularizerSpec,
    TrainingSpec,
)
from tinynet.spec.versions import MIGRATIONS, VERSION, migrate
from tinynet.text.kinds import NOT_IN_SPECS

# Frozen specs of every version.

CORPUS = Path(__file__).parent / "corpus"
FROZEN = sorted(p for p in CORPUS.glob("*/*.json") if not p.name.endswith(".resolved.json"))
READ_THIS = f"read {CORPUS / 'README.md'}: no file there is edited, ever"


def differences(golden, current, place=""):
    """Yield the values of ``golden`` that ``current`` lacks; ``current`` may have more."""
    if isinstance(golden, dict) and isinstance(current, dict):
        for key, value in golden.items():
            if key in current:
                yield from differences(value, current[key], f"{place}/{key}")
            else:
                yield f"{place}/{key}: {value!r} is missing"
    elif isinstance(golden, list) and isinstance(current, list) and len(golden) == len(current):
        for index, value in enumerate(golden):
            yield from differences(value, current[index], f"{place}/{index}")
    elif type(golden) is not type(current) or golden != current:
        yield f"{place}: {golden!r} has become {current!r}"


@pytest.mark.parametrize("path", FROZEN, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_spec_means_what_it_meant(path):
    golden = path.with_suffix(".resolved.json")
    assert golden.is_file(), f"{golden} is missing; {READ_THIS}"
    spec = load_spec(path)
    changes = list(differences(json.loads(golden.read_text(encoding="utf-8")), spec.resolved()))
    assert not changes, f"the meaning of {path} has changed: {changes}; {READ_THIS}"
    if spec.network.input_shape is not None:
        Network(spec.network, spec.network.input_shape, dry=True)


def test_a_new_key_is_the_only_allowed_difference():
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "new": 3}], "newer": 4})) == []
    for value in ({"a": 1.0}, {"a": True}, {"a": [1]}, {}, {"a": None}):
        assert list(differences({"a": 1}, value)), value
    assert list(differences({"a": [1, 2]}, {"a": [1, 2, 3]}))


def test_every_version_is_frozen_and_can_be_migrated():
    assert {p.parent.name for p in FROZEN} == {str(v) for v in range(1, VERSION + 1)}
    assert MIGRATIONS.keys() == set(range(1, VERSION))


def objects(value):
    """Yield every object within a value, with the keys above it."""
    todo = [((), value)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            yield path, value
            todo += [((*path, key), part) for key, part in value.items()]
        elif isinstance(value, list):
            todo += [(path, part) for part in value]


NEWEST = [
    json.loads(p.read_text(encoding="utf-8"))
    for p in FROZEN
    if p.parent.name == str(VERSION)
]  # fmt: skip
OBJECTS = [pair for spec in NEWEST for pair in objects(spec)]

BY_HAND = f"write a spec that does, and freeze it; {READ_THIS}"


@pytest.mark.parametrize("group", [g for g in registry.GROUPS if g not in NOT_IN_SPECS])
def test_every_built_in_type_is_frozen_with_every_option(group):
    """Otherwise its meaning could change unnoticed."""
    built_in = registry.default()
    # The same code applies them to all: the spec of one optimizer is enough.
    used = {key for path, part in OBJECTS if path[-1:] == ("optimizer",) for key in part}
    of_every_optimizer = used & OptimizerConfig.model_fields.keys()
    for entry in built_in.entries(group):
        if entry.distribution != "tinynet-core":
            continue
        required = set(built_in.load(group, entry.name).Config.model_fields) - of_every_optimizer
        uses = [part for _, part in OBJECTS if part.get("type") == entry.name]
        named = uses or entry.name in json.dumps(NEWEST)
        assert named, f"no frozen spec uses {group} {entry.name}: {BY_HAND}"
        missing = sorted(required - {key for part in uses for key in part})
        assert not missing, f"no frozen spec has {missing} of {group} {entry.name}: {BY_HAND}"


@pytest.mark.parametrize(
    ("model", "holder"),
    [
        (Spec, None),
        (DataSpec, "data"),
        (SplitSpec, "split"),
        (TransformReference, "transforms"),
        (NetworkSpec, "network"),
        (NodeSpec, "layers"),
        (InstanceSpec, "layers"),
        (BlockSpec, "blocks"),
        (TrainingSpec, "training"),
        (LossReference, "loss"),
        (MetricReference, "metrics"),
        (RegularizerSpec, "regularizers"),
        (LookaheadSpec, "lookahead"),
        (EarlyStoppingSpec, "early_stopping"),
        (CheckpointSpec, "checkpoint"),
        (KeepBestSpec, "keep_best"),
    ],
)
def test_every_key_of_the_language_is_frozen(model, holder):
    keys = {key for path, part in OBJECTS if holder in (*path, None) for key in part}
    required = {*model.model_fields, *getattr(model, "written", ())} - {"options"}
    assert required <= keys, f"no frozen spec has {sorted(required - keys)}: {BY_HAND}"


# An invented history: `units` was called `size`, and before that the optimizer was at the top.


def optimizer_moves_into_training(spec):
    training = dict(spec.get("training", {}))
    rest = {key: value for key, value in spec.items() if key != "optimizer"}
    if "optimizer" in spec:
        training["optimizer"] = spec["optimizer"]
    return {**rest, "training": training}, {"/training/optimizer": "/optimizer"}


def size_becomes_units(spec):
    moves = {}

    def rename(nodes, place):
        for index, node in enumerate(nodes):
            if isinstance(node, dict) and "size" in node:
                moves[f"{place}/{index}/units"] = f"{place}/{index}/size"
                node = {("units" if k == "size" else k): v for k, v in node.items()}
            yield node

    network = dict(spec["network"])
    network["layers"] = list(rename(network["layers"], "/network/layers"))
    blocks = {}
    for name, block in network.pop("blocks", {}).items():
        layers = list(rename(block["layers"], f"/network/blocks/{name}/layers"))
        blocks[name] = {**block, "layers": layers}
    return {**spec, "network": {**network, "blocks": blocks}}, moves


HISTORY = {-1: optimizer_moves_into_training, 0: size_becomes_units}

OLD = """{
  "tinynet": -1,
  "name": "old",
  "optimizer": {"type": "adam", "learning_rate": 0.01},
  "network": {
    "input_shape": [4],
    "blocks": {"b": {"layers": [{"type": "dense", "size": 3}]}},
    "layers": [{"block": "b"}, {"type": "dense", "size": 2, "name": "end"}]
  },
  "training": {"steps": 1, "loss": "mse"}
}
"""


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Return a function that writes and loads an old spec, with the invented history."""
    monkeypatch.setattr(reading, "migrate", partial(migrate, migrations=HISTORY, newest=1))

    def load(*changes, overrides=None):
        text = OLD
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "old.json"
        path.write_text(text)
        return load_spec(path, overrides)

    return load


def messages(old, *changes, **options):
    with pytest.raises(SpecError) as caught:
        old(*changes, **options)
    return [str(problem) for problem in caught.value.problems]


def test_an_old_spec_is_migrated(old):
    spec = old()
    assert spec.tinynet == 1
    assert spec.training.optimizer.options["learning_rate"] == 0.01
    assert [node.options["units"] for node in spec.network.layers] == [3, 2]
    assert load_spec(spec.resolved()).resolved() == spec.resolved()


def test_a_newer_spec_needs_fewer_migrations(old):
    inner = ('"loss": "mse"', '"loss": "mse", "optimizer": "sgd"')
    outer = ('  "optimizer": {"type": "adam", "learning_rate": 0.01},\n', "")
    assert old(("-1", "0"), inner, outer).training.optimizer.type == "sgd"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"size": 2', '"size": 0',
         '8:58: /network/layers/1/size: must be at least 1, not 0'),
        ('"size": 3', '"size": "3"',
         '7:59: /network/blocks/b/layers/0/size: a whole number is expected, not "3"'
         " (block 'b' used at 8:16)"),
        ("0.01", "-1", "4:50: /optimizer/learning_rate: must be more than 0, not -1"),
        ("learning_rate", "rate",
         "4:33: /optimizer/rate: unknown key 'rate'; available: amsgrad, beta_1, beta_2, clip_norm,"
         " clip_value, epsilon, groups, learning_rate, type, weight_decay"),
        ('"type": "adam"', '"type": "adan"',
         "4:25: /optimizer/type: there is no optimizer 'adan'; did you mean 'adam'?"),
        ('"steps": 1', '"steps": 0', "10:25: /training/steps: must be at least 1, not 0"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_old_spec_is_reported_in_the_old_file(old, before, after, expected):
    assert messages(old, (before, after)) == [expected]


def test_a_missing_key_of_an_old_spec_is_reported_at_its_new_place(old):
    line = ('  "optimizer": {"type": "adam", "learning_rate": 0.01},\n', "")
    assert messages(old, line) == [
        "9:15: /training: 'optimizer' is required (the update rule of the parameters)"
    ]


def test_an_override_uses_the_keys_of_the_old_file(old):
    spec = old(overrides={"optimizer.learning_rate": 0.5, "network.layers.end.size": 7})
    assert spec.training.optimizer.options["learning_rate"] == 0.5
    assert spec.network.layers[-1].options["units"] == 7
    assert messages(old, overrides={"network.layers.end.size": 0}) == [
        "/network/layers/1/size: must be at least 1, not 0 (override network.layers.end.size)"
    ]


def test_the_origin_of_a_migrated_value_is_its_old_place(old):
    by_pointer = origins(old(overrides={"optimizer.type": "sgd"}))
    assert (by_pointer["/training/optimizer/learning_rate"].pointer,
            by_pointer["/training/optimizer/learning_rate"].line) == (
        "/optimizer/learning_rate", 4
    )  # fmt: skip
    assert by_pointer["/training/optimizer/type"].override == "optimizer.type"
    inner = by_pointer["/network/layers/0/units"]
    assert (inner.pointer, inner.line, inner.column) == ("/network/blocks/b/layers/0/size", 7, 59)
    assert [use.line for use in inner.uses] == [8]


def test_migrations_do_not_change_their_argument(old):
    document = json.loads(OLD)
    migrate(document, HISTORY, 1)
    assert document == json.loads(OLD)


@pytest.mark.parametrize("document", [None, 3, [], {}, {"tinynet": "1"}, {"tinynet": True}])
def test_a_spec_without_a_version_is_not_migrated(document):
    assert migrate(document, {1: optimizer_moves_into_training}, 2) == (document, [])


# Unknown versions.


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (2, "version 2 of the spec language needs a newer tinynet; this one reads 1"),
        (10**30, f"version {10**30} of the spec language needs a newer tinynet; this one reads 1"),
        (0, "1 is expected, not 0"),
        (-1, "1 is expected, not -1"),
        ("1", 'the version of the spec language, 1, is expected, not "1"'),
        (1.5, "the version of the spec language, 1, is expected, not 1.5"),
        (True, "the version of the spec language, 1, is expected, not true"),
        (None, "the version of the spec language, 1, is expected, not null"),
    ],
)
def test_an_unknown_version_is_explained(version, expected):
    spec = {**json.loads((CORPUS / "1" / "short_forms.json").read_text()), "tinynet": version}
    with pytest.raises(SpecError) as caught:
        load_spec(spec)
    assert str(caught.value) == f"/tinynet: {expected}"
