"""Occurrences of the tokens of a text, weighted by their rarity."""

import numpy as np

from tinynet.builtin.transforms._terms import TermConfig, Terms
from tinynet.transform import State
from tinynet.types import Array


class TFIDF(Terms):
    """Term frequency times inverse document frequency, in rows of length 1.

    (N, ...) texts -> (N, ..., V), float32. With n training texts, of which d have a token,

        y = count * (log((1 + n) / (1 + d)) + 1), divided by the Euclidean norm of the text's row.

    That is the default of scikit-learn's ``TfidfVectorizer``, a smoothed form of K. Sparck Jones,
    "A Statistical Interpretation of Term Specificity and Its Application in Retrieval", 1972. A
    text without known tokens is a row of zeros.

    State: ``tokens_bytes`` and ``tokens_offsets``, the V tokens in UTF-8; ``idf``, (V,), float64.

    Raises:
        DataError: for an array that is not text.
    """

    spec_name = "tfidf"

    class Config(TermConfig):
        """Parameters of `tfidf`."""

    def learned(self, frequencies: Array, samples: int) -> State:
        return {"idf": np.log((1 + samples) / (1 + frequencies)) + 1}

    def values(self, state: State, columns: Array, counts: Array) -> Array:
        values = counts * state["idf"][columns]
        norm = np.sqrt(np.square(values).sum())
        return values / norm if len(values) else values
