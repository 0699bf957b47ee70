"""The tokens of the training data: which of them count, and their indices."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from tinynet.errors import DataError
from tinynet.files.text_arrays import pack_texts, unpack_texts
from tinynet.transform import State

TOKENS = "tokens_"
"""The start of the names of a state's arrays of tokens."""

_KEPT = 8
"""Vocabularies whose indices are kept from batch to batch."""


def frequent_tokens(
    counts: Counter[str], min_count: int, limit: int | None, name: str, samples: int
) -> list[str]:
    """Return the tokens that occur often enough, in ascending order.

    Args:
        counts: Occurrences of each token in the training data.
        min_count: The least occurrences of a token.
        limit: The most tokens; the most frequent ones are returned. None: all of them.
        name: The name of the transform, for messages.
        samples: The number of training samples.

    Raises:
        DataError: if there is no such token.
    """
    if not samples:
        raise DataError(f"{name} has no training data to learn from; the training split is empty")
    if not counts:
        raise DataError(
            f"{name} found no token in {samples:,} training samples: every text is empty, white"
            ' space, or shorter than the least of "ngrams"; correct the texts'
        )
    tokens = [token for token, count in counts.items() if count >= min_count]
    if not tokens:
        raise DataError(
            f"no token occurs {min_count:,} times in the training data, as {name} requires; set"
            f' "min_count" to {max(counts.values()):,} or less'
        )
    if limit is not None:
        tokens.sort(key=lambda token: (-counts[token], token))
        tokens = tokens[:limit]
    return sorted(tokens)


def packed(tokens: list[str]) -> State:
    """Return tokens as arrays of a transform's state.

    Raises:
        DataError: for a token that is not Unicode text.
    """
    try:
        return pack_texts(tokens, TOKENS)
    except UnicodeEncodeError as error:
        raise DataError(
            f"a text holds {error.object[error.start]!r}, half of a character that Unicode text"
            " cannot hold alone; decode the text again from its file"
        ) from error


def unpacked(state: State) -> list[str]:
    """Return the tokens of a state."""
    return unpack_texts(state, TOKENS)


def indices(state: State) -> Mapping[str, int]:
    """Return the index of each token of a state, counted from 0; do not change them."""
    return _indices(state[f"{TOKENS}bytes"].tobytes(), state[f"{TOKENS}offsets"].tobytes())


@lru_cache(_KEPT)
def _indices(content: bytes, offsets: bytes) -> Mapping[str, int]:
    arrays: State = {
        f"{TOKENS}bytes": np.frombuffer(content, np.uint8),
        f"{TOKENS}offsets": np.frombuffer(offsets, np.int64),
    }
    return {token: index for index, token in enumerate(unpack_texts(arrays, TOKENS))}
