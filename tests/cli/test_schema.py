"""`tinynet schema`: what an editor is pointed at."""

import json
import os

import pytest

from tinynet import load_spec


def test_it_prints_the_schema_of_this_installation(tinynet):
    result = tinynet("schema")
    assert (result.code, result.err) == (0, "")
    schema = json.loads(result.out)
    assert schema["$schema"].endswith("2020-12/schema")
    assert "tinynet-core " in schema["description"]


def test_json_is_the_same_on_one_line(tinynet):
    assert tinynet("schema", "--json").json == json.loads(tinynet("schema").out)


def test_it_is_the_same_in_every_process(process):
    """It is committed beside specs: a diff must mean a change."""
    first, second = (
        process("schema", env={**os.environ, "PYTHONHASHSEED": seed}).out for seed in "12"
    )
    assert first == second


def test_it_writes_a_file_that_a_spec_can_name(tinynet, folder, spec):
    result = tinynet("schema", "-o", "tinynet.schema.json")
    assert result.code == 0
    assert result.out.startswith("tinynet.schema.json: ")
    written = (folder / "tinynet.schema.json").read_text(encoding="utf-8")
    assert written == tinynet("schema").out
    named = {"$schema": "./tinynet.schema.json", **json.loads(spec.read_text())}
    spec.write_text(json.dumps(named))
    assert load_spec(spec).name == "small"


def test_json_tells_the_file(tinynet):
    assert tinynet("schema", "-o", "a.json", "--json").json == {"path": "a.json"}


@pytest.mark.parametrize("words", [[], ["-o", "a.json"]])
def test_a_broken_plugin_is_told_and_breaks_nothing(forked, plugin, words):
    result = forked("schema", *words, env=plugin("import nothing_like_it"))
    assert result.code == 0
    assert "tinynet-odd:odd (version 1.2) is installed but could not be imported" in result.err


def test_a_plugin_that_works_is_there(forked, plugin):
    source = (
        "from tinynet.builtin.layers.dense import Dense\nclass Odd(Dense):\n    'Odd indeed.'\n"
    )
    schema = json.loads(forked("schema", env=plugin(source)).out)
    assert "tinynet-odd 1.2" in schema["description"]
    assert schema["$defs"]["Layer.tinynet-odd:odd"]["description"] == "Odd indeed."


def test_a_file_that_cannot_be_written_is_4_and_named(tinynet):
    result = tinynet("schema", "-o", "nowhere/a.json")
    assert result.code == 4
    assert "nowhere/a.json: No such file" in result.err
