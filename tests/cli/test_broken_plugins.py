"""A plugin that is missing, or misbehaves, ends a command with 5, and its place and name."""

import json
from pathlib import Path

import pytest

from tinynet.dataset import DatasetConfig
from tinynet.loss import LossConfig
from tinynet.metric import MetricConfig
from tinynet.optimizer import OptimizerConfig
from tinynet.schedule import ScheduleConfig
from tinynet.transform import TransformConfig

ODD = """
from tinynet.layer import LayerConfig

class Odd:
    class Config(LayerConfig):
        pass

    def __init__(self, config, in_shapes, build):
        (self.out_shape,) = in_shapes
        self.params = {{}}

    def forward(self, ctx, x):
        {forward}

    def backward(self, ctx, cache, dy):
        return (dy,), {{}}
"""


@pytest.fixture
def odd_spec(write_spec):
    """A spec with a layer that ``tinynet-odd`` has, between two of tinynet's own."""
    spec = json.loads(write_spec(batch_size=32, epochs=1).read_text())
    spec["network"]["layers"] = ["flatten", "odd", {"type": "dense", "units": 10}]
    path = Path("odd.json")
    path.write_text(json.dumps(spec, indent=1))
    return path


def test_a_plugin_that_is_not_installed_ends_with_5_and_its_place(tinynet, odd_spec):
    odd_spec.write_text(odd_spec.read_text().replace('"odd"', '"tinynet-odd:odd"'))
    result = tinynet("check", odd_spec)
    assert result.code == 5
    first, line, caret = result.err.splitlines()
    assert first == (
        "odd.json:16:4: /network/layers/1: there is no layer 'tinynet-odd:odd': 'tinynet-odd' is"
        " not installed, or has no types for tinynet"
    )
    assert line[caret.index("^") :] == '"tinynet-odd:odd",'
    error = tinynet("check", odd_spec, "--json").json["error"]
    assert error["type"] == "PluginError"
    assert error["source"] == "odd.json"
    (problem,) = error["problems"]
    assert (problem["pointer"], problem["line"], problem["column"]) == ("/network/layers/1", 16, 4)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import no_such_module",
            "odd.json:16:4: /network/layers/1: tinynet-odd:odd (version 1.2) is installed but could"
            " not be imported from tinynet_odd:Odd: ModuleNotFoundError: No module named"
            " 'no_such_module' (SITE/tinynet_odd.py:1)",
        ),
        (
            ODD.format(forward="return x.nope"),
            "odd.json:16:4: /network/layers/1: odd_1 (tinynet-odd:odd 1.2): forward raised"
            " AttributeError: 'numpy.ndarray' object has no attribute 'nope'"
            " (SITE/tinynet_odd.py:13)",
        ),
        (
            ODD.format(forward="x += 1; return x, None"),
            "odd.json:16:4: /network/layers/1: odd_1 (tinynet-odd:odd 1.2): forward changed its"
            " input 'flatten_1' in place; make a new array",
        ),
    ],
    ids=["an import that fails", "an exception", "an input changed in place"],
)
def test_broken_plugin_ends_training_with_5_before_the_run_starts(
    forked, plugin, odd_spec, folder, source, message
):
    result = forked("train", odd_spec, "--run", "run", "--quiet", env=plugin(source))
    assert result.code == 5
    assert result.err.splitlines()[0] == message.replace("SITE", str(folder / "site"))
    assert "Traceback" not in result.err
    assert not Path("run").exists()


def test_plugin_error_in_training_has_its_place_and_keeps_the_run(forked, plugin, odd_spec, folder):
    """The plugin mended, the run goes on from its last checkpoint; --debug shows its traceback."""
    late = "if ctx.step == 3: raise ValueError('not now')\n        return x, None"
    environment = plugin(ODD.format(forward=late))
    result = forked("train", odd_spec, "--run", "run", "--quiet", "--debug", env=environment)
    assert result.code == 5
    *traceback, first, line, caret = result.err.splitlines()
    assert first == (
        "odd.json:16:4: /network/layers/1: odd_1 (tinynet-odd:odd 1.2): forward raised ValueError:"
        f" not now ({folder / 'site' / 'tinynet_odd.py'}:13)"
    )
    assert line[caret.index("^") :] == '"odd",'
    assert "ValueError: not now" in traceback
    assert Path("run/spec.json").exists()


class Unbuildable:
    """A plugin of any kind, whose constructor fails."""

    def __init__(self, config):
        raise OSError("no such library")


@pytest.mark.parametrize(
    ("group", "base", "path"),
    [
        ("datasets", DatasetConfig, ["data"]),
        ("datasets", DatasetConfig, ["data", "validation"]),
        ("transforms", TransformConfig, ["data", "transforms", 0]),
        ("losses", LossConfig, ["training", "loss"]),
        ("optimizers", OptimizerConfig, ["training", "optimizer"]),
        ("schedules", ScheduleConfig, ["training", "schedule"]),
        ("metrics", MetricConfig, ["training", "metrics", 0]),
    ],
    ids=lambda value: "/".join(map(str, value)) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("command", ["check", "train"])
def test_failing_constructor_has_line_and_column_in_json(
    tinynet, register, monkeypatch, write_spec, command, group, base, path
):
    monkeypatch.setattr(Unbuildable, "Config", type("Plain", (base,), {}), raising=False)
    register(group, "unbuildable", Unbuildable)
    declared = json.loads(write_spec().read_text())
    declared["training"]["schedule"] = "cosine"
    holder = declared
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = {"type": "unbuildable", **({"on": "input"} if "on" in base.reserved else {})}
    text = json.dumps(declared, indent=1)
    Path("spec.json").write_text(text)
    lines = text.splitlines()
    result = tinynet(command, "spec.json", "--json")
    assert result.code == 5
    error = result.json["error"]
    assert (error["type"], error["source"]) == ("PluginError", "spec.json")
    (problem,) = error["problems"]
    assert problem["pointer"] == "/" + "/".join(map(str, path))
    assert lines[problem["line"] - 1][problem["column"] - 1] == "{"
    assert lines[problem["line"]].strip().startswith('"type": "unbuildable"')
    assert "unbuildable (version 1.0): it could not be constructed" in problem["message"]
