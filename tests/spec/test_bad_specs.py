"""Every mistake of the tables has the expected message at the expected place.

`bad_specs.txt` describes the format of the tables.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from tinynet import registry
from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec
from tinynet.text.wording import format_list

HERE = Path(__file__).parent
TABLES = ("bad_specs", "bad_blocks")


LAYERS = format_list(sorted(entry.name for entry in registry.default().entries("layers")))
"""The layers as a message lists them; a table has ``{layers}`` in their place."""


class Case(NamedTuple):
    title: str
    text: str
    answers: list[str]


def read(name):
    return (HERE / name).read_text(encoding="utf-8")


def cases(table):
    good, table = read(f"{table}.json"), read(f"{table}.txt")
    for paragraph in table.split("\n\n"):
        parts = {sign: [] for sign in "#-+="}
        for line in paragraph.splitlines():
            if line[:1] in parts and not line.startswith("=="):
                parts[line[0]].append(line[2:])
        if parts["#"]:
            (title,), old, new = parts["#"], "\n".join(parts["-"]), "\n".join(parts["+"])
            assert old in good, f"{title}: the valid spec does not have {old!r}"
            expected = [answer.replace("{layers}", LAYERS) for answer in parts["="]]
            yield Case(title, good.replace(old, new, 1), expected)


CASES = [case for table in TABLES for case in cases(table)]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)


def answers(path):
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert caught.value.source == str(path)
    assert str(caught.value).splitlines() == [f"{path}:{p}" for p in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("table", TABLES)
def test_the_spec_of_a_table_is_valid(table):
    load_spec(HERE / f"{table}.json")


def test_the_tables_are_complete_and_without_duplicates():
    assert len(CASES) >= 150
    assert len({case.title for case in CASES}) == len({case.text for case in CASES}) == len(CASES)


@every_case
def test_a_mistake_has_its_message_at_its_place(case, tmp_path):
    path = tmp_path / "spec.json"
    path.write_text(case.text, encoding="utf-8")
    assert answers(path) == case.answers


@every_case
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_byte_order_mark_and_line_ends_change_no_place(case, newline, tmp_path):
    path = tmp_path / "spec.json"
    path.write_bytes(b"\xef\xbb\xbf" + case.text.replace("\n", newline).encode())
    assert answers(path) == case.answers
