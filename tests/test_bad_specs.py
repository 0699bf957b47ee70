"""Every mistake of the table gets exactly its answer, at exactly its place.

A spec is what our users write all day: these messages are the product. `bad_specs.txt` says how to
read the table.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from tinynet.errors import SpecError
from tinynet.spec_file import load_spec

HERE = Path(__file__).parent
GOOD = (HERE / "bad_specs.json").read_text(encoding="utf-8")


class Case(NamedTuple):
    title: str
    text: str
    answers: list[str]


def cases():
    table = (HERE / "bad_specs.txt").read_text(encoding="utf-8")
    for paragraph in table.split("\n\n"):
        parts = {"#": [], "-": [], "+": [], "=": []}
        for line in paragraph.splitlines():
            if line[:1] in parts and not line.startswith("=="):
                parts[line[0]].append(line[2:])
        if parts["#"]:
            old, new = "\n".join(parts["-"]), "\n".join(parts["+"])
            assert old in GOOD, f"{parts['#'][0]}: bad_specs.json does not have {old!r}"
            yield Case(parts["#"][0], GOOD.replace(old, new, 1), parts["="])


CASES = list(cases())


def answers(path):
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert caught.value.source == str(path)
    return [str(problem) for problem in caught.value.problems]


def test_the_spec_that_the_table_spoils_is_good(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(GOOD, encoding="utf-8")
    assert load_spec(path).name == "digits"


def test_the_table_is_as_long_as_it_is_meant_to_be_and_has_no_case_twice():
    assert len(CASES) >= 100
    assert len({case.title for case in CASES}) == len({case.text for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_mistake_gets_its_answer_at_its_place(case, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(case.text, encoding="utf-8")
    assert answers(path) == case.answers


@pytest.mark.parametrize(
    ("newline", "bom"), [("\r\n", b""), ("\r", b""), ("\n", b"\xef\xbb\xbf"), ("\r\n", b"\xef\xbb\xbf")]
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_places_are_the_same_with_other_line_ends_and_a_byte_order_mark(
    case, newline, bom, tmp_path
):
    path = tmp_path / "spec.json"
    path.write_bytes(bom + case.text.replace("\n", newline).encode())
    assert answers(path) == case.answers


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_columns_count_characters_and_not_bytes(case, tmp_path):
    """The caret must stand under the mistake in a file with a comment in any language."""
    path = tmp_path / "spec.json"
    comment = '{"comment": "größer — 大きい 😀",\n\t\v'.replace("\v", " ")
    path.write_text(case.text.replace("{", comment, 1), encoding="utf-8")
    if not case.text.startswith("{\n"):
        pytest.skip("it has no first line to write a comment on")
    moved = [_moved(answer) for answer in case.answers]
    assert answers(path) == moved


def _moved(answer):
    """The place one line further down, unless the mistake is of the whole text."""
    line, column, rest = answer.split(":", 2)
    return answer if (line, column) == ("1", "1") else f"{int(line) + 1}:{column}:{rest}"
