"""The section "tuning" of a spec: it has no effect on training, and its mistakes have places."""

import json

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

SPEC = """{"tinynet": 1, "name": "t", "data": {"type": "digits"},
"network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
"training": {"epochs": 1, "loss": "softmax_cross_entropy", "optimizer": "adam"},
"tuning": TUNING}
"""


@pytest.fixture
def write(tmp_path):
    def write(tuning):
        path = tmp_path / "spec.json"
        path.write_text(SPEC.replace("TUNING", tuning), encoding="utf-8")
        return path

    return write


def test_section_is_no_part_of_the_resolved_spec(write):
    """Or a run would differ from one of the same spec without the section, and not resume."""
    rate = '{"kind": "log", "low": 1e-4, "high": 1}'
    spec = load_spec(write(f'{{"params": {{"training.optimizer.learning_rate": {rate}}}}}'))
    assert spec.tuning.params["training.optimizer.learning_rate"].high == 1.0
    document = json.loads(SPEC.replace("TUNING", "null"))
    assert spec.resolved() == load_spec(document).resolved()


@pytest.mark.parametrize(
    ("param", "column", "message"),
    [
        ('{"kind": "log", "low": 0, "high": 1}', 45, "must be more than 0 for 'log', not 0"),
        ('{"kind": "int", "low": 4, "high": 2}', 45, "must be less than 'high', which is 2, not 4"),
        ('{"kind": "int", "low": 1.5, "high": 2}', 45, "a whole number is expected for 'int'"),
        ('{"kind": "float", "low": 1}', 30, "'float' needs 'high'"),
        ('{"kind": "choice"}', 30, "'choice' needs 'choices', a list of values"),
        ('{"kind": "choice", "choices": [1, 2, 1]}', 67, "the choice 1 is given twice"),
        ('{"kind": "choice", "choices": []}', 60, "must not be empty"),
        ('{"kind": "lgo", "low": 1, "high": 2}', 39, 'is expected, not "lgo"'),
        ('{"kind": "int", "low": 1, "hihg": 2}', 56, "did you mean 'high'?"),
    ],
)
def test_mistake_has_its_line_and_column(write, param, column, message):
    with pytest.raises(SpecError) as caught:
        load_spec(write(f'{{"params": {{"a": {param}}}}}'))
    places = {(p.line, p.column): p.message for p in caught.value.problems}
    assert all(line == 4 for line, _ in places)
    assert any(message in text for text in places.values()), places
