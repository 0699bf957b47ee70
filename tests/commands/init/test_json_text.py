"""JSON as a person writes it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tinynet.commands.init.json_text import WIDTH, format_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=30,
)


@given(VALUES)
def test_the_text_is_the_value(value):
    assert json.loads(format_json(value)) == value


def test_what_fits_is_on_one_line():
    value = {"layers": [{"type": "dense", "units": 3}, "relu"], "names": ["long " * 4] * 12}
    text = format_json(value)
    assert '"layers": [{"type": "dense", "units": 3}, "relu"],\n' in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.startswith('{\n  "layers"')
