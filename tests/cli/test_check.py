"""`tinynet check` and `tinynet summary`: every mistake at once, with its line; or the table."""

import json
from pathlib import Path

import pytest
from tinynet_cli.excerpt import WIDTH


def test_a_good_spec_is_ok_with_its_table(tinynet, spec):
    result = tinynet("check", spec)
    assert result.code == 0
    assert result.out.splitlines() == [
        f"{spec}: ok",
        "small: input 8x8x1, float32",
        "node       type     inputs     output  parameters  operations  bytes",
        "flatten_1  flatten  input      64               0           0      0",
        "dense_1    dense    flatten_1  10             650       1,280     40",
        "650 parameters (2,600 bytes); 1,280 operations and 40 bytes of activations for one"
        " sample, forward",
        "data: 1,437 samples for training, 180 for validation, 180 for the test (validation and"
        " test: 10% by default, set by data.split)",
    ]


def test_json_says_the_same(forked, spec):
    result = forked("check", spec, "--json")
    assert result.code == 0
    assert result.err == ""
    report = result.json
    assert report["ok"]
    assert report["params"] == 650
    assert [row["name"] for row in report["rows"]] == ["flatten_1", "dense_1"]
    assert report["warnings"] == []
    assert report["splits"] == {
        "train": 1437, "val": 180, "test": 180, "default": ["validation", "test"]
    }  # fmt: skip


def test_every_mistake_is_shown_in_its_line_with_a_caret(tinynet):
    Path("bad.json").write_text(
        '{\n'
        '  "tinynet": 1, "name": "bad",\n'
        '\t"network": {"layers": [{"type": "dense", "units": 0}]},\n'
        '  "training": {"comment": "界", "epocs": 3, "steps": 1,\r\n'
        '    "loss": "mse", "optimizer": "adam"}\n'
        '}\n'
    )  # fmt: skip
    result = tinynet("check", "bad.json")
    assert result.code == 2
    assert result.out == ""
    units, epochs = result.err.split("bad.json:")[1:]
    message, line, caret = units.splitlines()
    assert message.startswith("3:52: /network/layers/0/units: ")
    assert line == '  3 |  "network": {"layers": [{"type": "dense", "units": 0}]},'
    assert line[caret.index("^")] == "0"
    message, line, caret = epochs.splitlines()
    assert message.startswith("4:32: /training/epocs: unknown key 'epocs'; did you mean")
    wide_character = 1
    assert line[caret.index("^") - wide_character :].startswith('"epocs"')


def test_of_a_long_line_the_part_around_the_mistake_is_shown(tinynet):
    layers = ", ".join(['{"type": "relu"}'] * 200)
    text = f'{{"tinynet": 1, "name": "x", "network": {{"layers": [{layers}, {{"type": "relo"}}]}}}}'
    Path("long.json").write_text(text)
    result = tinynet("check", "long.json")
    assert result.code == 2
    lines = result.err.splitlines()
    shown = [line for line in lines if line.startswith(("  1 | ", "    | "))]
    assert len(shown) >= 2
    assert max(map(len, shown)) <= WIDTH + len("  1 | ")
    place = next(i for i, line in enumerate(lines) if "'relo'" in line)
    assert lines[place + 1][lines[place + 2].index("^") :].startswith('"relo"')


def test_a_spec_from_a_stranger_cannot_steer_the_terminal(tinynet):
    Path("evil.json").write_text('{"tinynet": 1, "na\x9b2Jme": 3, "x\\u001b[2J": 4}')
    result = tinynet("check", "evil.json")
    assert result.code == 2
    assert "\x9b" not in result.err
    assert "\x1b" not in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the text is empty"),
        (b'{"tinynet": 1,}', "a comma before the closing }"),
        (b'{"tinynet": \xff}', "not UTF-8"),
        (b'{"a": 1, "a": 2}', "the key 'a' is written twice; keep one of the two"),
    ],
)
def test_what_is_no_json_is_2_and_says_where(tinynet, content, message):
    Path("bad.json").write_bytes(content)
    result = tinynet("check", "bad.json")
    assert result.code == 2
    assert message in result.err


def test_shapes_that_do_not_fit_point_at_the_node(tinynet, write_spec):
    path = write_spec()
    content = json.loads(path.read_text())
    content["network"]["layers"].insert(0, {"type": "conv2d", "filters": 2, "kernel_size": 9})
    path.write_text(json.dumps(content, indent=1))
    result = tinynet("check", path)
    assert result.code == 2
    assert "/network/layers/0: conv2d_1" in result.err
    assert "^" in result.err


def test_a_mistake_in_set_says_so(tinynet, spec):
    result = tinynet("check", spec, "--set", "training.loss=mze")
    assert result.code == 2
    assert " training.loss)" in result.err


def test_a_large_network_costs_nothing_to_check_and_is_limited(tinynet, write_spec):
    path = write_spec()
    assert tinynet("check", path, "--max-params", 649).code == 2
    content = json.loads(path.read_text())
    content["network"]["layers"].insert(1, {"type": "dense", "units": 20_000_000, "name": "wide"})
    path.write_text(json.dumps(content))
    result = tinynet("check", path)
    assert "1,500,000,010 parameters" in result.out
    assert result.out.endswith("The first step was not tried, since the network is large.\n")


def test_summary_takes_a_spec_a_run_and_a_checkpoint(tinynet, spec, run):
    checkpoint = max((run / "checkpoints").iterdir())
    tables = {tinynet("summary", path).out for path in (spec, run, checkpoint)}
    assert len(tables) == 1
    assert "dense_1" in tables.pop()
    assert tinynet("summary", run, "--json").json["params"] == 650


def test_summary_options(tinynet, spec):
    assert (
        "6,500 parameters"
        in tinynet("summary", spec, "--set", "network.layers.dense_1.units=100").out
    )
    assert tinynet("summary", spec, "--max-params", 10).code == 2
    assert tinynet("summary", spec, "--data-root", ".").code == 0
    assert tinynet("summary", "missing.json").code == 2
    assert tinynet("summary", "missing").code == 2


BLOCKS = """{
  "tinynet": 1, "name": "blocks",
  "vars": {"width": 4},
  "network": {
    "input_shape": [3],
    "blocks": {"hidden": {"params": {"units": null}, "layers": [
      {"type": "dense", "units": "$units"}, "relu"
    ]}},
    "layers": [{"block": "hidden", "units": "$width"},
               {"block": "hidden", "units": 2}]
  },
  "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"}
}
"""


def test_mistake_in_a_block_is_shown_with_all_its_uses(tinynet):
    Path("blocks.json").write_text(BLOCKS.replace('"width": 4', '"width": 0'))
    result = tinynet("check", "blocks.json")
    assert result.code == 2
    assert result.err.splitlines() == [
        "blocks.json:3:21: /vars/width: must be at least 1, not 0 (used as $width at 9:45,"
        " used as $units at 7:34)",
        '  3 |   "vars": {"width": 0},',
        "    |                     ^",
        '  9 |     "layers": [{"block": "hidden", "units": "$width"},',
        "    |                                             ^ used as $width here",
        '  7 |       {"type": "dense", "units": "$units"}, "relu"',
        "    |                                  ^ used as $units here",
    ]


def test_a_mistake_that_every_use_has_is_shown_once(tinynet):
    Path("blocks.json").write_text(BLOCKS.replace('"relu"', '"relo"'))
    result = tinynet("check", "blocks.json")
    assert result.code == 2
    assert result.err.splitlines() == [
        "blocks.json:7:45: /network/blocks/hidden/layers/1: there is no layer 'relo'; did you mean"
        " 'relu'? (block 'hidden' used at 9:16, and 1 more)",
        '  7 |       {"type": "dense", "units": "$units"}, "relo"',
        "    |                                             ^",
        '  9 |     "layers": [{"block": "hidden", "units": "$width"},',
        "    |                ^ block 'hidden' used here",
    ]


def test_two_nodes_of_one_name_are_both_shown(tinynet):
    changed = BLOCKS.replace('"block": "hidden"', '"block": "hidden", "name": "h"')
    Path("blocks.json").write_text(changed)
    lines = tinynet("check", "blocks.json").err.splitlines()
    assert lines[0].endswith("/network/layers/1: two nodes are called 'h' (the other at 9:16)")
    assert lines[-1].endswith("^ the other here")


def test_a_rendered_spec_says_where_every_value_comes_from(tinynet):
    Path("blocks.json").write_text(BLOCKS)
    result = tinynet("check", "blocks.json", "--render", "--set", "training.seed=7")
    assert result.code == 0
    lines = [line.split("  # ") for line in result.out.splitlines()]
    origins = {text.strip(" ,"): origin for text, origin in (line for line in lines if line[1:])}
    assert json.loads("\n".join(line[0] for line in lines))["training"]["seed"] == 7
    assert origins['"units": 4'] == "3:21, used as $width at 9:45, used as $units at 7:34"
    assert origins['"seed": 7'] == "--set training.seed"
    assert origins['"batch_size": 32'] == "default"
    assert origins['"inputs": ["hidden_1.relu_1"]'] == (
        "from its place, 7:7, block 'hidden' used at 10:16"
    )


def test_a_rendered_spec_as_json(tinynet):
    Path("blocks.json").write_text(BLOCKS)
    report = tinynet("check", "blocks.json", "--render", "--json").json
    assert report["ok"]
    assert report["spec"]["network"]["layers"][0]["units"] == 4
    assert report["origins"]["/network/layers/0/units"] == {
        "kind": "file",
        "pointer": "/vars/width",
        "line": 3,
        "column": 21,
        "uses": [
            {"what": "used as $width", "pointer": "/network/layers/0/units",
             "line": 9, "column": 45},
            {"what": "used as $units", "pointer": "/network/blocks/hidden/layers/0/units",
             "line": 7, "column": 34},
        ],
        "override": None,
    }  # fmt: skip
    assert report["origins"]["/training/batch_size"]["kind"] == "default"


def test_a_bad_spec_is_not_rendered(tinynet):
    Path("blocks.json").write_text(BLOCKS.replace('"width": 4', '"width": 0'))
    result = tinynet("check", "blocks.json", "--render")
    assert result.code == 2
    assert result.out == ""


def test_what_is_rendered_cannot_steer_the_terminal(tinynet, write_spec):
    path = write_spec(data={"type": "csv", "path": "\x1b[2J", "target": "\x9b"})
    content = json.loads(path.read_text())
    content["data"] = content["training"].pop("data")
    content["network"]["input_shape"] = [2]
    path.write_text(json.dumps(content))
    out = tinynet("check", path, "--render").out
    assert "u001b[2J" in out
    assert "\x1b" not in out
    assert "\x9b" not in out
