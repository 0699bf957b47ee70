"""Bags of words and TF-IDF."""

import numpy as np
import pytest

from tinynet.builtin.transforms._tokens import Tokenizer
from tinynet.builtin.transforms.bag_of_words import BagOfWords
from tinynet.builtin.transforms.tfidf import TFIDF
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError

FIELD = Field((), TEXT)
TRAINING = ["The cat sat on the mat.", "A dog!", "the cat's dog, the dog", "mat cat mat"]
OTHERS = ["The the dog", "nothing known here", "", "Mat. Cat?"]


def texts(items):
    array = np.empty(len(items), object)
    array[:] = items
    return array


def transformed(cls, items=OTHERS, **options):
    transform = cls(cls.Config(**options))
    state = transform.fit(FIELD, iter([texts(TRAINING)]))
    result = transform.apply(state, texts(items), None, False)
    assert result.dtype == np.float32
    return transform.fitted_field(FIELD, state), result


def test_counts():
    field, result = transformed(BagOfWords, min_count=2)
    assert field == Field((4,), "float32", names=("cat", "dog", "mat", "the"))
    assert result.tolist() == [[0, 1, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]]


def test_binary_counts_of_sequences():
    field, result = transformed(BagOfWords, ["the dog the dog"], binary=True, ngrams=(2, 2))
    assert "the dog" in field.names
    assert result.sum() == result[0, field.names.index("the dog")] == 1


def test_the_most_frequent_tokens_are_counted():
    field, _ = transformed(BagOfWords, max_size=2)
    assert field.names == ("dog", "the")  # four of "the", three each of "dog" and "mat"


def test_rare_tokens_weigh_more():
    field, result = transformed(TFIDF, ["cat sat"])
    weights = dict(zip(field.names, result[0], strict=True))
    assert weights["sat"] > weights["cat"] > 0
    assert np.linalg.norm(result) == pytest.approx(1)


def test_numbers_are_refused():
    with pytest.raises(DataError, match="tfidf needs text, but this array holds int64"):
        TFIDF(TFIDF.Config()).describe(Field((), "int64"))


OPTIONS = [
    {},
    {"ngrams": (1, 2)},
    {"unit": "character", "ngrams": (2, 4)},
    {"unit": "whitespace"},
    {"max_size": 1},
]


@pytest.mark.oracle
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["counts", "binary", "tfidf"])
def test_as_scikit_learn(name, options):
    """Its binary counts choose by the number of texts with a token, so not with a limit."""
    sklearn = pytest.importorskip("sklearn.feature_extraction.text", reason="needs scikit-learn")
    unit = options.get("unit", "word")
    split = Tokenizer(unit, unit == "word", options.get("ngrams", (1, 1)))
    limit = None if name == "binary" else options.get("max_size")
    options = {**options, "max_size": limit}
    if name == "tfidf":
        theirs, ours = sklearn.TfidfVectorizer(analyzer=split, max_features=limit), TFIDF
    else:
        binary = name == "binary"
        theirs = sklearn.CountVectorizer(analyzer=split, max_features=limit, binary=binary)
        ours, options = BagOfWords, {**options, "binary": binary}
    theirs.fit(TRAINING)
    items = TRAINING + OTHERS
    field, result = transformed(ours, items, **options)
    assert field.names == tuple(theirs.get_feature_names_out())
    np.testing.assert_allclose(result, theirs.transform(items).toarray(), rtol=1e-6, atol=1e-7)


@pytest.mark.oracle
def test_words_of_scikit_learn_are_words():
    """Its words have two letters or more, and no punctuation."""
    sklearn = pytest.importorskip("sklearn.feature_extraction.text", reason="needs scikit-learn")
    theirs = sklearn.TfidfVectorizer().build_analyzer()
    text = "The cats, the DOGS (all of them): 12 birds; no fish"
    ours = [t for t in Tokenizer("word", True)(text) if t.isalnum()]
    assert ours == theirs(text)
