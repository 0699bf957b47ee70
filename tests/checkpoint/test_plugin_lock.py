"""The plugin lock: the recorded types, and other versions of their distributions."""

from dataclasses import replace
from importlib.metadata import version

import pytest

import tinynet
from tinynet import registry
from tinynet.checkpoint import plugin_lock
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import TypeFacts, check_types, types_of
from tinynet.errors import (
    CheckpointMismatchError,
    PluginError,
    SpecError,
)

from .conftest import SPEC, alter, files


def test_the_lock_includes_defaults():
    """A default initializer affects the result as much as a layer."""
    types = types_of(tinynet.load_spec(SPEC))
    assert {
        "datasets:digits",
        "initializers:glorot_uniform",
        "initializers:zeros",
        "layers:dense",
        "layers:flatten",
        "losses:softmax_cross_entropy",
        "metrics:accuracy",
        "optimizers:sgd",
        "transforms:standardize",
    } <= types.keys()
    assert types["layers:dense"].entry == "tinynet-core:dense"


def facts(distribution="tinynet-core", version="0.1.0", name="dense"):
    return {f"layers:{name}": TypeFacts(f"{distribution}:{name}", distribution, version)}


def test_a_missing_type_is_reported_with_its_install_command():
    with pytest.raises(PluginError, match=r"pip install 'tinynet-odd==1\.2'"):
        check_types(facts("tinynet-odd", "1.2", "odd"))


def test_an_unknown_kind_of_plugin_is_a_missing_plugin():
    with pytest.raises(PluginError, match="does not know"):
        check_types({"dreams:odd": TypeFacts("a:odd", "a", "1")})


def test_the_same_name_of_another_distribution_is_not_used():
    with pytest.raises(PluginError) as caught:
        check_types(facts("tinynet-odd", "1.2"))
    assert str(caught.value) == (
        "the checkpoint needs 'dense' (tinynet.layers) of tinynet-odd 1.2, which is not installed"
        f" (tinynet-core {version('tinynet-core')} has a different type of that name):"
        " pip install 'tinynet-odd==1.2'"
    )


def test_the_recorded_distribution_resolves_an_ambiguous_name(register):
    register("layers", "dense", type("Dense", (), {}))
    assert check_types(facts()).major == []
    with pytest.raises(SpecError, match="'tinynet-core:dense' or 'test-plugin:dense'"):
        tinynet.load_spec(SPEC)


def test_versions_differ_in_major_or_minor(monkeypatch):
    changed_registry = registry.Registry(
        [
            registry.Entry("layers", "a", "one", "1.3", "m:A"),
            registry.Entry("layers", "b", "two", "2.0", "m:B"),
            registry.Entry("layers", "c", "two", "2.0", "m:C"),
            registry.Entry("layers", "d", "three", "1.0", "m:D"),
        ]
    )
    monkeypatch.setattr(plugin_lock.registry, "default", lambda: changed_registry)
    types = {
        **facts("one", "1.2", "a"),
        **facts("two", "1.9", "b"),
        **facts("two", "1.9", "c"),
        **facts("three", "1.0", "d"),
    }
    changes = check_types(types)
    assert changes.minor == ["one was of version 1.2, and is 1.3 here"]
    assert changes.major == ["two was of version 1.9, and is 2.0 here"], (
        "once for each distribution"
    )


def older(path, version):
    types = Checkpoint.read(path).types
    alter(path, types={key: replace(fact, version=version) for key, fact in types.items()})


def test_another_major_version_refuses_resume_and_warns_elsewhere(run):
    older(files(run)[-1], "7.0")
    with pytest.raises(CheckpointMismatchError, match=r"tinynet-core was of version 7\.0"):
        tinynet.resume(run, overrides={"training.epochs": 3})
    with pytest.warns(UserWarning, match=r"tinynet-core was of version 7\.0"):
        tinynet.load_model(run)


def test_another_minor_version_warns_and_is_recorded(run):
    older(files(run)[-1], "0.0.9")
    with pytest.raises(CheckpointMismatchError, match="exactly"):
        tinynet.resume(run, overrides={"training.epochs": 3}, exact=True)
    with pytest.warns(UserWarning, match=r"tinynet-core was of version 0\.0\.9"):
        tinynet.resume(run, overrides={"training.epochs": 3})
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is False
    assert origin["reasons"] == ["tinynet-core was of version 0.0.9, and is 0.1.0 here"]
