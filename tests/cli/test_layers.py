"""`tinynet layers`: what is registered, and what it takes."""

import contextlib
import json

import pytest
from tinynet_cli import type_text

from tinynet import load_spec, registry
from tinynet.commands.catalog.types import FAMILIES, example_of, types
from tinynet.errors import ShapeError
from tinynet.layer import Build, LayerConfig
from tinynet.text.kinds import NOT_IN_SPECS


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def rows(text):
    """The lines of a list that begin with a type, by the headings above them."""
    family, found = "", {}
    for line in text.splitlines():
        if line and not line.startswith(" "):
            family = line
        elif line.strip():
            found.setdefault(family, []).append(line.strip())
    return found


@pytest.mark.parametrize("group", registry.GROUPS)
def test_a_pipe_gets_a_whole_line_for_each_type(tinynet, group):
    result = tinynet("layers", "--group", group)
    assert result.code == 0
    infos = types(registry.default(), group)
    families = {info.family for info in infos}
    lines = [line.strip() for line in result.out.splitlines() if line]
    lines = [line for line in lines if line not in families or len(families) == 1]
    assert [line.split()[0] for line in lines] == [info.entry.name for info in infos]
    for line, info in zip(lines, infos, strict=True):
        assert len(info.summary.split()) > 2, "described"
        assert info.summary in line
        if info.example is not None and len(info.example) > 1:
            assert line.endswith(json.dumps(info.example))


def test_layers_stand_below_their_families(tinynet):
    families = rows(tinynet("layers").out)
    assert "other" not in families, f"these have no `family`: {families['other']}"
    assert list(families) == list(FAMILIES[: len(families)])
    assert [row.split()[0] for row in families["recurrent"]] == ["gru", "lstm", "simple_rnn"]
    assert any(row.startswith("conv2d ") for row in families["convolution"])


@pytest.mark.parametrize("width", [80, 120, 250])
def test_a_list_on_a_terminal_fits_it_and_loses_nothing(tinynet, monkeypatch, width):
    monkeypatch.setattr(type_text, "result_is_terminal", lambda: True)
    monkeypatch.setattr(type_text, "terminal_width", lambda: width)
    for group in ("layers", "losses", "schedules"):
        out = tinynet("layers", "--group", group).out
        assert max(map(len, out.splitlines())) <= width
        text = " ".join(out.split())
        for info in types(registry.default(), group):
            assert info.summary in text
            if len(info.example) > 1:
                assert json.dumps(info.example) in text


PLACES = {
    "losses": ("training", "loss"),
    "optimizers": ("training", "optimizer"),
    "schedules": ("training", "schedule"),
    "metrics": ("training", "metrics"),
    "loggers": ("training", "loggers"),
    "regularizers": ("training", "regularizers"),
    "constraints": ("training", "constraints"),
    "parametrizations": ("network", "parametrizations"),
    "transforms": ("data", "transforms"),
    "datasets": ("data",),
    "initializers": ("network", "layers", 0, "weight_initializer"),
    "layers": ("network", "layers", 0),
}
"""The key of a spec that names a type of each group."""

LISTS = ("metrics", "loggers", "regularizers", "constraints", "parametrizations", "transforms")
SHAPES = [(8, 8), (8, 6, 4), (6,), (4, 8, 6, 4)]


def spec_with(group, example):
    """A spec that names a type by its example, and has the nodes that the example reads."""
    sources = [name for name in inputs_of(example) if group == "layers" and name != "input"]
    last = {"type": "dense", "units": 3, "name": "last"}
    spec = {
        "tinynet": 1,
        "name": "example",
        "data": {"type": "digits"},
        "network": {
            "layers": [
                last,
                *({"type": "identity", "name": n, "inputs": "input"} for n in sources),
            ],
            "outputs": example.get("name", "last") if group == "layers" else "last",
        },
        "training": {"epochs": 1, "loss": "mse", "optimizer": "sgd"},
    }
    value = spec
    *keys, key = PLACES[group]
    for part in keys:
        value = value[part]
    if group == "layers":
        example = {"name": "last", **example}
    value[key] = [example] if key in LISTS else example
    return spec


def inputs_of(example):
    inputs = example.get("inputs", "input")
    return inputs if isinstance(inputs, list) else [inputs]


def is_built(spec, info):
    """Return True if the layer of an example accepts one of the usual shapes."""
    config = registry.default().config(spec.network.layers[0])
    for shape in SHAPES:
        with contextlib.suppress(ShapeError):
            info.cls(config, (shape,) * len(inputs_of(info.example)), Build(dry=True))
            return True
    return False


@pytest.mark.parametrize("group", PLACES)
def test_every_built_in_type_has_an_example_that_a_spec_accepts(group, tmp_path):
    """People copy it into a spec."""
    path = tmp_path / "spec.json"
    for info in types(registry.default(), group):
        name = info.entry.name
        assert info.example is not None, f"{name} has required options, so it needs an `example`"
        assert info.example["type"] == name
        path.write_text(json.dumps(spec_with(group, info.example)), encoding="utf-8")
        spec = load_spec(path)
        if group == "layers":
            assert is_built(spec, info), f"{info.example} accepts none of {SHAPES}"


def test_every_kind_of_plugin_that_a_spec_names_has_such_a_test():
    assert {*PLACES, *NOT_IN_SPECS} == set(registry.GROUPS)


class Bare:
    """Twice the input.  (N, ...) -> (N, ...)."""

    class Config(LayerConfig):
        units: int


@pytest.mark.parametrize(
    ("attributes", "example"),
    [
        ({}, None),
        ({"example": {"units": 3}}, {"type": "bare", "units": 3}),
        ({"examples": ({"options": {}}, {"options": {"units": 2}})}, {"type": "bare", "units": 2}),
        ({"examples": 3}, None),
        ({"examples": (1, {"in_shapes": [[2]]})}, None),
    ],
)
def test_an_example_comes_from_the_class_or_from_what_its_tests_use(attributes, example):
    assert example_of(type("Bare", (Bare,), attributes), "bare") == example


@pytest.mark.parametrize(
    ("group", "name"),
    [(entry.group, entry.name) for group in registry.GROUPS
     for entry in registry.default().entries(group) if entry.distribution == registry.CORE],
)  # fmt: skip
def test_every_type_explains_itself_on_lines_that_fit(tinynet, group, name):
    result = tinynet("layers", "--group", group, name)
    assert result.code == 0
    assert result.out.startswith(f"{name}, of tinynet-core ")
    assert max(map(len, result.out.splitlines())) <= 100


def test_parameters_are_told_with_type_default_and_description(tinynet):
    lines = tinynet("layers", "max_pool2d").out.splitlines()
    at = lines.index("  pool_size: integer >= 1 | [integer >= 1, integer >= 1] = [2, 2]")
    assert lines[at + 1].startswith("      ")
    assert any(line.startswith("  padding: ") for line in lines)


def test_json_has_it_as_data(forked):
    layer = forked("layers", "dropout", "--json").json
    assert (layer["group"], layer["name"], layer["distribution"]) == (
        "layers", "dropout", "tinynet-core"
    )  # fmt: skip
    (rate,) = layer["parameters"]
    assert (rate["name"], rate["required"]) == ("rate", True)
    listed = forked("layers", "--json").json["layers"]
    assert {"conv2d", "dense"} <= {row["name"] for row in listed}


def test_a_name_may_be_qualified(tinynet):
    assert tinynet("layers", "tinynet-core:dense").code == 0


def test_an_unknown_name_is_5_and_suggests_one(tinynet):
    result = tinynet("layers", "danse")
    assert result.code == 5
    assert "did you mean 'dense'?" in result.err


@pytest.mark.parametrize("name", ["adam", "mae", "tinynet-core:npz"])
def test_a_name_of_another_kind_is_5_and_the_command_that_is_told_works(tinynet, name):
    result = tinynet("layers", name)
    assert result.code == 5
    message = " ".join(result.err.split())
    assert f"'{name}' is not one of the layers, but of the" in message
    commands = message.partition("show it with: ")[2].split(" or ")
    assert len(commands) == (2 if name == "mae" else 1)
    for command in commands:
        assert tinynet(*command.split()[1:]).code == 0


@pytest.mark.parametrize("option", ["--group", "--kind"])
@pytest.mark.parametrize("kind", ["optimizer", "optimizers"])
def test_a_kind_may_be_said_in_the_singular_and_the_plural(tinynet, option, kind):
    listing = tinynet("layers", option, kind, "--json").json
    assert "adam" in {row["name"] for row in listing["optimizers"]}


def test_a_kind_that_does_not_exist_is_2_and_lists_them(tinynet):
    result = tinynet("layers", "--group", "activation")
    assert result.code == 2
    assert "optimizers" in result.err


def test_a_broken_plugin_is_shown_as_broken_among_the_others(forked, plugin):
    environment = plugin("import nothing_like_it")
    result = forked("layers", env=environment)
    assert result.code == 0
    (row,) = [line for line in rows(result.out)["other"] if line.startswith("odd ")]
    assert "[tinynet-odd 1.2]" in row
    assert "broken: " in row
    listed = json.loads(forked("layers", "--json", env=environment).out)["layers"]
    (odd,) = [row for row in listed if row["name"] == "odd"]
    assert "ModuleNotFoundError" in odd["error"]
    assert forked("layers", "odd", env=environment).code == 5
