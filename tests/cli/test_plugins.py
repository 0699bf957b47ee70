"""`tinynet plugins`: a plugin's life as its author types it."""

import re
import shlex

import pytest
from tinynet_cli.plugins import _CREATED

from tinynet.commands.plugins.doctor import running_kernels
from tinynet.commands.plugins.new import kinds
from tinynet.text.kinds import GROUPS

LAYER = """
from pydantic import Field
from tinynet.layer import LayerConfig

class Odd:
    per_sample = True
    class Config(LayerConfig):
        factor: float = Field(description="What everything is multiplied by.")
    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.factor, self.params = config.factor, {{}}
    def forward(self, ctx, x):
        return x * self.factor, None
    def backward(self, ctx, cache, dy):
        return (dy * {gradient},), {{}}
"""
RIGHT, WRONG = LAYER.format(gradient="self.factor"), LAYER.format(gradient="1.5")


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")


def test_the_kinds_that_help_knows_are_those_that_have_a_template():
    assert list(_CREATED) == kinds()


@pytest.mark.parametrize("command", ["new", "list", "check", "doctor"])
def test_every_command_explains_itself(tinynet, command):
    result = tinynet("plugins", command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: tinynet plugins {command} ")


# --- list


def test_everything_registered_is_listed_by_metadata_alone(forked, plugin):
    environment = plugin("raise SystemExit(3)")
    result = forked("plugins", "list", env=environment)
    assert result.code == 0
    head, *rows = result.out.splitlines()
    assert head.split() == ["group", "name", "distribution", "version", "where"]
    (odd,) = [row.split() for row in rows if " odd " in row]
    assert odd == ["layers", "odd", "tinynet-odd", "1.2", environment["PYTHONPATH"].split(":")[0]]
    provided = {*GROUPS} - {"fleets"}  # which only plugins provide
    assert {row.split()[0] for row in rows} == provided


def test_a_group_alone_can_be_listed(tinynet):
    listed = tinynet("plugins", "list", "--group", "metrics", "--json").json["plugins"]
    assert {one["group"] for one in listed} == {"metrics"}
    assert {"accuracy", "f1"} <= {one["name"] for one in listed}


def test_a_name_that_two_distributions_have_is_marked(forked, plugin, folder):
    environment = plugin(RIGHT)
    facts = folder / "site" / "other-3.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 3\n")
    (facts / "entry_points.txt").write_text("[tinynet.layers]\nodd = tinynet_odd:Odd\n")
    lines = forked("plugins", "list", "--group", "layers", env=environment).out.splitlines()
    assert sum("odd (ambiguous)" in line for line in lines) == 2
    assert lines[-1] == (
        "ambiguous: 2 distributions have the layer 'odd'; write 'other:odd' or 'tinynet-odd:odd'"
    )


# --- doctor


def test_a_broken_plugin_is_5_with_its_cause(forked, plugin):
    environment = plugin("import nothing_like_it")
    result = forked("plugins", "doctor", "tinynet-odd", env=environment)
    assert result.code == 5
    assert "NOT OK" in result.out
    assert "tinynet-odd:odd (layers): ModuleNotFoundError: No module named 'noth" in result.out
    assert result.out.endswith("1 examined, 1 not ok; layers compute with the kernels"
                               f" {running_kernels()}\n")  # fmt: skip


def test_a_sound_installation_is_0(forked, plugin):
    result = forked("plugins", "doctor", "--json", env=plugin(RIGHT))
    assert result.code == 0
    assert result.json["ok"] is True
    assert result.json["kernels"] == running_kernels()
    (odd,) = [one for one in result.json["plugins"] if one["name"] == "odd"]
    assert odd["problems"] == []
    assert odd["seconds"] >= 0


def test_a_plugin_that_hangs_is_told_after_the_timeout(forked, plugin):
    environment = plugin("import time; time.sleep(1000)")
    result = forked("plugins", "doctor", "odd", "--timeout", 0.5, env=environment)
    assert result.code == 5
    assert "its import takes longer than 0.5 s" in result.out


# --- check


def test_a_plugin_that_keeps_its_promises_is_0_with_a_line_for_each(forked, plugin):
    words = ("plugins", "check", "odd", "--options", '{"factor": 2.0}')
    result = forked(*words, env={**plugin(RIGHT), "COLUMNS": "40"})
    assert result.code == 0
    head, case, *lines, end = result.out.splitlines()
    assert head == "tinynet-odd:odd (layers), version 1.2"
    assert case == 'with options {"factor": 2.0} on inputs (6,)'
    assert end == f"{len(lines)} checks, all passed"
    assert all(line.startswith("  ok    ") for line in lines)
    assert not any(line.endswith(" ...") for line in lines), "a pipe gets whole lines"


def test_a_plugin_that_breaks_one_is_5_with_the_numbers(forked, plugin):
    words = ("plugins", "check", "odd", "--options", '{"factor": 2.0}', "--in-shape", "2,3")
    environment = plugin(WRONG)
    result = forked(*words, env=environment)
    assert result.code == 5
    lines = result.out.splitlines()
    assert lines[1] == 'with options {"factor": 2.0} on inputs (2, 3)'
    (failed,) = [i for i, line in enumerate(lines) if line.startswith("  FAIL")]
    assert lines[failed].startswith("  FAIL  gradients ")
    assert "(analytic) instead of" in lines[failed + 1]
    assert lines[-1].endswith(" checks, 1 failed")
    data = forked(*words, "--json", env=environment).json
    assert data["passed"] is False
    (report,) = data["types"]
    (case,) = report["cases"]
    (failure,) = [check for check in case["checks"] if not check["passed"]]
    assert failure["name"] == "gradients"
    assert re.search(r"is -?[\d.]+ \(analytic\) instead of -?[\d.]+ \(num", failure["finding"])


def test_the_mask_of_a_layer_is_an_option(tinynet):
    words = ("plugins", "check", "multi_head_attention", "--options", '{"num_heads": 2}')
    result = tinynet(*words, "--in-shape", "6,4", "--in-shape", "6", "--mask", "1")
    assert result.code == 0
    case = 'with options {"num_heads": 2} on inputs (6, 4) and (6,) masked by input 1'
    assert result.out.splitlines()[1] == case
    assert "  ok    masked_values " in result.out


def test_missing_options_are_exit_code_2_with_a_command(forked, plugin):
    result = forked("plugins", "check", "odd", "--group", "layers", env=plugin(RIGHT))
    assert result.code == 2
    assert result.err.splitlines()[-2:] == [
        "error: the layer 'odd' requires the option 'factor'; pass it, or add `examples` to the"
        " class Odd",
        """  tinynet plugins check odd --group layers --options '{"factor": ...}'""",
    ]


def test_misspelled_option_is_corrected_by_the_suggested_command(tinynet):
    shape = ("--in-shape", "8,8,3")
    wrong = '{"filter": 2, "kernel": 3}'
    result = tinynet("plugins", "check", "conv2d", "--options", wrong, *shape)
    assert result.code == 2
    *_, message, command = result.err.splitlines()
    assert message == (
        f"error: the layer 'conv2d' refuses the options {wrong}: unknown key 'filter'; did you mean"
        " 'filters'?; unknown key 'kernel'; did you mean 'kernel_size'?"
    )
    assert command == (
        "  tinynet plugins check conv2d --in-shape 8,8,3"
        """ --options '{"filters": 2, "kernel_size": 3}'"""
    )
    assert tinynet(*shlex.split(command)[1:]).code == 0


def test_what_stumbles_over_one_fault_says_it_once(forked, plugin):
    source = RIGHT.replace("return x *", "raise OSError('no licence')\n        return x *")
    words = ("plugins", "check", "odd", "--options", '{"factor": 2.0}')
    environment = plugin(source)
    result = forked(*words, env=environment)
    assert result.code == 5
    assert result.out.count("no licence") == 1
    assert result.out.count("the same as ") > 10
    line = source[: source.index("raise OSError")].count("\n") + 1
    place = f"tinynet_odd.py:{line})"
    assert place in "".join(result.out.split()), "the line of the plugin that raised"
    assert "Traceback" not in result.out
    debug = forked(*words, "--debug", env=environment).out
    assert debug.count("Traceback (most recent call last):") == 1
    assert f'site/tinynet_odd.py", line {line}, in forward' in debug


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dense", "--options", "{"], "not JSON: the text ends"),
        (["dense", "--options", "[3]"], "'[3]' is not a JSON object"),
        (["dense", "--options", '{"units": 0}'], "units: must be at least 1, not 0"),
        (["dense", "--options", '{"units": 2}', "--in-shape", "8x8"], "'8x8' is not a shape"),
        (["relu", "--in-shape", "0"], "'0' is not a shape"),
        (["relu", "--in-shape", "9" * 5000], "is not a shape; write it as 8,8,3"),
        (["conv2d", "--options", '{"filters": 2, "kernel_size": 3}', "--in-shape", "3"],
         "the layer 'conv2d' refuses the inputs: conv2d needs images of shape"),
        (["relu", "--in-shape", "5,3", "--mask", "1"],
         "the layer 'relu' refuses the inputs: mask names input 1, but the inputs are 0 to 0"),
        (["mae", "--options", "{}"], "choose the group losses or metrics"),
    ],
)  # fmt: skip
def test_wrong_usage_is_2_and_says_what_would_be_right(tinynet, words, message):
    result = tinynet("plugins", "check", *words)
    assert result.code == 2
    assert message in result.err


def test_an_unknown_name_is_5_and_suggests_one(tinynet):
    result = tinynet("plugins", "check", "danse")
    assert result.code == 5
    assert "no plugin 'danse' is installed; did you mean 'dense'?" in result.err


def test_all_types_of_a_distribution_are_checked_or_reported(forked, plugin, folder):
    environment = plugin(RIGHT + "class Even(Odd):\n    examples = ({'options': {'factor': 2.0}},)")
    (points,) = folder.glob("site/*/entry_points.txt")
    points.write_text("[tinynet.layers]\nodd = tinynet_odd:Odd\neven = tinynet_odd:Even\n")
    result = forked("plugins", "check", "tinynet-odd", env=environment)
    assert result.code == 5
    assert "tinynet-odd:even (layers), version 1.2\nwith options" in result.out
    assert "not checked: the layer 'odd' requires the option 'factor'" in result.out


# --- new


def test_a_new_plugin_is_told_with_what_to_do_next(tinynet, folder):
    result = tinynet("plugins", "new", "my-layer")
    assert result.code == 0
    lines = result.out.splitlines()
    assert all((folder / line).is_file() for line in lines[: lines.index("")])
    assert lines[lines.index("") + 1 :] == [
        "Next:",
        "  pip install -e ./my-layer",
        "  tinynet plugins check my_layer",
        "  tinynet train ./my-layer/spec.json",
        "  python -m pytest ./my-layer",
    ]


def test_json_has_the_names_of_a_new_plugin(tinynet, folder):
    (folder / "here").mkdir()
    made = tinynet("plugins", "new", "my-loss", "--kind", "loss", "--into", "here", "--json").json
    assert (made["distribution"], made["package"], made["class_name"], made["group"]) == (
        "my-loss", "my_loss", "MyLoss", "losses"
    )  # fmt: skip
    assert all((folder / made["folder"] / path).is_file() for path in made["files"])


@pytest.mark.parametrize("words", [["relu"], ["my layer"], ["x", "--into", "nowhere"]])
def test_a_plugin_that_cannot_be_made_is_2_and_leaves_nothing(tinynet, folder, words):
    result = tinynet("plugins", "new", *words)
    assert result.code == 2
    assert "error: " in result.err
    assert not list(folder.iterdir())


@pytest.mark.parametrize("option", [("--kind", "losses"), ("--group", "loss")])
def test_the_kind_of_a_new_plugin_may_be_said_in_the_plural(tinynet, option):
    assert tinynet("plugins", "new", "my-loss", *option).code == 0
    assert tinynet("plugins", "list", *option).code == 0


# --- text that a plugin prints

NOISE = "import os, sys\nprint('hello \x1b[31mred')\nprint('psst', file=sys.stderr)\n"


def test_the_output_of_a_plugin_is_shown_as_its_own_and_escaped(forked, plugin):
    source = NOISE + RIGHT.replace("return x *", "print('again'); return x *")
    environment = plugin(source)
    for words in (["doctor", "odd"], ["check", "odd", "--options", '{"factor": 2.0}']):
        result = forked("plugins", *words, env=environment)
        assert result.code == 0
        assert r"    hello \x1b[31mred" in result.out.splitlines()
        assert "    psst" in result.out.splitlines()
        assert "\x1b" not in result.out + result.err
        data = forked("plugins", *words, "--json", env=environment).json
        (one,) = data.get("types") or data["plugins"]
        assert one["output"].startswith("hello \x1b[31mred\npsst\n")
    assert (
        "printed while it was imported:" in forked("plugins", "doctor", "odd", env=environment).out
    )
