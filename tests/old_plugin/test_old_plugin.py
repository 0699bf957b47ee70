"""A plugin written for tinynet 0.1.0 and never edited still works."""

import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tinynet import registry, testing
from tinynet.dataset import Field

INSTALLED = Path(__file__).with_name("installed")
SPEC = Path(__file__).with_name("waves.json")
PACKAGE = "plugin_of_0_1"
DIGEST = "c5e9045cc3a35f27e2de8d8cd3bc1f4735b89102dfa11401d45d4eb0628a9d4a"

# What is deprecated works as before, so the old plugin may be told so.
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """Put the plugin on the path with its metadata, as an installation does."""
    monkeypatch.syspath_prepend(INSTALLED)
    registry.default.cache_clear()
    yield
    sys.modules.pop(PACKAGE, None)
    registry.default.cache_clear()


def test_nobody_has_touched_it():
    """Mended along with tinynet it would show nothing: restore it, and mend tinynet."""
    digest = sha256()
    for path in sorted(INSTALLED.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(INSTALLED).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    assert digest.hexdigest() == DIGEST


NUMBERS = np.random.default_rng(0).normal(size=(6, 2))
KIT = {
    "CentredDense": (testing.check_layer, {"units": 3}, [(5,)]),
    "GaussianNoise": (testing.check_layer, {"stddev": 0.3}, [(3, 4)]),
    "LogCosh": (testing.check_loss, {}, (2,), NUMBERS),
    "Adagrad": (testing.check_optimizer, {}),
    "InverseSqrt": (testing.check_schedule, {"decay_steps": 5}),
    "Within": (testing.check_metric, {"tolerance": 1.0}, NUMBERS, NUMBERS[::-1]),
    "LecunNormal": (testing.check_initializer, {}),
    "Waves": (testing.check_dataset, {"samples": 20}),
    "UnitPeak": (testing.check_transform, {}, Field((2,), "float64"), NUMBERS),
}


@pytest.mark.parametrize("name", KIT)
def test_it_passes_the_kit_of_today(name):
    """Its author's own tests still pass."""
    check, *arguments = KIT[name]
    check(getattr(import_module(PACKAGE), name), *arguments)


def test_everything_it_registers_is_found():
    installed = registry.default()
    entries = [e for group in registry.GROUPS for e in installed.entries(group)]
    own = [entry for entry in entries if entry.distribution == "plugin-of-0-1"]
    assert {installed.load(entry.group, entry.qualified).__name__ for entry in own} == KIT.keys()


def test_it_trains_as_well_as_ever(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    metrics = run.evaluate("test").metrics
    assert metrics["within"] > 0.7
    assert metrics["loss"] < 0.01


def test_its_runs_can_be_resumed_exactly(tmp_path):
    whole = tinynet.train(SPEC, tmp_path / "whole", overrides={"training.epochs": 4})
    tinynet.train(SPEC, tmp_path / "parts", overrides={"training.epochs": 2})
    resumed = tinynet.resume(tmp_path / "parts", overrides={"training.epochs": 4})
    for kind in ("params", "buffers"):
        expected, actual = getattr(whole.network, kind), getattr(resumed.network, kind)
        assert expected.keys() == actual.keys()
        for address in expected:
            np.testing.assert_array_equal(actual[address], expected[address], err_msg=address)
