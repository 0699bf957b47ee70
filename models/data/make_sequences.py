"""Makes sentences.npz, tags.npz, sums.npz and series.npz, the same ones every time.

    python models/data/make_sequences.py

Their content is described in README.md beside this file.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent

Arrays = dict[str, NDArray[Any]]

GOOD, BAD, NOT, FILLERS = range(5), range(5, 10), 10, range(11, 29)
"""Tokens of sentences: words that praise, words that blame, the negation, and others."""

NOUNS, VERBS, EITHER, ARTICLES = range(1, 11), range(11, 21), range(21, 31), (31, 32)
"""Tokens of tagged sentences: words that are nouns, verbs, or either, and articles; 0 pads."""

NO_TAG = -1
"""The tag of a position without a word."""


def sentences(count: int = 3000, length: int = 20, seed: int = 1) -> Arrays:
    """Return sentences of 5 to 20 tokens: praise minus blame, where a negation turns the next word.

    Sentences without a verdict are drawn again. Words of no sentence follow its end, so that it can
    only be judged by its length.
    """
    rng = np.random.default_rng(seed)
    vocabulary = [*GOOD, *BAD, NOT, NOT, NOT, *FILLERS]
    tokens = rng.choice(vocabulary, (count, length)).astype(np.uint8)
    lengths = np.zeros(count, np.uint8)
    positive = np.zeros(count, np.uint8)
    for row in range(count):
        score = 0
        while score == 0:
            words = rng.choice(vocabulary, rng.integers(5, length + 1))
            signs = np.isin(words, GOOD).astype(int) - np.isin(words, BAD)
            turned = np.concatenate([[1], np.where(words[:-1] == NOT, -1, 1)])
            score = int(signs @ turned)
        tokens[row, : len(words)] = words
        lengths[row] = len(words)
        positive[row] = score > 0
    return {"tokens": tokens, "length": lengths, "positive": positive}


def tags(count: int = 2000, length: int = 12, seed: int = 2) -> Arrays:
    """Return sentences of articles, nouns and verbs, in which a word may be either of the last two.

    After an article comes a noun, and after a noun a verb: only the context tells.
    """
    rng = np.random.default_rng(seed)
    tokens = np.zeros((count, length), np.uint8)
    labels = np.full((count, length), NO_TAG, np.int8)
    for row in range(count):
        words: list[int] = []
        kinds: list[int] = []
        for _ in range(rng.integers(2, length // 3 + 1)):
            noun = rng.choice([*NOUNS, *EITHER])
            verb = rng.choice([*VERBS, *EITHER])
            words += [int(rng.choice(ARTICLES)), int(noun), int(verb)]
            kinds += [0, 1, 2]
        start = int(rng.integers(3))
        words, kinds = words[start:], kinds[start:]
        tokens[row, : len(words)] = words
        labels[row, : len(kinds)] = kinds
    return {"tokens": tokens, "tags": labels}


def sums(count: int = 5000, seed: int = 3) -> Arrays:
    """Return sums of two numbers up to 99 as characters: digits, 10 for +, 11 to pad, 12 to begin.

    The second input is the answer one position late, as a decoder reads it in training.
    """
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(100 * 100)[:count]
    question = np.full((count, 5), 11, np.uint8)
    answer = np.full((count, 3), 11, np.uint8)
    for row, (left, right) in enumerate(zip(pairs // 100, pairs % 100, strict=True)):
        for array, text in ((question, f"{left}+{right}"), (answer, f"{left + right}")):
            array[row, : len(text)] = [10 if c == "+" else int(c) for c in text]
    begin = np.full((count, 1), 12, np.uint8)
    before = np.concatenate([begin, answer[:, :-1]], axis=1)
    return {"question": question, "before": before, "answer": answer}


def series(count: int = 800, past: int = 48, future: int = 12, seed: int = 4) -> Arrays:
    """Return windows of sums of a slope, two sines of random periods and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(past + future)
    slope, phases = rng.normal(0, 0.01, (count, 1)), rng.uniform(0, 2 * np.pi, (2, count, 1))
    periods = np.stack([rng.uniform(6, 12, (count, 1)), rng.uniform(20, 40, (count, 1))])
    heights = rng.uniform(0.3, 1.0, (2, count, 1))
    waves = (heights * np.sin(2 * np.pi * t / periods + phases)).sum(axis=0)
    values = (slope * t + waves + rng.normal(0, 0.05, waves.shape)).astype(np.float32)
    return {"past": values[:, :past, None], "future": values[:, past:]}


def main() -> None:
    """Write the files."""
    made = {"sentences": sentences(), "tags": tags(), "sums": sums(), "series": series()}
    for name, arrays in made.items():
        np.savez_compressed(HERE / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main()
