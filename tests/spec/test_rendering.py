"""Every value of a resolved spec has its true origin."""

import json
import re
from pathlib import Path

import pytest

from tinynet.spec.reading import load_spec
from tinynet.spec.rendering import origins, render
from tinynet.text.places import split_pointer

HERE = Path(__file__).parent
FILES = [
    *sorted((HERE.parents[1] / "models").glob("*.json")),
    *sorted(p for p in HERE.glob("corpus/*/*.json") if not p.name.endswith(".resolved.json")),
    HERE / "bad_blocks.json",
]
every_file = pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")


def part(value, pointer):
    """Return the value at a JSON pointer."""
    for key in split_pointer(pointer):
        value = value[int(key) if isinstance(value, list) else key]
    return value


def leaves(value, pointer=""):
    """Yield the pointers of all values without parts."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{pointer}/{index}")
    else:
        yield pointer


def written(path, line, column):
    """Return the JSON value that begins at a place of a file."""
    text = path.read_bytes().decode("utf-8-sig")
    rest = "\n".join(re.split(r"\r\n|\r|\n", text)[line - 1 :])[column - 1 :]
    return json.JSONDecoder().raw_decode(rest)[0]


def resolves_to(value, resolved):
    """Return True if a declared value, perhaps a short form, is resolved to another."""
    if isinstance(value, str) and isinstance(resolved, str):
        return value in (resolved, f"${resolved}")
    if isinstance(resolved, list):
        return value == resolved or resolved in ([value] * count for count in (1, 2, 3))
    return value == resolved


NAMES = re.compile(r"/network/(layers/[0-9]+/(name|inputs|shares)|outputs/.+)")
"""Names that are local to a list of nodes in the file, and global in the resolved spec."""


@every_file
def test_every_value_has_an_origin(path):
    spec = load_spec(path)
    resolved = spec.resolved()
    by_pointer = origins(spec)
    for pointer in leaves(resolved):
        holder = pointer.rpartition("/")[0]
        assert pointer in by_pointer or holder in by_pointer, pointer


@every_file
def test_a_value_from_the_file_is_at_its_place(path):
    spec = load_spec(path)
    content, resolved = json.loads(path.read_text(encoding="utf-8")), spec.resolved()
    from_file = {p: origin for p, origin in origins(spec).items() if origin.kind == "file"}
    assert len(from_file) > 5
    for pointer, origin in from_file.items():
        value = written(path, origin.line, origin.column)
        assert value == part(content, origin.pointer)
        if not NAMES.fullmatch(pointer):
            assert resolves_to(value, part(resolved, pointer)), (pointer, value)
        elif pointer.endswith("/name"):
            assert value in part(resolved, pointer), (pointer, value)


def place_in_file(pointer, by_pointer):
    """Return the pointer in the file, where the nodes of a network with blocks are elsewhere."""
    if (node := re.match("/network/layers/[0-9]+", pointer)) is None:
        return pointer
    origin = by_pointer.get(f"{node[0]}/type")
    if origin is None or origin.pointer is None:
        return pointer
    return origin.pointer.removesuffix("/type") + pointer.removeprefix(node[0])


@every_file
def test_a_default_is_not_in_the_file(path):
    spec = load_spec(path)
    text = path.read_text(encoding="utf-8")
    by_pointer = origins(spec)
    for pointer, origin in by_pointer.items():
        if origin.kind == "default":
            key = pointer.rpartition("/")[2]
            assert origin.line is None
            assert not origin.uses
            if not key.isdecimal() and key not in ("weight", "type", "trainable", "output"):
                with pytest.raises((KeyError, IndexError, ValueError, TypeError)):
                    part(json.loads(text), place_in_file(pointer, by_pointer))


RICH = """{
  "tinynet": 1,
  "name": "rich",
  "vars": {"width": 3, "start": {"type": "normal", "stddev": 0.5}},
  "network": {
    "input_shape": [4],
    "blocks": {
      "b": {"params": {"size": "$width", "last": "relu"}, "layers": [
        {"type": "dense", "units": "$size", "weight_initializer": "$start"},
        "$last"
      ]},
      "o": {"layers": [{"block": "b", "size": 9}]}
    },
    "layers": [{"block": "b"}, {"block": "o", "trainable": false}, {"shares": "o_1"},
               {"type": "dense", "units": 2, "name": "end"}]
  },
  "training": {"steps": 1, "loss": "mse", "optimizer": "adam"}
}
"""


@pytest.fixture
def rich(tmp_path):
    """Load `RICH` from a file, with overrides."""

    def load(overrides=None):
        path = tmp_path / "rich.json"
        path.write_text(RICH)
        return load_spec(path, overrides)

    return load


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("name", "3:11"),
        ("network/dtype", "default"),
        ("network/input_shape", "6:20"),
        ("network/layers/0/type", "9:18, block 'b' used at 14:16"),
        ("network/layers/0/name", "from its place, 9:9, block 'b' used at 14:16"),
        ("network/layers/0/units", "4:21, used as $width at 8:32, used as $size at 9:36"),
        ("network/layers/0/use_bias", "default"),
        ("network/layers/0/weight_initializer/stddev", "4:62, used as $start at 9:67"),
        ("network/layers/0/weight_initializer/mean", "default"),
        ("network/layers/1/type", "8:50, used as $last at 10:9"),
        ("network/layers/1/name", "from its place, 10:9, block 'b' used at 14:16"),
        ("network/layers/2/units", "12:47, block 'o' used at 14:32, used as $size at 9:36"),
        ("network/layers/2/trainable",
         "from its place, 9:9, block 'b' used at 12:24, block 'o' used at 14:32"),
        ("network/layers/4/shares",
         "from its place, 9:9, block 'b' used at 12:24, block 'o' used at 14:68"),
        ("network/layers/6/name", "15:54"),
        ("network/layers/6/inputs", "from its place, 15:16"),
        ("training/loss/type", "17:36"),
        ("training/metrics", "default"),
    ],
)  # fmt: skip
def test_origins_through_variables_parameters_and_blocks(rich, pointer, expected):
    assert str(origins(rich())[f"/{pointer}"]) == expected


@pytest.mark.parametrize(
    ("path", "value", "pointer", "expected"),
    [
        ("network.layers.end.units", 5, "network/layers/6/units", "--set network.layers.end.units"),
        ("vars.width", 5, "network/layers/0/units",
         "--set vars.width, used as $width at 8:32, used as $size at 9:36"),
        ("vars.start.stddev", 5, "network/layers/2/weight_initializer/stddev",
         "--set vars.start.stddev, used as $start at 9:67"),
        ("network.layers.b_1.last", "tanh", "network/layers/1/type",
         "--set network.layers.b_1.last, used as $last at 10:9"),
        ("network.layers.b_1.last", "tanh", "network/layers/1/name",
         "from its place, 10:9, block 'b' used at 14:16"),
        ("network.layers.b_1.last", "tanh", "network/layers/3/type", "8:50, used as $last at 10:9"),
        ("network.blocks.b.layers.dense_1.units", 5, "network/layers/0/units",
         "--set network.blocks.b.layers.dense_1.units, block 'b' used at 14:16"),
        ("training.optimizer.beta_1", 0.5, "training/optimizer/beta_1",
         "--set training.optimizer.beta_1"),
        ("training.optimizer.beta_1", 0.5, "training/optimizer/beta_2", "default"),
        ("training.metrics", ["r2"], "training/metrics/0/type", "--set training.metrics"),
    ],
)  # fmt: skip
def test_only_overridden_values_come_from_the_override(rich, path, value, pointer, expected):
    assert str(origins(rich({path: value}))[f"/{pointer}"]) == expected


def test_the_rendered_lines_are_the_resolved_spec(rich):
    spec = rich({"vars.width": 4})
    lines = render(spec)
    assert json.loads("\n".join(line.text for line in lines)) == spec.resolved()
    brackets = [line for line in lines if line.origin is None]
    assert {line.text.strip(" ,").rpartition(" ")[2] for line in brackets} == set("{}[]")


def test_without_a_file_origins_have_pointers_and_no_lines():
    by_pointer = origins(load_spec(json.loads(RICH)))
    origin = by_pointer["/network/layers/0/units"]
    assert (origin.pointer, origin.line, origin.kind) == ("/vars/width", None, "file")
    assert str(origin) == (
        "/vars/width, used as $width at /network/blocks/b/params/size,"
        " used as $size at /network/blocks/b/layers/0/units"
    )
