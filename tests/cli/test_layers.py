"""`tinynet layers`: what is registered, and what it takes."""

import json

import pytest

from tinynet import registry


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("group", registry.GROUPS)
def test_everything_registered_is_listed_with_its_description(tinynet, group):
    result = tinynet("layers", "--group", group)
    assert result.code == 0
    head, *rows = result.out.splitlines()
    assert head.split() == ["name", "distribution", "description"]
    names = [entry.name for entry in registry.default().entries(group)]
    assert [row.split()[0] for row in rows] == names
    assert not any(row.endswith(" ...") for row in rows), "a pipe gets whole lines"
    assert all(len(row.split("tinynet-core ")[1].split()) > 3 for row in rows), "described"


@pytest.mark.parametrize(
    ("group", "name"),
    [(entry.group, entry.name) for group in registry.GROUPS
     for entry in registry.default().entries(group)],
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


@pytest.mark.parametrize("name", ["adam", "mae", "tinynet-core:csv"])
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
    (row,) = [line for line in result.out.splitlines() if line.startswith("odd ")]
    assert "tinynet-odd 1.2" in row
    assert "broken: " in row
    listed = json.loads(forked("layers", "--json", env=environment).out)["layers"]
    (odd,) = [row for row in listed if row["name"] == "odd"]
    assert "ModuleNotFoundError" in odd["error"]
    assert forked("layers", "odd", env=environment).code == 5
