"""Makes keywords.npz, the same one every time.

    python models/data/make_keywords.py

Its content is described in README.md beside this file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent

FRAMES, BANDS = 32, 16
"""Length of a recording, and bands of frequency."""

SYLLABLES = {"ba": (3, 2, 9, 9), "di": (7, 3, 9, 12), "mo": (4, 5, 8, 6), "su": (3, 3, 12, 8)}
"""For each syllable, the bands of two formants at its start and at its end: where the first one
starts and ends, and where the second one does."""

KEYWORDS = ("ba di", "di ba", "mo su", "su mo", "ba mo", "di su")
"""The words; some differ in the order of their syllables alone. The last class is noise."""


def keywords(count: int = 700, seed: int = 6) -> dict[str, NDArray[Any]]:
    """Return recordings of one keyword each, or of noise, as loudness in bands of frequency.

    Speakers differ in pitch, speed and loudness, and begin at any time.
    """
    rng = np.random.default_rng(seed)
    word = np.arange(count) % (len(KEYWORDS) + 1)
    bands = np.arange(BANDS)
    levels = 3 + rng.normal(0, 1.0, (count, FRAMES, BANDS))
    for row in np.flatnonzero(word < len(KEYWORDS)):
        pitch, loudness = rng.normal(0, 0.7), rng.uniform(4, 9)
        syllables = [SYLLABLES[name] for name in KEYWORDS[word[row]].split()]
        lengths = rng.integers(7, 12, len(syllables))
        start = rng.integers(FRAMES - lengths.sum() - 1)
        for (low, low_end, high, high_end), length in zip(syllables, lengths, strict=True):
            t = np.linspace(0, 1, length)[:, None]
            envelope = np.sin(np.pi * (0.1 + 0.8 * t))
            for center in (low + (low_end - low) * t, high + (high_end - high) * t):
                formant = np.exp(-0.5 * ((bands - center - pitch) / 0.9) ** 2)
                levels[row, start : start + length] += loudness * envelope * formant
            start += length + 1
    loud = np.clip(np.rint(levels), 0, 15).astype(np.uint8)
    return {"spectrogram": loud[..., None], "word": word.astype(np.uint8)}


if __name__ == "__main__":
    np.savez_compressed(HERE / "keywords.npz", **keywords())
