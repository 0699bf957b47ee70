"""Files with a token and its tag on each line."""

import gzip

import numpy as np
import pytest

from tinynet.builtin.datasets.conll import CoNLL
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError

CONLL_2003 = """-DOCSTART- -X- O O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
. . O O

Peter NNP I-NP I-PER
"""


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "tags.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def opened(path, **options):
    return CoNLL(CoNLL.Config(path=path, **options))


def pairs(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    return list(zip(batch.inputs["input"], batch.targets["target"], strict=True))


def test_a_blank_line_ends_a_sentence(write):
    dataset = opened(write(CONLL_2003))
    assert pairs(dataset) == [
        ("EU rejects German .", "I-ORG O I-MISC O"),
        ("Peter", "I-PER"),
    ]
    tagged = Field((), TEXT, text_unit="whitespace")
    assert dataset.inputs["input"] == dataset.targets["target"] == tagged
    assert dataset.where(1).endswith("tags.conll, line 8")


def test_other_columns_delimiters_and_comments(write):
    path = write(gzip.compress(b"# id 1\n1\tIt\tPRON\n2\tis\tAUX\n\n\n# id 2\n1\tSo\tADV"))
    dataset = opened(path, token=1, tag=2, delimiter="\t", comment_prefix="# ")
    assert pairs(dataset) == [("It is", "PRON AUX"), ("So", "ADV")]
    assert pairs(opened(write("# N\na D\n"))) == [("# a", "N D")]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "has no sentences"),
        ("\n\n \n", {}, "has no sentences"),
        ("a N\nb\n\nc V x\n", {}, "(?s)line 2 has 1 columns.*line 4 has 3 columns.*correct these"),
        ("a\nb\n", {}, "line 1 has one column, 'a', which cannot be both"),
        ("a N\n", {"tag": 3}, 'line 1 has 2 columns, and no column 3 of the tag.*set "token"'),
        ("a N\n", {"token": -3}, "no column -3 of the token"),
        ("New York\tLOC\n", {"delimiter": "\t"}, "the token 'New York', but white space"),
        ("a\t\n", {"delimiter": "\t"}, "the tag ''"),
        (b"a N\nb\xe9 N\n", {}, "line 2: the byte 0xe9 is not UTF-8"),
        ("a N\n\0\n", {}, "line 2 holds a NUL character"),
    ],
)
def test_malformed_files(write, content, options, message):
    with pytest.raises(DataError, match=message):
        opened(write(content), **options)


def test_files_for_prediction_may_lack_tags(write):
    for content in ("EU x\nis y\n\nso z", "EU\nis\n\nso\n"):
        config = CoNLL.Config(path="elsewhere")
        (rows,) = CoNLL.read_rows(config, write(content), {}, {}, ["text"])
        assert rows.inputs["input"].tolist() == rows.kept["text"] == ["EU is", "so"]
        assert rows.places[1].endswith("tags.conll, line 4")
    (rows,) = CoNLL.read_rows(config, ["EU is", "so"], {}, {}, [])
    assert rows.inputs["input"].tolist() == ["EU is", "so"]


def predicted(path, **options):
    config = CoNLL.Config(path="elsewhere", **options)
    return [
        text
        for rows in CoNLL.read_rows(config, path, {}, {}, [])
        for text in rows.inputs["input"].tolist()
    ]


def test_lines_of_sentences_are_told_from_columns(write):
    inferred = opened(write(CONLL_2003)).inferred
    assert inferred == {"columns": 4}
    text = "EU rejects German lamb .\nPeter\n\nHe came  home\n"
    sentences = ["EU rejects German lamb .", "Peter", "He came home"]
    assert predicted(write(text), inferred=inferred) == predicted(write(text)) == sentences
    assert predicted(write("He came home today\n"), inferred=inferred) == ["He came home today"]
    assert predicted(write("He came\n"), inferred=inferred, delimiter="\t") == ["He came"]
    assert predicted(write(CONLL_2003), inferred=inferred)[0] == "EU rejects German ."
    assert predicted(write("EU NNP B\nis V O\n"), inferred=inferred) == ["EU is"]
    with pytest.raises(DataError, match=r"has 2 columns, but .* with 4; give it these columns, or"):
        predicted(write("He came\nShe went\n"), inferred=inferred)
    with pytest.raises(DataError, match="line 3 has 1 columns"):
        predicted(write("a x y N\nb x y N\nc\n"), inferred=inferred)
