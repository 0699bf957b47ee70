"""`--set` in specs with blocks, repeats and variables."""

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

from .block_specs import PAIR, nodes, refused, spec, units


def test_overrides_change_the_declared_spec():
    layers = [{"block": "pair", "units": "$width"}, {"block": "pair", "units": 5, "name": "last"}]
    parts = {"blocks": {"pair": PAIR}, "vars": {"width": 9}}
    expected = {"pair_1.dense_1": 9, "last.dense_1": 5}
    assert units(*layers, **parts) == expected
    for path, value, changed in (
        ("vars.width", 3, {"pair_1.dense_1": 3}),
        ("network.layers.last.units", 3, {"last.dense_1": 3}),
        ("network.layers.pair_1.units", 3, {"pair_1.dense_1": 3}),
        ("network.layers.1.units", "$width", {"last.dense_1": 9}),
        ("network.blocks.pair.layers.dense_1.units", 2, {"pair_1.dense_1": 2, "last.dense_1": 2}),
        ("network.layers.last.repeat", 2, {"last_1.dense_1": 5, "last_2.dense_1": 5}),
        ("network.blocks.pair.layers.dropout_1.repeat", 2, {}),
    ):
        rest = {} if path.endswith("last.repeat") else expected
        result = units(*layers, **parts, overrides={path: value})
        assert result == {"pair_1.dense_1": 9, **rest, **changed}, path


def test_an_override_uses_the_names_of_the_network():
    """A variable `repeat` must not shift the names of later nodes."""
    layers = [{"type": "relu", "repeat": "$depth"}, {"type": "relu"}, "$last"]
    variables = {"depth": 3, "last": {"type": "dense", "units": 2}}
    for name, expected in (
        ("relu_1", [False, False, False, True, True]),
        ("relu_4", [True, True, True, False, True]),
    ):
        overrides = {f"network.layers.{name}.trainable": False}
        result = nodes(*layers, vars=variables, overrides=overrides)
        assert [node["trainable"] for node in result] == expected
    deep = {"params": {"depth": 2}, "layers": [{"type": "relu", "repeat": "$depth"}, "relu"]}
    overrides = {"network.blocks.deep.layers.relu_3.trainable": False}
    result = nodes({"block": "deep"}, blocks={"deep": deep}, overrides=overrides)
    assert [node["trainable"] for node in result] == [True, True, False]


def test_a_mistake_in_an_override_of_a_block_names_it():
    message = refused(
        {"block": "pair", "units": 3},
        blocks={"pair": PAIR},
        overrides={"network.layers.pair_1.units": 0},
    )
    assert message == (
        "/network/layers/0/units: must be at least 1, not 0 (override network.layers.pair_1.units)"
        " (used as $units at /network/blocks/pair/layers/0/units)"
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("stage_1.units", "'stage_1' is one of 3 copies of a repeated node; set"
         " 'stage'"),
        ("pair_2.units", "'pair_2' is one of 2 copies of a repeated node; set"
         " 'pair_1'"),
        ("last.dense_1.units", "'dense_1' is declared in the block 'pair'; to change it"
         " in every instance, set network.blocks.pair.layers.dense_1.units"),
    ],
)  # fmt: skip
def test_an_override_changes_only_the_nodes_that_it_names(path, expected):
    layers = [{"block": "pair", "units": 3, "repeat": 2},
              {"block": "pair", "units": 4, "repeat": 3, "name": "stage"},
              {"block": "pair", "units": 5, "name": "last"}]  # fmt: skip
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*layers, blocks={"pair": PAIR}), {f"network.layers.{path}": 7})
    assert str(caught.value).startswith(f"cannot set 'network.layers.{path}': {expected}")
    for whole, changed in (("pair_1", 2), ("stage", 3), ("0", 2)):
        overrides = {f"network.layers.{whole}.units": 7}
        result = units(*layers, blocks={"pair": PAIR}, overrides=overrides)
        assert list(result.values()).count(7) == changed


@pytest.mark.parametrize("part", ["vars.width", "network.blocks.pair.layers.dense_1.units"])
def test_overriding_a_variable_of_a_resolved_spec_is_explained(part):
    """`tinynet resume --set vars.width=5`: a run stores no variables."""
    declared = load_spec(
        spec({"block": "pair", "units": "$width"}, blocks={"pair": PAIR}, vars={"width": 3})
    )
    with pytest.raises(SpecError, match="in a run or a checkpoint, the spec is already expanded"):
        load_spec(declared.resolved(), {part: 5})
    resolved = load_spec(declared.resolved(), {"network.layers.pair_1.dense_1.units": 5}).resolved()
    assert resolved["network"]["layers"][0]["units"] == 5
