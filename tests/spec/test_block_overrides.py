"""`--set` where blocks and `repeat` write many nodes in one place."""

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

PAIR = {
    "params": {"units": None},
    "layers": [{"type": "dense", "units": "$units"}, {"type": "dropout", "rate": 0.5}],
}


def spec(*layers, **parts):
    return {
        "tinynet": 1,
        "name": "overrides",
        **parts,
        "network": {"input_shape": [4], "blocks": {"pair": PAIR}, "layers": list(layers)},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


def units(content, overrides):
    nodes = load_spec(content, overrides).resolved()["network"]["layers"]
    return {node["name"]: node["units"] for node in nodes if "units" in node}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("stage_1.units", "'stage_1' is one of 3 nodes that are written once (repeat); 'stage'"),
        ("pair_2.units", "'pair_2' is one of 2 nodes that are written once (repeat); 'pair_1'"),
        ("last.dense_1.units", "'dense_1' is written in the block 'pair', for all that use it; say"
         " network.blocks.pair.layers.dense_1.units"),
    ],
)  # fmt: skip
def test_an_override_never_changes_more_nodes_than_it_names(path, expected):
    layers = [{"block": "pair", "units": 3, "repeat": 2},
              {"block": "pair", "units": 4, "repeat": 3, "name": "stage"},
              {"block": "pair", "units": 5, "name": "last"}]  # fmt: skip
    with pytest.raises(SpecError) as caught:
        load_spec(spec(*layers), {f"network.layers.{path}": 7})
    assert str(caught.value).startswith(f"cannot set 'network.layers.{path}': {expected}")
    for whole, changed in (("pair_1", 2), ("stage", 3), ("0", 2)):
        overrides = {f"network.layers.{whole}.units": 7}
        found = units(spec(*layers), overrides)
        assert list(found.values()).count(7) == changed


@pytest.mark.parametrize("part", ["vars.width", "network.blocks.pair.layers.dense_1.units"])
def test_an_override_of_what_a_resolved_spec_no_longer_has_says_so(part):
    """`tinynet resume --set vars.width=5`: a run keeps what became of its variables, not them."""
    written = load_spec(spec({"block": "pair", "units": "$width"}, vars={"width": 3}))
    with pytest.raises(SpecError, match="of a run or of a checkpoint is resolved, and has none"):
        load_spec(written.resolved(), {part: 5})
    overrides = {"network.layers.pair_1.dense_1.units": 5}
    assert units(written.resolved(), overrides) == {"pair_1.dense_1": 5}
