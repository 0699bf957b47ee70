"""The base of transforms that count the tokens of a text, in any order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._tokens import Sizes, Tokenizer, Unit
from tinynet.builtin.transforms._tokens_of_training import (
    frequent_tokens,
    indices,
    packed,
    unpacked,
)
from tinynet.dataset import TEXT, Field
from tinynet.errors import DataError
from tinynet.text.mistakes import AlsoCalled
from tinynet.transform import State, TransformConfig
from tinynet.types import Array


class TermConfig(TransformConfig):
    """Parameters of a transform that counts tokens."""

    unit: Annotated[Unit, AlsoCalled(("analyzer", "tokenizer", "split"))] = ConfigField(
        default="word",
        description="The unit of text. 'word': words and punctuation marks. 'whitespace': what"
        " white space separates. 'character': code points. 'byte': bytes of UTF-8.",
    )
    lower: Annotated[bool | None, AlsoCalled(("lowercase",))] = ConfigField(
        default=None,
        description="Turn text into lower case first; by default only for the unit 'word'.",
    )
    ngrams: Annotated[Sizes, AlsoCalled(("ngram_range",))] = ConfigField(
        default=(1, 1),
        description="The least and the most units that make a token: [1, 2] counts words and pairs"
        " of words.",
    )
    max_size: Annotated[int | None, AlsoCalled(("max_features", "max_tokens"))] = ConfigField(
        default=None,
        ge=1,
        description="Most tokens that are counted, the most frequent ones; by default all.",
    )
    min_count: int = ConfigField(
        default=1,
        ge=1,
        description="Least occurrences of a token in all training samples.",
    )


class Terms:
    """The base: it learns the tokens, and counts those of each text.

    A subclass gives `values`, and it may add to the state.
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "field": Field((), TEXT),
            "samples": ["The cat sat.", "A dog!", "the cat's dog, the dog", "", "a b c d e"],
        },
    )
    takes_text = True
    spec_name: ClassVar[str]

    def __init__(self, config: TermConfig) -> None:
        lower = config.unit == "word" if config.lower is None else config.lower
        self.tokenizer = Tokenizer(config.unit, lower, config.ngrams)
        self.max_size, self.min_count = config.max_size, config.min_count

    def describe(self, field: Field) -> Field:
        if field.dtype != TEXT:
            raise DataError(
                f"{self.spec_name} needs text, but this array holds {field.dtype}; for indices,"
                ' use "one_hot"'
            )
        return Field((*field.shape, 1), "float32")

    def fitted_field(self, field: Field, state: State) -> Field:
        names = tuple(map(self.tokenizer.name, unpacked(state)))
        return replace(self.describe(field), shape=(*field.shape, len(names)), names=names)

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        counts, texts_with, samples = Counter[str](), Counter[str](), 0
        for batch in batches:
            samples += batch.size
            for text in batch.flat:
                tokens = self.tokenizer(text)
                counts.update(tokens)
                texts_with.update(set(tokens))
        tokens = frequent_tokens(counts, self.min_count, self.max_size, self.spec_name, samples)
        frequencies = np.array([texts_with[token] for token in tokens], np.float64)
        return {**packed(tokens), **self.learned(frequencies, samples)}

    def learned(self, frequencies: Array, samples: int) -> State:
        """Return what the transform learns besides the tokens.

        Args:
            frequencies: The number of texts with each token, (V,), float64.
            samples: The number of texts.
        """
        return {}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        index_of = indices(state)
        result = np.zeros((batch.size, len(index_of)), np.float32)
        for row, text in zip(result, batch.flat, strict=True):
            known = [index_of[token] for token in self.tokenizer(text) if token in index_of]
            columns, counts = np.unique(np.array(known, np.int64), return_counts=True)
            row[columns] = self.values(state, columns, counts)
        return result.reshape(*batch.shape, len(index_of))

    def values(self, state: State, columns: Array, counts: Array) -> Array:
        """Return the values of the tokens of one text.

        Args:
            state: The state from `fit`.
            columns: The indices of the tokens, ascending, (K,).
            counts: The occurrences of each, (K,), int64.
        """
        raise NotImplementedError
