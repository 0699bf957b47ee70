"""Texts as arrays, in which form a checkpoint holds those that a transform or a dataset learned."""

import itertools
from collections.abc import Sequence

import numpy as np

from tinynet.types import Array


def pack_texts(texts: Sequence[str], prefix: str = "") -> dict[str, Array]:
    """Return texts as arrays by name.

    Args:
        texts: The texts, n of them.
        prefix: The start of the names.

    Returns:
        ``{prefix}bytes``, the UTF-8 of all texts, (B,), uint8; and ``{prefix}offsets``,
        (n + 1,), int64: text i is ``bytes[offsets[i]:offsets[i + 1]]``.
    """
    encoded = [text.encode() for text in texts]
    lengths = np.array([0, *map(len, encoded)], np.int64)
    return {
        f"{prefix}bytes": np.frombuffer(b"".join(encoded), np.uint8),
        f"{prefix}offsets": np.cumsum(lengths),
    }


def unpack_texts(arrays: dict[str, Array], prefix: str = "") -> list[str]:
    """Return the texts that `pack_texts` packed."""
    content = arrays[f"{prefix}bytes"].tobytes()
    offsets = arrays[f"{prefix}offsets"].tolist()
    return [content[start:stop].decode() for start, stop in itertools.pairwise(offsets)]
