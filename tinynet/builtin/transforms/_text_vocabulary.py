"""Tokens of texts as indices of a vocabulary."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from tinynet.builtin.transforms._tokens import Tokenizer
from tinynet.builtin.transforms._tokens_of_training import (
    frequent_tokens,
    indices,
    packed,
    unpacked,
)
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.transform import State
from tinynet.types import Array

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""Names of the classes 0 and 1."""

SPECIAL = (PADDING, UNKNOWN)

Side: TypeAlias = Literal["post", "pre"]


class TextVocabulary:
    """The index of each token of a text among those of the training data, padded to one length.

    (N, ...) texts -> (N, ..., length), int64.

    State: ``tokens_bytes`` and ``tokens_offsets``, the token of index i + 2 is the i-th of them;
    ``length``, (), int64.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        max_size: int | None,
        min_count: int,
        length: int | None,
        percentile: float,
        padding: Side,
        truncation: Side,
    ) -> None:
        self.tokenizer = tokenizer
        self.max_size, self.min_count = max_size, min_count
        self.length, self.percentile = length, percentile
        self.padding, self.truncation = padding, truncation

    def describe(self, field: Field) -> Field:
        tagged = field.text_unit == "whitespace"
        if tagged and (self.tokenizer.unit, self.tokenizer.ngrams) != ("whitespace", (1, 1)):
            raise DataError(
                "each word of this text has a tag, and white space separates words; set"
                ' "unit": "whitespace" without "ngrams"'
            )
        length = 1 if self.length is None else self.length
        return Field((*field.shape, length), "int64", padding=0)

    def fitted_field(self, field: Field, state: State) -> Field:
        names = map(self.tokenizer.name, unpacked(state))
        shape = (*field.shape, int(state["length"]))
        return replace(self.describe(field), shape=shape, classes=(*SPECIAL, *names))

    def fit(self, batches: Iterable[Array]) -> State:
        counts, lengths = Counter[str](), Counter[int]()
        for batch in batches:
            for text in batch.flat:
                tokens = self.tokenizer(text)
                counts.update(tokens)
                lengths[len(tokens)] += 1
        for name in SPECIAL:
            del counts[name]  # as text they are unknown
        limit = None if self.max_size is None else self.max_size - len(SPECIAL)
        tokens = frequent_tokens(counts, self.min_count, limit, "vocabulary", lengths.total())
        length = _percentile(lengths, self.percentile) if self.length is None else self.length
        return {**packed(tokens), "length": np.array(max(length, 1))}

    def apply(self, state: State, batch: Array) -> Array:
        length, index_of = int(state["length"]), indices(state)
        result = np.zeros((batch.size, length), np.int64)
        for row, text in zip(result, batch.flat, strict=True):
            tokens = self.tokenizer(text)
            kept = tokens[:length] if self.truncation == "post" else tokens[-length:]
            if kept:
                place = slice(len(kept)) if self.padding == "post" else slice(-len(kept), None)
                row[place] = [index_of.get(token, -1) + len(SPECIAL) for token in kept]
        return result.reshape(*batch.shape, length)

    def invert(self, state: State, batch: Array) -> Array:
        """Return the tokens of indices, as text; padding becomes an empty text."""
        tokens = ["", UNKNOWN, *map(self.tokenizer.name, unpacked(state))]
        return np.array(tokens, object)[batch]


def _percentile(lengths: Counter[int], percentile: float) -> int:
    """Return the least length that so many percent of the texts do not exceed."""
    values = np.array(sorted(lengths))
    below = np.cumsum([lengths[value] for value in values.tolist()])
    return int(values[np.searchsorted(below, below[-1] * percentile / 100)])
