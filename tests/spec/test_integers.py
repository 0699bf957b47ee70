"""1.0 is the integer 1 in a spec, as in JSON Schema."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tinynet import load_spec, registry
from tinynet.errors import SpecError
from tinynet.spec.schema import spec_schema
from tinynet.spec.versions import VERSION
from tinynet.text.document import LARGEST_INTEGER, with_integers

ROOT = Path(__file__).parents[2]
SPECS = [
    *sorted((ROOT / "models").glob("*.json")),
    *sorted(Path(__file__).parent.glob(f"corpus/{VERSION}/*")),
]


def with_floats(value):
    if isinstance(value, dict):
        return {key: with_floats(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_floats(part) for part in value]
    return float(value) if type(value) is int else value


@pytest.fixture(scope="module")
def schema():
    return Draft202012Validator(spec_schema(registry.default()))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_integers_may_be_written_as_floats(path, schema):
    """Also in the schema, which so accepts all these specs: an integer is no less valid."""
    spec = json.loads(path.read_text(encoding="utf-8"))
    resolved = load_spec(with_floats(spec)).resolved()
    assert json.dumps(resolved) == json.dumps(load_spec(spec).resolved())
    schema.validate(with_floats(spec))


@pytest.mark.parametrize("path", ["training.epochs", "network.layers.dense_1.units"])
def test_integers_of_overrides_may_be_written_as_floats(path):
    spec = ROOT / "models" / "digits_mlp.json"
    assert load_spec(spec, {path: 7.0}).resolved() == load_spec(spec, {path: 7}).resolved()
    with pytest.raises(SpecError, match=r"a whole number is expected, not 7\.5"):
        load_spec(spec, {path: 7.5})


def test_a_float_without_an_equal_integer_is_kept():
    for value in (-0.0, 0.5, float(2 * LARGEST_INTEGER), 1e300):
        assert repr(with_integers([value])[0]) == repr(value)
    for value in (0.0, -3.0, float(LARGEST_INTEGER)):
        assert type(with_integers(value)) is int
    assert with_integers([True, None, "1.0"]) == [True, None, "1.0"]
