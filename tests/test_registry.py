"""The registry: from names in a spec to plugins, and broken plugins."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from pydantic import ValidationError, field_validator

from tinynet import registry
from tinynet.config import Reference
from tinynet.errors import DataError, OutdatedInstallationError, PluginError
from tinynet.layer import LayerConfig
from tinynet.registry import AmbiguousTypeError, Entry, Registry, UnknownTypeError
from tinynet.spec.reading import load_spec
from tinynet.text.mistakes import problems


def entry(name, distribution="acme", target="tinynet.builtin.layers.dense:Dense", group="layers"):
    return Entry(group, name, distribution, "1.2", target)


KNOWN = Registry(
    [
        entry("dense", "tinynet-core"),
        entry("relu", "tinynet-core", "tinynet.builtin.layers.activations:ReLU"),
        entry("dense", "acme"),
        entry("swish", "acme"),
        entry("mse", "other", "tinynet.builtin.losses.regression:MSE", "losses"),
    ]
)


def test_a_name_that_one_distribution_has_is_enough():
    assert KNOWN.find("layers", "swish").distribution == "acme"


@pytest.mark.parametrize("name", ["acme:dense", "ACME:dense", "Acme:dense"])
def test_a_qualified_name_is_always_accepted(name):
    assert KNOWN.find("layers", name).qualified == "acme:dense"


def test_a_name_that_two_distributions_have_must_be_qualified():
    """A new built-in type must never take the place of somebody's plugin without a word."""
    with pytest.raises(AmbiguousTypeError) as caught:
        KNOWN.find("layers", "dense")
    assert str(caught.value) == (
        "more than one distribution has the layer 'dense'; write 'tinynet-core:dense' or"
        " 'acme:dense'"
    )


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        ("layers", "reul", "there is no layer 'reul'; did you mean 'relu'?"),
        ("layers", "conv", "there is no layer 'conv'; available: dense, relu, swish"),
        ("metrics", "mse", "there is no metric 'mse'; none is available"),
        ("layers", "acme:swihs", "acme has no layer 'swihs'; did you mean 'swish'?"),
        ("layers", "other:mse", "other is installed, and has no layer 'mse'"),
        ("layers", "fancy:relu", "there is no layer 'fancy:relu': 'fancy' is not installed, or has"
         " no types for tinynet"),
        ("layers", ":relu", "there is no layer ':relu': '' is not the name of a distribution"),
        ("layers", "a b:relu", "there is no layer 'a b:relu': 'a b' is not the name of a"
         " distribution"),
        ("kernels", "fast", "there is no set of kernels 'fast'; none is available"),
    ],
)  # fmt: skip
def test_an_unknown_name_says_what_may_be_wrong(group, name, expected):
    with pytest.raises(UnknownTypeError) as caught:
        KNOWN.find(group, name)
    assert str(caught.value) == expected


# What is wrong with the modules that `broken` writes, and what is said of it.
BROKEN = {
    "missing": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("class Layer(", "SyntaxError: '(' was never closed ("),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "raises": ("raise RuntimeError", "RuntimeError"),
    "recursive": ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    "empty": ("", "AttributeError: module 'broken_empty' has no attribute 'Layer'"),
    "reserved": (
        "from tinynet.layer import LayerConfig\nclass Layer:\n  class Config(LayerConfig):\n"
        "    inputs: int = 1",
        "PluginError: Layer.Config: the spec language reserves inputs; give the field another name",
    ),
}
NO_CLASS = {
    "function": ("def Layer(): pass", "broken_function:Layer is not a class"),
    "no_config": ("class Layer: pass", "has no nested `Config` that derives from tinynet's"),
    "own_config": (
        "class Layer:\n  class Config: pass",
        "has no nested `Config` that derives from tinynet's",
    ),
}


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A registry with tinynet's own types and a broken plugin for each fault."""
    monkeypatch.syspath_prepend(tmp_path)
    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]
    for fault, (code, _) in {**BROKEN, **NO_CLASS}.items():
        (tmp_path / f"broken_{fault}.py").write_text(code)
        entries.append(entry(fault, "broken-plugins", f"broken_{fault}:Layer"))
    entries.append(entry("module", "broken-plugins", "broken_empty"))
    entries.append(entry("nameless", "broken-plugins", ":"))
    damaged = Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: damaged)
    yield damaged
    for name in [name for name in sys.modules if name.startswith("broken_")]:
        del sys.modules[name]


def spec(*layers):
    return {
        "tinynet": 1,
        "name": "x",
        "network": {"input_shape": [4], "layers": list(layers)},
        "training": {"steps": 1, "loss": "mse", "optimizer": "sgd"},
    }


@pytest.mark.parametrize("fault", BROKEN)
def test_failed_import_names_plugin_version_and_cause(broken, fault):
    with pytest.raises(PluginError) as caught:
        load_spec(spec(fault))
    (problem,) = caught.value.problems
    assert problem.pointer == "/network/layers/0"
    assert problem.message.startswith(
        f"broken-plugins:{fault} (version 1.2) is installed but could not be imported from"
        f" broken_{fault}:Layer: {BROKEN[fault][1]}"
    )


@pytest.mark.parametrize("fault", NO_CLASS)
def test_a_plugin_that_is_no_layer_is_named(broken, fault):
    with pytest.raises(PluginError) as caught:
        load_spec(spec(fault))
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"broken-plugins:{fault} (version 1.2): ")
    assert NO_CLASS[fault][1] in problem.message


@pytest.mark.parametrize("name", ["module", "nameless"])
def test_an_entry_point_that_names_no_class_is_told(broken, name):
    with pytest.raises(PluginError, match=rf"^broken-plugins:{name} \(version 1\.2\)"):
        broken.load("layers", name)


@pytest.mark.parametrize(
    "target",
    [
        "tinynet.layers.dense:Dense",
        "tinynet.builtin.layers.gone:Gone",
        "tinynet.builtin.layers.dense:Gone",
    ],
)
def test_metadata_of_tinynet_that_name_missing_code_are_out_of_date(target):
    outdated = Registry([entry("dense", "tinynet-core", target), entry("dense", "acme", target)])
    with pytest.raises(OutdatedInstallationError, match=rf"metadata names {target}, which"):
        outdated.load("layers", "tinynet-core:dense")
    with pytest.raises(PluginError, match=r"acme:dense .* could not be imported"):
        outdated.load("layers", "acme:dense")


def test_a_built_in_type_without_its_dependency_is_not_out_of_date(broken):
    plugins = Registry([entry("missing", "tinynet-core", "broken_missing:Layer")])
    with pytest.raises(PluginError, match="No module named 'no_such_module'"):
        plugins.load("layers", "missing")


def test_public_names_of_the_registry_are_listed():
    defined = {
        name
        for name, value in vars(registry).items()
        if name[0] != "_" and getattr(value, "__module__", "") == registry.__name__
    }
    assert defined <= {*registry.__all__}
    assert all(hasattr(registry, name) for name in registry.__all__)


def test_broken_plugins_do_not_touch_a_spec_that_does_not_use_them(broken):
    assert load_spec(spec("relu", {"type": "dense", "units": 2})).network.layers
    assert "broken-plugins:missing" in [e.qualified for e in broken.entries("layers")]
    assert not [name for name in sys.modules if name.startswith("broken_")]


class Moody:
    """A layer whose Config raises what it is told to."""

    class Config(LayerConfig):
        mood: str = "fine"

        @field_validator("mood")
        @classmethod
        def _check(cls, mood: str) -> str:
            errors = {
                "value": ValueError("not in this mood"),
                "type": TypeError("unhashable"),
                "key": KeyError("mood"),
                "silent": RuntimeError(),
                "ours": DataError("no data"),
            }
            if mood in errors:
                raise errors[mood]
            return mood


def test_a_value_error_of_a_plugin_is_a_mistake_of_the_spec(register):
    register("layers", "moody", Moody)
    raw = {"mood": "value"}
    with pytest.raises(ValidationError) as caught:
        registry.default().configure("layers", "moody", raw)
    assert [str(p) for p in problems(caught.value, raw)] == ["/mood: not in this mood"]


@pytest.mark.parametrize(
    ("mood", "what"),
    [("type", "TypeError: unhashable"), ("key", "KeyError: 'mood'"), ("silent", "RuntimeError")],
)
def test_anything_else_that_a_config_raises_is_a_fault_of_the_plugin(register, mood, what):
    register("layers", "moody", Moody)
    with pytest.raises(PluginError) as caught:
        registry.default().configure("layers", "moody", {"mood": mood})
    assert re.fullmatch(
        rf"test-plugin:moody \(version 1\.0\): its Config failed: {re.escape(what)}"
        rf" \({re.escape(__file__)}:\d+\)",
        str(caught.value),
    )


def test_an_error_of_our_tree_is_left_as_it_is(register):
    register("layers", "moody", Moody)
    with pytest.raises(DataError, match=r"^no data$"):
        registry.default().configure("layers", "moody", {"mood": "ours"})


class Unbuildable:
    """A loss that cannot be made."""

    class Config(LayerConfig):
        pass

    def __init__(self, config):
        raise ZeroDivisionError("division by zero")


def test_a_constructor_that_fails_is_a_fault_of_the_plugin(register):
    register("losses", "unbuildable", Unbuildable)

    class Loss(Reference):
        group = "losses"

    with pytest.raises(PluginError) as caught:
        registry.default().create(Loss(type="unbuildable"))
    assert re.fullmatch(
        r"test-plugin:unbuildable \(version 1\.0\): it could not be constructed:"
        rf" ZeroDivisionError: division by zero \({re.escape(__file__)}:\d+\)",
        str(caught.value),
    )


def test_options_are_completed_with_their_defaults():
    made = registry.default().configure("layers", "dense", {"units": 3})
    assert made == {
        "units": 3,
        "use_bias": True,
        "weight_initializer": {"type": "glorot_uniform"},
        "bias_initializer": {"type": "zeros"},
    }
    assert registry.default().configure("layers", "dense", made) == made


def test_a_tuple_may_be_written_as_a_list():
    made = registry.default().configure("layers", "conv2d", {"filters": 1, "kernel_size": [1, 2]})
    assert made["kernel_size"] == [1, 2]


# Two folders on sys.path, each with a version of one distribution, and one without any of ours.
DISCOVER = """
import sys
sys.path[:0] = sys.argv[1:]
before = set(sys.modules)
from importlib.metadata import PathDistribution
read = []
original = PathDistribution.read_text
def read_text(self, name):
    read.append((str(self._path), name))
    return original(self, name)
PathDistribution.read_text = read_text
from tinynet import registry
for e in registry.default().entries("layers"):
    if e.distribution != "tinynet-core":
        print(e)
print("numpy" in sys.modules, "fancy_layers" in sys.modules)
print([path for path, name in read if "unrelated" in path and name != "entry_points.txt"])
"""


def install(folder, name, version, points=""):
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)


def test_discovery_counts_a_distribution_once_and_imports_nothing(tmp_path):
    """A folder that is on sys.path twice, or holds an old egg-info, must not double every type."""
    install(tmp_path / "a", "Fancy_Layers", "2.0", "[tinynet.layers]\nnew = fancy_layers:New [x]\n")
    install(tmp_path / "b", "fancy.layers", "1.0", "[tinynet.layers]\nold = fancy_layers:Old\n")
    install(tmp_path / "b", "unrelated", "1.0", "[console_scripts]\nx = y:z\n")
    folders = [str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a")]
    done = subprocess.run(
        [sys.executable, "-c", DISCOVER, *folders], capture_output=True, text=True, check=True
    )
    # Importing NumPy, and reading metadata of what has nothing for us, is time at every start.
    assert done.stdout.splitlines() == ["fancy-layers:new (version 2.0)", "False False", "[]"]


def test_tinynets_own_types_come_through_the_same_door():
    own = registry.default().find("layers", "dense")
    assert own.qualified == "tinynet-core:dense"
    assert own.version == version("tinynet-core")
    own_groups = [group for group in registry.GROUPS if group != "fleets"]  # which plugins provide
    assert all(registry.default().entries(group) for group in own_groups)
