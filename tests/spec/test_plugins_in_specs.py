"""Missing and broken plugins are reported at the places that name them, all at once."""

import pytest
from pydantic import field_validator

from tinynet import registry
from tinynet.config import InitializerReference
from tinynet.errors import PluginError, SpecError
from tinynet.layer import LayerConfig
from tinynet.network.network import Network
from tinynet.registry import Entry, Registry
from tinynet.spec.reading import load_spec, parse_network

BROKEN = (
    "acme:broken (version 1.2) is installed but could not be imported from no_such_module:Broken:"
    " ModuleNotFoundError: No module named 'no_such_module'"
)
NO_FANCY = "'fancy' is not installed, or has no types for tinynet"


@pytest.fixture(autouse=True)
def acme(monkeypatch):
    """An installed distribution whose layer, loss and initializer cannot be imported."""
    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]
    entries += [
        Entry(group, "broken", "acme", "1.2", "no_such_module:Broken")
        for group in ("layers", "losses", "initializers")
    ]
    extended = Registry(entries)
    monkeypatch.setattr(registry, "default", lambda: extended)


@pytest.fixture
def refusal(tmp_path):
    """Return the problems of a file with these layers and this loss."""

    def load(layers, loss='"mse"', kind=PluginError):
        path = tmp_path / "spec.json"
        path.write_text(
            '{"tinynet": 1, "name": "x",\n'
            f' "network": {{"input_shape": [4], "layers": [\n{layers}]}},\n'
            f' "training": {{"steps": 1, "optimizer": "sgd", "loss": {loss}}}}}\n'
        )
        with pytest.raises(kind) as caught:
            load_spec(path)
        assert caught.value.source == str(path)
        return [str(problem) for problem in caught.value.problems]

    return load


def test_a_broken_plugin_is_reported_at_its_type(refusal):
    assert refusal('{"units": 3,  "type": "broken"}') == [f"3:23: /network/layers/0/type: {BROKEN}"]


def test_a_missing_distribution_is_reported_at_its_type(refusal):
    """The spec itself is valid."""
    assert refusal('"relu",\n "fancy:swish"') == [
        f"4:2: /network/layers/1: there is no layer 'fancy:swish': {NO_FANCY}"
    ]


def test_all_plugins_are_reported_at_once(refusal):
    """So one pip install is enough."""
    layers = '{"type": "broken"}, {"type": "dense", "units": 2, "weight_initializer": "broken"}'
    assert refusal(layers, '{"type": "fancy:mse", "weight": 2.0}') == [
        f"3:10: /network/layers/0/type: {BROKEN}",
        f"3:73: /network/layers/1/weight_initializer: {BROKEN}",
        f"4:64: /training/loss/type: there is no loss 'fancy:mse': {NO_FANCY}",
    ]


def test_other_mistakes_make_it_a_spec_error(refusal):
    layers = '{"type": "broken"}, {"type": "dense", "unit": 2}'
    assert refusal(layers, kind=SpecError) == [
        f"3:10: /network/layers/0/type: {BROKEN}",
        "3:39: /network/layers/1/unit: unknown key 'unit'; did you mean 'units'?",
    ]


@pytest.mark.parametrize("name", ["tinynet-core:dence", "acme:brokn", "dence", "a b:dense", ":x"])
def test_a_misspelt_name_is_a_mistake_of_the_spec(refusal, name):
    assert len(refusal(f'{{"type": "{name}"}}', kind=SpecError)) == 1


class Moody:
    """A layer whose Config raises an unexpected exception."""

    class Config(LayerConfig):
        mood: str

        @field_validator("mood")
        @classmethod
        def _check(cls, mood: str) -> str:
            raise TypeError("unhashable")


def test_a_config_that_fails_is_a_problem_of_the_plugin(refusal, register):
    register("layers", "moody", Moody)
    line = Moody.Config._check.__func__.__code__.co_firstlineno + 3
    assert refusal('{"mood": "bad", "type": "moody"}') == [
        "3:25: /network/layers/0/type: test-plugin:moody (version 1.0): its Config failed:"
        f" TypeError: unhashable ({__file__}:{line})"
    ]


def test_a_network_without_a_spec_reports_it_too():
    for read in (parse_network, lambda network: Network(network, (4,))):
        with pytest.raises(PluginError) as caught:
            read({"layers": ["broken"]})
        assert [p.message for p in caught.value.problems] == [BROKEN]


def test_a_loss_without_a_spec_is_reported_too():
    with pytest.raises(PluginError) as caught:
        Network({"layers": ["relu"]}, (4,), loss="broken")
    assert [p.message for p in caught.value.problems] == [BROKEN]


def test_a_reference_alone_needs_no_plugin():
    """Checkpoints can be inspected without their plugins."""
    assert InitializerReference.model_validate("fancy:normal").type == "fancy:normal"
